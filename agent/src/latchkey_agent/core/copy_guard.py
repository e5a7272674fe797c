# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices a journal that was restored from an older copy, by a counter that no copy of the disk brings back.

The journal notes the counter's value in the transaction of each event that takes
something from a grant; the counter is advanced after it. So the journal is never
behind the counter, except when it was restored.
"""

from __future__ import annotations

import logging

from latchkey_agent.domain import AnyEvent
from latchkey_agent.domain import events as e
from latchkey_agent.ports import MonotonicCounter, PortError
from latchkey_agent.storage.journal import Journal

log = logging.getLogger(__name__)
COUNTED = (e.GrantEnded, e.PermitRedeemed)
"""Events whose loss would give a grant, or a use of one, back."""


class CopyGuard:
    """Compares the journal with the PC's counter.

    Args:
        counter: the counter; on a PC without one every method does nothing.
    """

    def __init__(self, counter: MonotonicCounter) -> None:
        self._counter = counter
        self._value: int | None = None
        self._noted: int | None = None

    def is_restored(self, journal: Journal) -> bool:
        """Tell whether the journal is older than the counter, or its counter is gone.

        A power cut may come after an event was written and before the counter was advanced; that is made up for.

        Raises:
            JournalUnavailableError: the journal cannot be read.
            PortError: the counter cannot be read.
        """
        self._noted, self._value = journal.count(), self._counter.read()
        if self._value is not None and self._noted == self._value + 1:
            self._counter.advance()
            self._value += 1
        return self._noted is not None and (self._value is None or self._value > self._noted)

    def settle(self, journal: Journal) -> None:
        """Let the journal note the counter's present value. Reject the grants of a restored journal before.

        Raises:
            JournalUnavailableError: the journal cannot be written.
        """
        if self._noted != self._value:
            journal.note_count(self._value)
            self._noted = self._value

    def next_for(self, events: tuple[AnyEvent, ...]) -> int | None:
        """Return the value that the journal notes with these events, None if they need none."""
        if self._value is None or not any(isinstance(event, COUNTED) for event in events):
            return None
        return self._value + 1

    def noted(self, count: int | None) -> None:
        """Take over the value that the journal has noted; advance the counter to it. A fault is made up for later."""
        if count is not None:
            self._noted = count
        if self._value is None or self._noted != self._value + 1:
            return
        try:
            self._counter.advance()
            self._value += 1
        except PortError as fault:
            log.warning("the counter against restored copies stays behind for now: %s", fault)
