# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The display blocks: reasons why request windows are not on their screens.

Companions report each change, and all blocks again after the agent was restarted.
Blocks are kept in memory and not journalled: they hold for the moment only.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition

from latchkey_agent.protocol.customer_messages import DisplayBlock


class DisplayBlocks:
    """The display block of each request.

    Args:
        changed: notified when a block comes or goes.
        is_open: tells whether a request still waits for an answer; the blocks of others are forgotten.
    """

    def __init__(self, changed: Condition, is_open: Callable[[str], bool]) -> None:
        self._changed = changed
        self._is_open = is_open
        self._reasons: dict[str, DisplayBlock] = {}

    def note(self, request: str, reason: DisplayBlock | None) -> None:
        """Note the block of a request; None removes it."""
        with self._changed:
            self._reasons = {known: why for known, why in self._reasons.items() if self._is_open(known)}
            if reason is None:
                self._reasons.pop(request, None)
            else:
                self._reasons[request] = reason
            self._changed.notify_all()

    def reason(self, request: str) -> DisplayBlock | None:
        """Return the block of a request, None if there is none."""
        return self._reasons.get(request)
