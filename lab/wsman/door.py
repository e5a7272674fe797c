# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the computer lets anybody in now: not in the first seconds after a boot, and not after too many tries."""

from __future__ import annotations

import threading
import time


class Door:
    """Counts refused logons. Any thread may use it.

    For `unavailable` seconds after its start nothing serves requests, and for `rejecting` seconds after its start
    every logon is refused. After `lockout` refused logons in a row every further one is refused, too; 0: never.
    """

    def __init__(self, unavailable: float = 0.0, rejecting: float = 0.0, lockout: int = 0) -> None:
        self._started = time.monotonic()
        self._unavailable = unavailable
        self._rejecting = rejecting
        self._lockout = lockout
        self._lock = threading.Lock()
        self._refused = 0

    @property
    def unavailable(self) -> bool:
        """Whether each request is answered with 503 now."""
        return time.monotonic() - self._started < self._unavailable

    @property
    def refuses(self) -> bool:
        """Whether each logon is refused now, also one with the right password."""
        if time.monotonic() - self._started < self._rejecting:
            return True
        with self._lock:
            return 0 < self._lockout <= self._refused

    def refused(self) -> None:
        """Count a refused logon."""
        with self._lock:
            self._refused += 1

    def accepted(self) -> None:
        """Forget the refused logons, as Windows does at the first accepted one."""
        with self._lock:
            self._refused = 0
