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


class Progress:
    """Shows a line for each new thing that the task waits for."""

    def __init__(self, host: str, display: Callable[[str], None]) -> None:
        self._host = host
        self._display = display
        self._last = ""

    def show(self, line: str) -> None:
        """Show the line, unless it was shown last."""
        if line != self._last:
            self._last = line
            self._display(f"[{self._host}] {line}")


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
