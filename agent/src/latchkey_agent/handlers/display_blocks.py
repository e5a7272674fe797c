# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps request windows from their screens, for the operator who waits.

Companions tell it whenever it changes, and again after the agent was started
anew: it is a fact of the moment, so it is kept in memory and not journalled.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition

from latchkey_agent.protocol.customer_messages import DisplayBlock


class DisplayBlocks:
    """What holds back each request.

    Args:
        changed: notified when something is held back, or no longer.
        is_open: tells whether a request still waits for an answer; others are forgotten.
    """

    def __init__(self, changed: Condition, is_open: Callable[[str], bool]) -> None:
        self._changed = changed
        self._is_open = is_open
        self._reasons: dict[str, DisplayBlock] = {}

    def note(self, request: str, reason: DisplayBlock | None) -> None:
        """Take in what a companion tells; None: nothing holds the request back."""
        with self._changed:
            self._reasons = {known: why for known, why in self._reasons.items() if self._is_open(known)}
            if reason is None:
                self._reasons.pop(request, None)
            else:
                self._reasons[request] = reason
            self._changed.notify_all()

    def reason(self, request: str) -> DisplayBlock | None:
        """Return what holds a request back, None if nothing does."""
        return self._reasons.get(request)
