# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the PC's clock and time zone."""

from __future__ import annotations

from datetime import datetime, tzinfo

import win32api
import win32timezone

from latchkey_agent.windows.win32.repeated_hour import RepeatedHour


class WindowsClock:
    """Implements ports.Clock with the time zone rules in Windows' registry."""

    def now(self) -> datetime:
        """Return the current time in the PC's time zone."""
        return datetime.now(self.zone())

    def zone(self) -> tzinfo:
        """Return the PC's current time zone."""
        return RepeatedHour(win32timezone.TimeZoneInfo.local())

    def uptime(self) -> float:
        """Return the seconds since the start of this boot (GetTickCount64, which also counts sleep)."""
        return win32api.GetTickCount() / 1000
