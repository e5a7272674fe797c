# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The switchboard of things that go wrong between a client and the server.

A test writes a `Faults` to a file; the server reads the file again when it has changed. So it works
across processes, and a server that is started later finds what was set before.
"""

from __future__ import annotations

import enum
import json
import logging
import os
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_logger = logging.getLogger("lab.wsman.faults")


class Drop(enum.StrEnum):
    """Where in a request's life the connection is dropped."""

    UNPROCESSED = "unprocessed"
    """The request has arrived; nothing of it is done."""
    UNANSWERED = "unanswered"
    """The request is done (a Command's program runs, a Receive's output is used up)."""
    HALF_ANSWERED = "half_answered"
    """The answer's header and half of its body have been sent."""


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong.

    `frozen`: connections are accepted, and no request is done or answered. Requests that arrived
    before it was lifted are never answered.
    `drop`: the connection is dropped there, at requests of `operation` (Create, Command, Send,
    Receive, Signal, Delete; empty: any), after `skip` of them, `times` times.
    """

    frozen: bool = False
    drop: Drop | None = None
    operation: str = ""
    skip: int = 0
    times: int = 1

    def write(self, path: Path) -> None:
        """Put these faults in force for the server that was given this path."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(path)


def read_faults(path: Path) -> Faults:
    """What `Faults.write` wrote. Raises ValueError: the file holds something else."""
    values = json.loads(path.read_text(encoding="utf-8"))
    drop = Drop(values.pop("drop")) if values.get("drop") else values.pop("drop", None)
    return Faults(drop=drop, **values)


class Switchboard:
    """The server's side: follows the file, and counts what has been dropped."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._faults = Faults()
        self._skipped = 0
        self._dropped = 0

    @property
    def frozen(self) -> bool:
        """Whether no request is answered now."""
        with self._lock:
            return self._current().frozen

    def drops(self, operation: str, where: Drop) -> bool:
        """Whether this request's connection is to be dropped here; counts the request if so."""
        with self._lock:
            faults = self._current()
            if faults.drop is not where or faults.operation not in {"", operation}:
                return False
            if self._skipped < faults.skip:
                self._skipped += 1
                return False
            if self._dropped >= faults.times:
                return False
            self._dropped += 1
            _logger.info("dropped: %s, %s", operation, where)
            return True

    def _current(self) -> Faults:
        state = self._state()
        if state != self._seen:
            self._seen = state
            self._faults = read_faults(self._path) if self._path and state else Faults()
            self._skipped = self._dropped = 0
        return self._faults

    def _state(self) -> tuple[int, int] | None:
        if self._path is None:
            return None
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
