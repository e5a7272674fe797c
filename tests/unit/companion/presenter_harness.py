# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the presenter without Windows: feeds it events and keeps its latest actions."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar

import msgspec

from latchkey_agent.companion import steps as s
from latchkey_agent.companion.presenter import Presenter
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.answers import ErrorView, LeftView, TermsView

CET = timezone(timedelta(hours=1))
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=CET)
T = TypeVar("T", bound=s.AnyAction)


TERMS = TermsView(
    restarts=3,
    unlocks=0,
    foreign_restarts=False,
    programs=False,
    not_before="2026-11-23T22:00:00+01:00",
    not_after="2026-11-24T05:00:00+01:00",
)


def asked(**changes: Any) -> cm.AskedItem:
    """Return a typical request with some fields changed."""
    item = cm.AskedItem(
        request="r-1",
        code="4711",
        user="anna",
        domain="PC-1",
        device="PC-1",
        asked_by="PC-1\\admin",
        requester="Kim",
        role="helpdesk",
        requester_organization="Fabrikam",
        organization="Contoso IT",
        phone="+49 30 5550 100",
        reason="Monthly updates",
        ticket="CHG-1",
        terms=TERMS,
        answer_by="2026-11-24T05:00:00+01:00",
        tries_left=2,
    )
    terms = {name: changes.pop(name) for name in TERMS.__struct_fields__ if name in changes}
    return msgspec.structs.replace(item, terms=msgspec.structs.replace(TERMS, **terms), **changes)


def lent(**changes: Any) -> cm.LentItem:
    """Return a typical grant with some fields changed."""
    item = cm.LentItem(
        grant="g-1",
        request="r-1",
        paused=False,
        asked_by="PC-1\\admin",
        not_after="2026-11-23T22:00:00+01:00",
        left=LeftView(restarts=2, unlocks=0),
        used=1,
    )
    return msgspec.structs.replace(item, **changes)


def noticed(**changes: Any) -> cm.NoticeItem:
    """Return a notice of this afternoon with some fields changed."""
    at = "2026-11-23T17:12:00+01:00"
    item = cm.NoticeItem(notice="n-1", kind="granted", at=at, ticket="CHG-1", not_after=at)
    return msgspec.structs.replace(item, **changes)


def refusal(word: str, left: int) -> cm.CustomerAnswer:
    """Return the agent's answer to a refused entry."""
    error = ErrorView(code="wrong_password", message="no", hint="again")
    return cm.CustomerAnswer(done=False, error=error, refusal=word, tries_left=left)


def failed(code: str) -> cm.CustomerAnswer:
    """Return the agent's answer to a request that failed."""
    return cm.CustomerAnswer(done=False, error=ErrorView(code=code, message="no", hint="why"))


DONE = cm.CustomerAnswer(done=True)


class Harness:
    """The presenter with its screen, its clock and its agent."""

    def __init__(self, language: str = "en") -> None:
        self.presenter = Presenter(language, NOW)
        self.now = NOW
        self.screen = s.Screen()
        self.version = 0
        self.balloon = 0
        self.actions: list[s.AnyAction] = []

    def handle(self, event: s.AnyEvent) -> list[s.AnyAction]:
        """Pass an event to the presenter; return its actions."""
        self.actions = self.presenter.handle(event, self.screen, self.now)
        self.balloon = next((a.number for a in self.actions if isinstance(a, s.Balloon)), self.balloon)
        return self.actions

    def expire_balloon(self) -> list[s.AnyAction]:
        """Let the time of the last balloon pass."""
        return self.handle(s.BalloonExpired(self.balloon))

    def show_snapshot(self, **snapshot: Any) -> list[s.AnyAction]:
        """Let the agent send a new customer snapshot."""
        self.version += 1
        return self.handle(s.SnapshotChanged(cm.CustomerSnapshot(version=self.version, **snapshot)))

    def check_screen(self, **screen: bool) -> list[s.AnyAction]:
        """Change the state of the screen and let the presenter check it."""
        self.screen = s.Screen(**screen)
        return self.handle(s.ScreenChecked())

    def open_request(self, *items: cm.AskedItem) -> s.OpenRequest:
        """Let the agent ask and confirm; return the action that opens the request window."""
        self.show_snapshot(asked=list(items or (asked(),)))
        return self.confirm_shown()

    def confirm_shown(self) -> s.OpenRequest:
        """Let the agent confirm `RequestShown`; return the action that opens the request window."""
        self.agent_replies(cm.RequestShown)
        return self.only_action(s.OpenRequest)

    def agent_replies(
        self, kind: type[cm.CustomerRequest], answer: cm.CustomerAnswer | None = DONE
    ) -> list[s.AnyAction]:
        """Let the agent reply to the request that it has just received; None for no answer."""
        return self.handle(s.AgentReplied(self.sent(kind), answer))

    def sent(self, kind: type[cm.CustomerRequest]) -> cm.CustomerRequest:
        """Return the one request of this kind that is sent to the agent now."""
        (match,) = [
            a.request for a in self.actions if isinstance(a, s.SendToAgent) and isinstance(a.request, kind)
        ]
        return match

    def only_action(self, kind: type[T]) -> T:
        """Return the one action of this kind that is performed now."""
        (match,) = [action for action in self.actions if isinstance(action, kind)]
        return match

    def customer_answers(self, answer: s.Answer) -> list[s.AnyAction]:
        """Let the customer answer the request window."""
        return self.handle(s.RequestAnswered("r-1", answer))

    def message(self) -> str:
        """Return the text of the message that is shown now."""
        return self.only_action(s.ShowPages).pages[0]
