# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A companion without Windows: the presenter, what the agent shows it, and the last things it said to do."""

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
    not_before="2026-11-23T22:00:00+01:00",
    not_after="2026-11-24T05:00:00+01:00",
)


def asked(**changes: Any) -> cm.AskedItem:
    """A request like most, with some fields changed."""
    item = cm.AskedItem(
        request="r-1",
        code="4711",
        user="anna",
        domain="PC-1",
        device="PC-1",
        language="en",
        requester="Kim",
        role="helpdesk",
        requester_organization="Fabrikam",
        organization="Contoso IT",
        phone="+49 30 5550 100",
        reason="Monthly updates",
        ticket="CHG-1",
        terms=TERMS,
        answer_by="2026-11-23T19:00:00+01:00",
        tries_left=2,
    )
    terms = {name: changes.pop(name) for name in TERMS.__struct_fields__ if name in changes}
    return msgspec.structs.replace(item, terms=msgspec.structs.replace(TERMS, **terms), **changes)


def lent(**changes: Any) -> cm.LentItem:
    """A grant like most, with some fields changed."""
    item = cm.LentItem(
        grant="g-1",
        paused=False,
        requester="Kim",
        reason="Monthly updates",
        ticket="CHG-1",
        not_after="2026-11-23T22:00:00+01:00",
        left=LeftView(restarts=2, unlocks=0),
        used=1,
    )
    return msgspec.structs.replace(item, **changes)


def noticed(**changes: Any) -> cm.NoticeItem:
    """A notice of this afternoon, with some fields changed."""
    at = "2026-11-23T17:12:00+01:00"
    item = cm.NoticeItem(notice="n-1", kind="granted", at=at, requester="Kim", ticket="CHG-1", not_after=at)
    return msgspec.structs.replace(item, **changes)


def refused(word: str, left: int) -> cm.CustomerAnswer:
    """The agent's answer to an entry that cannot serve."""
    error = ErrorView(code="wrong_password", message="no", hint="again")
    return cm.CustomerAnswer(done=False, error=error, refusal=word, tries_left=left)


def failed(code: str) -> cm.CustomerAnswer:
    """The agent's answer to what is not possible."""
    return cm.CustomerAnswer(done=False, error=ErrorView(code=code, message="no", hint="why"))


DONE = cm.CustomerAnswer(done=True)


class Harness:
    """The presenter, with its surroundings."""

    def __init__(self, language: str = "en") -> None:
        self.presenter = Presenter(language, NOW)
        self.now = NOW
        self.screen = s.Screen()
        self.version = 0
        self.balloon = 0
        self.done: list[s.AnyAction] = []

    def happens(self, event: s.AnyInput) -> list[s.AnyAction]:
        """Let something happen; return what is done about it."""
        self.done = self.presenter.handle(event, self.screen, self.now)
        self.balloon = next((a.number for a in self.done if isinstance(a, s.Balloon)), self.balloon)
        return self.done

    def balloon_over(self) -> list[s.AnyAction]:
        """Let the last notice by the clock have been there for its time."""
        return self.happens(s.BalloonOver(self.balloon))

    def shows(self, **desktop: Any) -> list[s.AnyAction]:
        """Let the agent show a newer harness."""
        self.version += 1
        return self.happens(s.Watched(cm.CustomerSnapshot(version=self.version, **desktop)))

    def look(self, **screen: bool) -> list[s.AnyAction]:
        """Let the screen do something else, and be looked at."""
        self.screen = s.Screen(**screen)
        return self.happens(s.Seen())

    def opened(self, *items: cm.AskedItem) -> s.OpenRequest:
        """Let the agent ask until the request window is open; return it."""
        self.shows(asked=list(items or (asked(),)))
        return self.open()

    def open(self) -> s.OpenRequest:
        """Let the agent hear that the window is shown; return the window."""
        self.heard(cm.RequestShown)
        return self.only(s.OpenRequest)

    def heard(
        self, kind: type[cm.CustomerRequest], answer: cm.CustomerAnswer | None = DONE
    ) -> list[s.AnyAction]:
        """Let the agent answer what it has just been told; None: it does not."""
        return self.happens(s.Told(self.told(kind), answer))

    def told(self, kind: type[cm.CustomerRequest]) -> cm.CustomerRequest:
        """What of this kind the agent is told now."""
        (found,) = [a.request for a in self.done if isinstance(a, s.Tell) and isinstance(a.request, kind)]
        return found

    def only(self, kind: type[T]) -> T:
        """The one thing of this kind that is done now."""
        (found,) = [action for action in self.done if isinstance(action, kind)]
        return found

    def answers(self, answer: s.Answer) -> list[s.AnyAction]:
        """Let the customer answer the request window."""
        return self.happens(s.Answered("r-1", answer))

    def message(self) -> str:
        """The text of the message that is shown now."""
        return self.only(s.ShowPages).pages[0]
