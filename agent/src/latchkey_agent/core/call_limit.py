# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits the calls of an account that are journalled, so that a loop of calls does not fill the disk."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from latchkey_agent.domain import Decision
from latchkey_agent.domain import commands as c

CALLS = 1000
"""Maximum number of journalled calls of an account within `WITHIN`; after that, repeatable calls are refused."""
WITHIN = timedelta(hours=1)


class CallLimit:
    """Remembers the latest journalled calls of each account."""

    def __init__(self) -> None:
        self._calls: dict[str, deque[datetime]] = {}

    def is_reached(self, sid: str, now: datetime) -> bool:
        """Tell whether an account has made too many calls; a clock that was set back forgets them."""
        calls = self._calls.get(sid)
        return calls is not None and len(calls) >= CALLS and timedelta() <= now - calls[0] < WITHIN

    def note(self, sid: str, now: datetime) -> None:
        """Note a journalled call."""
        self._calls.setdefault(sid, deque(maxlen=CALLS)).append(now)


def is_limited(command: c.AnyCommand, decision: Decision) -> bool:
    """Tell whether a command can be repeated without an end. What revokes something cannot, and always goes (rule 7).

    A call that changes nothing can.
    """
    if isinstance(command, c.PauseGrant) and command.pause:
        return False
    return isinstance(command, c.ENDLESS) or not decision.is_change
