# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request on the screen: when it may be there, and what its answers lead to. Pure.

One request at a time. Silence is no (rule 4): nothing here allows anything;
only an entry in Windows' own password dialog does, and the agent judges it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from latchkey_agent.companion import wording
from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.steps import (
    Answered,
    AnyAction,
    Ask,
    AskPassword,
    Balloon,
    Chosen,
    CloseRequest,
    Entered,
    OpenRequest,
    RaiseRequest,
    Tell,
    Told,
    Unshown,
)
from latchkey_agent.protocol.customer_messages import (
    AskedItem,
    CustomerAnswer,
    CustomerRequest,
    RequestBlocked,
    RequestDecline,
    RequestLater,
    RequestShown,
)

TRY_AGAIN = timedelta(seconds=10)
"""Until a request that could not be shown, or not answered, is shown again."""
LATER = 900.0
"""Seconds that closing the window means."""
OVER = frozenset({"no_request", "out_of_order", "request_withdrawn"})
"""Error codes by which the agent says that the request is no longer open."""
Key = tuple[str, int]
Stage = Literal["opening", "asking", "question", "password"]


class Shown(NamedTuple):
    """The request that is on the screen, and how far it is."""

    item: AskedItem
    stage: Stage


def _key(item: AskedItem) -> Key:
    # With a refused entry the same request becomes another window.
    return item.request, item.tries_left


class Asking:
    """The flow of one request after the other."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._shown: Shown | None = None
        self._answered: set[Key] = set()
        self._failed: dict[Key, datetime] = {}
        self._insisted: set[str] = set()
        self._held: RequestBlocked | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a window of a request is on the screen."""
        return self._shown is not None

    # --- what the agent shows -----------------------------------------------------

    def watched(self, *, anew: bool) -> None:
        """Take in a new snapshot; `anew`: after the agent was away, when nothing that was said may have reached it."""
        asked = {item.request for item in self._view.snapshot.asked}
        self._answered = set() if anew else {key for key in self._answered if key[0] in asked}
        self._insisted &= asked
        self._failed.clear()
        if anew or (self._held and self._held.request not in asked):
            self._held = None

    def refresh(self) -> list[AnyAction]:
        """Bring the screen up to date."""
        if self._shown and self._shown.stage == "password":
            # Windows' own dialog: nobody can take it from the screen. What is typed there is judged as it is.
            return []
        item = self._next()
        actions = self._close_unless(item)
        if self._shown is None and item is not None and self._view.connected:
            actions += self._open(item)
        return actions

    def _next(self) -> AskedItem | None:
        return next((item for item in self._view.snapshot.asked if not self._is_hidden(_key(item))), None)

    def _is_hidden(self, key: Key) -> bool:
        failed = self._failed.get(key)
        return key in self._answered or (failed is not None and self._view.now - failed < TRY_AGAIN)

    def _close_unless(self, item: AskedItem | None) -> list[AnyAction]:
        if self._shown is None:
            return []
        same = item is not None and _key(item) == _key(self._shown.item)
        if same and self._view.screen.is_private:
            return []
        opened = self._shown.stage != "opening"
        self._shown = None
        return [CloseRequest()] if opened else []

    def _open(self, item: AskedItem) -> list[AnyAction]:
        reason = self._view.screen.holds_back
        if reason and not (item.request in self._insisted and self._view.screen.is_private):
            return self._hold(RequestBlocked(request=item.request, reason=reason))
        self._shown = Shown(item, "opening")
        released = self._hold(RequestBlocked(request=item.request)) if self._held else []
        shown = RequestShown(request=item.request, text_sha256=self._window(item).sha256)
        return [*released, Tell(shown)]

    def _hold(self, held: RequestBlocked) -> list[AnyAction]:
        if held == self._held:
            return []
        self._held = held if held.reason else None
        return [Tell(held)]

    def _window(self, item: AskedItem) -> wording.RequestWindow:
        return wording.request_window(item, self._view.now, self._view.language)

    def _language(self, item: AskedItem) -> str:
        return wording.language_of(item.language, self._view.language)

    # --- what the customer does ---------------------------------------------------

    def insist(self) -> list[AnyAction]:
        """The customer wants to see the request now, whatever else is on the screen."""
        self._failed.clear()
        self._insisted |= {item.request for item in self._view.snapshot.asked}
        return [RaiseRequest()] if self._shown else []

    def answered(self, event: Answered) -> list[AnyAction]:
        """The request window was answered."""
        item = self._at("asking", event.request)
        if item is None:
            return []
        match event.answer:
            case "allow":
                return self._ask_password(item)
            case "later":
                choices = [text for text, _ in wording.later_choices(self._language(item))]
                return self._ask(item, "later", choices)
            case "decline":
                choices = wording.decline_choices(self._language(item))
                return self._ask(item, "decline", [*choices, self._say(item, "no_reason")])
            case "report":
                return self._finish(item, RequestDecline(request=item.request, report=True))
        return self._finish(item, RequestLater(request=item.request, seconds=LATER))

    def unshown(self, event: Unshown) -> list[AnyAction]:
        """The request window did not come: nobody has answered anything, and it is tried again."""
        item = self._at("asking", event.request)
        if item is None:
            return []
        self._shown = None
        self._fail(_key(item))
        return self._hold(RequestBlocked(request=item.request, reason="unshown"))

    def _at(self, stage: Stage, request: str) -> AskedItem | None:
        """Return the request on the screen if it is this one, and at this stage."""
        shown = self._shown
        matches = shown is not None and (shown.stage, shown.item.request) == (stage, request)
        return shown.item if shown and matches else None

    def _say(self, item: AskedItem, name: str) -> str:
        return wording.say(name, self._language(item))

    def _ask_password(self, item: AskedItem) -> list[AnyAction]:
        if not self._view.screen.is_private:
            self._shown = None
            return []
        self._shown = Shown(item, "password")
        window = self._window(item)
        text = "\n".join(part for part in (window.error, window.field, self._say(item, "promise")) if part)
        return [AskPassword(item, self._say(item, "password_title"), text)]

    def _ask(
        self, item: AskedItem, question: Literal["later", "decline"], choices: list[str]
    ) -> list[AnyAction]:
        self._shown = Shown(item, "question")
        names = {"later": ("when_later", "later_hint"), "decline": ("why_declined", "why_declined_hint")}
        title, text = (self._say(item, name) for name in names[question])
        return [Ask(item.request, question, title, text, tuple(choices))]

    def chosen(self, event: Chosen) -> list[AnyAction]:
        """The question behind "later" or "decline" was answered, or closed."""
        item = self._at("question", event.request)
        if item is None:
            return []
        language = self._language(item)
        if event.question == "again":
            self._shown = None
            return []
        if event.question == "later":
            choices = wording.later_choices(language)
            seconds = LATER if event.choice is None else choices[event.choice][1]
            return self._finish(item, RequestLater(request=item.request, seconds=seconds))
        reasons = [*wording.decline_choices(language), ""]
        why = "" if event.choice is None else reasons[event.choice]
        return self._finish(item, RequestDecline(request=item.request, why=why))

    def _finish(self, item: AskedItem, answer: CustomerRequest) -> list[AnyAction]:
        self._shown = None
        self._answered.add(_key(item))
        return [Tell(answer)]

    # --- what the agent says ------------------------------------------------------

    def told(self, event: Told) -> list[AnyAction]:
        """The agent has heard an answer, or that the window is on the screen; or it has not."""
        if isinstance(event.request, RequestShown):
            return self._now_open(event.request, event.answer)
        if not isinstance(event.request, RequestLater | RequestDecline):
            return []
        if event.answer is None:
            self._unheard(event.request.request)
            return [self._view.message(self._view.say("answer_lost"))]
        if not event.answer.done:
            return self._not_taken(event.request.request, event.answer)
        if isinstance(event.request, RequestDecline):
            return [Balloon(self._view.say("reported" if event.request.report else "declined"))]
        return []

    def _unheard(self, request: str) -> None:
        for key in [key for key in self._answered if key[0] == request]:
            self._fail(key)

    def _not_taken(self, request: str, answer: CustomerAnswer) -> list[AnyAction]:
        """The agent could not note what was answered; one that is over needs no answer."""
        code = answer.error.code if answer.error else ""
        if code in OVER:
            return []
        self._unheard(request)
        return [self._view.message(self._view.say("not_possible", code=code))]

    def _now_open(self, request: RequestShown, answer: CustomerAnswer | None) -> list[AnyAction]:
        item = self._at("opening", request.request)
        if item is None:
            return []
        if answer is None or not answer.done:
            self._shown = None
            self._fail(_key(item))
            return []
        self._shown = Shown(item, "asking")
        return [OpenRequest(item.request, self._window(item))]

    def _fail(self, key: Key) -> None:
        """It is no answer, for nobody has given or heard one: the window comes back, at the latest after a while."""
        self._answered.discard(key)
        self._failed[key] = self._view.now

    def entered(self, event: Entered) -> list[AnyAction]:
        """The password dialog is over."""
        item = self._at("password", event.request)
        if item is None:
            return []
        self._shown = None
        if event.problem:
            return self._not_entered(item, event.problem)
        if event.answer is None:
            self._fail(_key(item))
            return [self._view.message(self._view.say("answer_lost"))]
        self._answered.add(_key(item))
        return self._judged(item, event.answer)

    def _not_entered(self, item: AskedItem, problem: str) -> list[AnyAction]:
        """The request window comes back; no try is used."""
        if problem == "cancelled":
            return []
        language = self._language(item)
        blank = problem == "blank"
        name, places = ("blank_entry", {}) if blank else ("password_unread", {"detail": problem})
        self._shown = Shown(item, "question")
        return [Ask(item.request, "again", "", wording.say(name, language, **places), ())]

    def _judged(self, item: AskedItem, answer: CustomerAnswer) -> list[AnyAction]:
        if answer.done:
            return []
        if answer.refusal and answer.tries_left:
            # The window comes back by itself, with what was wrong.
            return []
        if answer.refusal:
            why = self._say(item, f"refused_{answer.refusal}")
            return [self._view.message(why, self._say(item, "last_try"), self._say(item, "not_lent"))]
        code = answer.error.code if answer.error else ""
        if code in OVER:
            return [self._view.message(self._say(item, "request_over"))]
        self._fail(_key(item))
        return [self._view.message(self._view.say("not_possible", code=code))]
