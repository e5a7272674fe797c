# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Injects faults between a client and the server.

A test writes a `Faults` to a file; the server reads the file again when it has changed. This works
across processes, and a server that starts later finds the faults that were set before.
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
    """The point of a request's life at which the connection is dropped."""

    UNPROCESSED = "unprocessed"
    """After the request has arrived, before any of it is done."""
    UNANSWERED = "unanswered"
    """After the request is done (a Command's program runs, a Receive's output is used up)."""
    HALF_ANSWERED = "half_answered"
    """After the answer's header and half of its body have been sent."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The faults to inject.

    `frozen`: the server accepts connections but carries out and answers no request; requests that
    arrived while it was frozen are never answered.
    `drop`: where to drop the connection of a request of `operation` (Create, Command, Send, Receive,
    Signal, Delete; empty: any); the first `skip` such requests pass, the next `times` are dropped.
    `rejecting`: the operator's password has changed: each further logon is refused, while a
    connection that is authenticated already goes on.
    """

    frozen: bool = False
    drop: Drop | None = None
    operation: str = ""
    skip: int = 0
    times: int = 1
    rejecting: bool = False

    def write(self, path: Path) -> None:
        """Put these faults in force for the server that uses this path."""
        fresh = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.replace(path)


def read_faults(path: Path) -> Faults:
    """Return the faults that `Faults.write` wrote. Raises ValueError: the file holds something else."""
    values = json.loads(path.read_text(encoding="utf-8"))
    drop = Drop(values.pop("drop")) if values.get("drop") else values.pop("drop", None)
    return Faults(drop=drop, **values)


class Switchboard:
    """The server's side: follows the file and counts dropped requests."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._faults = Faults()
        self._skipped = 0
        self._dropped = 0

    @property
    def frozen(self) -> bool:
        """Whether the server answers no requests now."""
        with self._lock:
            return self._current().frozen

    @property
    def rejecting(self) -> bool:
        """Whether the server refuses every logon now."""
        with self._lock:
            return self._current().rejecting

    def drops(self, operation: str, where: Drop) -> bool:
        """Return whether to drop this request's connection here; count the request if so."""
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
