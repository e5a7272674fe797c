# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking everything back (rule 7): said until the agent has heard it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.steps import AnyAction, Tell
from latchkey_agent.protocol.customer_messages import CustomerAnswer, GrantRevoke

SAY_AGAIN = timedelta(seconds=10)
"""Until an agent that is there, but could not do it, is told again."""


class Revoking:
    """One click is enough, whether the agent is there or not."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._wanted = False
        self._failed_at: datetime | None = None
        self._complained = False

    @property
    def is_waiting(self) -> bool:
        """Whether the agent is to be told again after a while."""
        return self._failed_at is not None and self._view.connected

    def wanted(self) -> list[AnyAction]:
        """The customer takes everything back."""
        self._complained = False
        return self._say()

    def _say(self) -> list[AnyAction]:
        self._wanted, self._failed_at = True, None
        return [Tell(GrantRevoke())]

    def watched(self, *, anew: bool) -> list[AnyAction]:
        """What was taken back while the agent was away stays taken back; what is over by now needs no more."""
        if not (self._wanted and anew):
            return []
        if self._view.snapshot.lent:
            return self._say()
        self._wanted, self._failed_at = False, None
        return []

    def refresh(self) -> list[AnyAction]:
        """Tell the agent again when it is time."""
        # A clock that was set back makes it time, too.
        waits = self._failed_at and timedelta() <= self._view.now - self._failed_at < SAY_AGAIN
        return self._say() if self.is_waiting and not waits else []

    def told(self, answer: CustomerAnswer | None) -> list[AnyAction]:
        """The agent has done it; or it has not, which is said once for each click."""
        if answer is not None and answer.done:
            self._wanted, self._failed_at = False, None
        if not self._wanted:
            return []
        self._failed_at = self._view.now
        first, self._complained = not self._complained, True
        return [self._view.message(self._view.say("revoke_lost"))] if first else []
