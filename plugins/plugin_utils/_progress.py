# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The progress lines of a waiting task."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._wait_clock import Clock

LONGEST_SILENCE = 180.0
"""Seconds after which a line is shown again. Programs that run jobs end one that prints nothing for some minutes."""
_STEP = 15.0


class Progress:
    """Shows a line for each new thing that the task waits for, and the same line again after a while."""

    def __init__(self, host: str, display: Callable[[str], None], clock: Clock) -> None:
        self._host = host
        self._display = display
        self._clock = clock
        self._last = ""
        self._shown_at = 0.0

    def show(self, line: str) -> None:
        """Show the line, unless it was shown last, less than `LONGEST_SILENCE` ago."""
        now = self._clock.now()
        if line != self._last or now - self._shown_at >= LONGEST_SILENCE:
            self._last, self._shown_at = line, now
            self._display(f"[{self._host}] {line}")

    def pause(self, seconds: float, line: str) -> None:
        """Wait for so many seconds, and show the line meanwhile."""
        deadline = self._clock.deadline(seconds)
        self.show(line)
        while not deadline.over:
            self._clock.sleep(min(deadline.left, _STEP))
            self.show(line)


def span(since: str, until: str) -> str:
    """Return a time span by the PC's clock: `since 22:00:05, until 22:10:05`."""
    begin, end = _moment(since), _moment(until)
    if begin is None or end is None:
        return f"since {since}, until {until}"
    form = "%H:%M:%S" if begin.date() == end.date() else "%Y-%m-%d %H:%M:%S"
    return f"since {begin:{form}}, until {end:{form}}"


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def later(first: str, second: str) -> bool:
    """Tell whether the first of two times, both with offset, is the later one."""
    one, other = _moment(first), _moment(second)
    return one is not None and other is not None and one > other
