# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revokes all grants (rule 7): repeats the request until the agent confirms it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.steps import AnyAction, SendToAgent
from latchkey_agent.protocol.customer_messages import CustomerAnswer, GrantRevoke

RETRY_AFTER = timedelta(seconds=10)
"""Time until the request is repeated after the agent could not carry it out."""


class Revocation:
    """Revokes all grants after one click, even if the agent is away at that moment."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._pending = False
        self._failed_at: datetime | None = None
        self._failures_shown: set[str] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether a failed request waits to be repeated."""
        return self._failed_at is not None and self._view.connected

    def revoke_all(self) -> list[AnyAction]:
        """Revoke all grants at the customer's request."""
        self._failures_shown.clear()
        return self._send()

    def _send(self) -> list[AnyAction]:
        self._pending, self._failed_at = True, None
        return [SendToAgent(GrantRevoke())]

    def snapshot_changed(self, *, reconnected: bool) -> list[AnyAction]:
        """Repeat a pending request once the agent is back, unless no grant is left.

        Args:
            reconnected: whether the agent was away.
        """
        if not (self._pending and reconnected):
            return []
        if self._view.snapshot.lent:
            return self._send()
        self._pending, self._failed_at = False, None
        return []

    def refresh(self) -> list[AnyAction]:
        """Repeat a failed request when its time has come."""
        # A clock that was set back ends the waiting time as well.
        too_early = self._failed_at and timedelta() <= self._view.now - self._failed_at < RETRY_AFTER
        return self._send() if self.is_waiting and not too_early else []

    def agent_replied(self, answer: CustomerAnswer | None) -> list[AnyAction]:
        """Handle the agent's reply. Show each failure once for each click."""
        if answer is not None and answer.done:
            self._pending, self._failed_at = False, None
        if not self._pending:
            return []
        self._failed_at = self._view.now
        text = self._failure(answer)
        is_new = text not in self._failures_shown
        self._failures_shown.add(text)
        return [self._view.message(text)] if is_new else []

    def _failure(self, answer: CustomerAnswer | None) -> str:
        if answer is None:
            return self._view.text("revoke_lost")
        return self._view.text("revoke_failed", code=answer.error.code if answer.error else "")
