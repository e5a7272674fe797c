# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PC's clock and time zone."""

from __future__ import annotations

from datetime import datetime, tzinfo

import win32timezone

from latchkey_agent.windows.win32.repeated_hour import RepeatedHour


class WindowsClock:
    """ports.Clock: the zone's rules are those that Windows keeps in its registry."""

    def now(self) -> datetime:
        """Return the present moment, with the PC's offset."""
        return datetime.now(self.zone())

    def zone(self) -> tzinfo:
        """Return the PC's time zone, as it is set at this moment."""
        return RepeatedHour(win32timezone.TimeZoneInfo.local())
