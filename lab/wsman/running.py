# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The running program of a script; its client may end it at any moment."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.wsman.host import Process


class RunningProgram:
    """Kills the program, now or as soon as it starts. May be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._killed = False

    def started(self, process: Process) -> None:
        """Remember the program, so that `kill` can end it; end it now if `kill` came first."""
        with self._lock:
            self._process = process
            killed = self._killed
        if killed:
            process.kill()

    def kill(self) -> None:
        """Kill the program if one runs; a program that starts later ends at once."""
        with self._lock:
            self._killed = True
            process = self._process
        if process is not None:
            process.kill()
