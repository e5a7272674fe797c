# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The log of requests: operations and sizes, never contents.

One JSON object a line: `connection`, `operation`, `shell`, `command`, `status`, `fault`, and the
HTTP bytes `received` and `sent` (TLS is not counted; encrypted messages are counted as they travel).
`rejected`: the request was a logon that the computer refused; with the status 0, TLS has refused the client's
certificate, and the client got no answer. `at`: seconds since 1970 at the answer.
"""

from __future__ import annotations

import json
import threading
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One request and its answer. Sizes are bytes of HTTP, headers included."""

    connection: int
    operation: str
    shell: str
    command: str
    status: int
    fault: int
    received: int
    sent: int
    rejected: bool = False
    at: float = 0.0


STARTED = Entry(0, "Start", "", "", 0, 0, 0, 0)
"""The listener has started: it has no shell from before."""


class RequestLog:
    """Appends entries to a file; does nothing without a path."""

    def __init__(self, path: Path | None) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8", buffering=1) if path else None

    def add(self, entry: Entry) -> None:
        """Append an entry at once."""
        with self._lock:
            if self._file is not None and not self._file.closed:
                self._file.write(json.dumps(asdict(entry)) + "\n")

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._file is not None:
                self._file.close()


def read_log(path: Path) -> list[Entry]:
    """Return the entries of a log, without a last line that is still being written."""
    if not path.exists():
        return []
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
    return [Entry(**json.loads(line)) for line in whole.splitlines()]
