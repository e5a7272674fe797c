# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows requests and handles their answers. Pure.

One request is on the screen at a time. No answer means no (rule 4). A request is
granted by a password that the customer enters in Windows' own dialog, after the
agent has checked it; one that needs no password by the customer's click on Allow.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal, NamedTuple

from latchkey_agent.companion import wording
from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.steps import (
    AgentReplied,
    AnyAction,
    AskPassword,
    AskQuestion,
    Balloon,
    BringRequestToFront,
    ChoiceMade,
    CloseRequest,
    OpenRequest,
    PasswordEntered,
    RequestAnswered,
    RequestNotShown,
    SendToAgent,
)
from latchkey_agent.protocol.customer_messages import (
    AskedItem,
    CustomerAnswer,
    CustomerRequest,
    RequestAllow,
    RequestBlocked,
    RequestDecline,
    RequestLater,
    RequestShown,
)

RETRY_AFTER = timedelta(seconds=10)
"""Time until a request is shown again after it could not be shown or its answer was lost."""
POSTPONE_SECONDS = 900.0
"""Seconds that a request is postponed when the customer closes its window."""
REQUEST_OVER_CODES = frozenset({"no_request", "out_of_order", "request_withdrawn"})
"""Error codes of the agent that mean that the request is over."""
Key = tuple[str, int]
Phase = Literal["opening", "asking", "question", "password"]


class ActiveRequest(NamedTuple):
    """The request on the screen, its current phase, and its window, whose hash the agent has."""

    item: AskedItem
    phase: Phase
    window: wording.RequestWindow


def _key(item: AskedItem) -> Key:
    # After a refused password the same request needs a new window.
    return item.request, item.tries_left


class RequestFlow:
    """Handles the requests, one after the other."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._active: ActiveRequest | None = None
        self._answered: set[Key] = set()
        self._failed: dict[Key, datetime] = {}
        self._forced: set[str] = set()
        self._reminded: set[str] = set()
        self._blocked: RequestBlocked | None = None
        self._unsettled: set[str] = set()
        self._delays: list[tuple[str, float]] = []
        self._days: list[date] = []

    @property
    def is_busy(self) -> bool:
        """Whether a request is on the screen."""
        return self._active is not None

    # --- customer snapshot and screen -----------------------------------------------

    def snapshot_changed(self, *, reconnected: bool) -> list[AnyAction]:
        """Handle a new customer snapshot. Return the messages about passwords whose answer was lost.

        Args:
            reconnected: whether the agent was away; it may not have received earlier answers then.
        """
        asked = {item.request for item in self._view.snapshot.asked}
        self._answered = set() if reconnected else {key for key in self._answered if key[0] in asked}
        self._forced &= asked
        self._reminded &= asked
        self._failed.clear()
        if reconnected or (self._blocked and self._blocked.request not in asked):
            self._blocked = None
        return self._settle()

    def _settle(self) -> list[AnyAction]:
        """Say what became of each password whose answer was lost, as far as the customer snapshot shows it.

        While the request is still open, the agent may still be checking the password.
        """
        snapshot = self._view.snapshot
        asked = {item.request for item in snapshot.asked}
        lent = {item.request: wording.of_means("entry_lent", item.means) for item in snapshot.lent}
        over = self._unsettled - asked
        self._unsettled &= asked
        names = (lent.get(request, "entry_over") for request in sorted(over))
        return [self._view.message(self._view.text(name)) for name in names]

    def refresh(self) -> list[AnyAction]:
        """Return the actions that bring the screen up to date."""
        if self._active and self._active.phase == "password":
            # The companion cannot close Windows' own dialog. The agent checks the entry in any case.
            return []
        item = self._next()
        actions = self._close_unless(item) + self._remind(item)
        if self._active is None and item is not None and self._view.connected:
            actions += self._open(item)
        return actions

    def _remind(self, item: AskedItem | None) -> list[AnyAction]:
        """Close the window, so that it opens anew in front of the others, and say why: once for a request.

        A window that opens later has reminded the customer by that. A customer who is answering, or presenting, is not
        disturbed.
        """
        if item is None or not item.reminded or item.request in self._reminded:
            return []
        was_open = self._active is not None
        is_answering = self._active is not None and self._active.phase != "asking"
        if is_answering or self._view.screen.display_block or not self._view.connected:
            return []
        self._reminded.add(item.request)
        self._active = None
        said = Balloon(wording.reminder(item, self._view.now, self._view.language))
        return [CloseRequest(), said] if was_open else []

    def _next(self) -> AskedItem | None:
        return next((item for item in self._view.snapshot.asked if not self._is_hidden(_key(item))), None)

    def _is_hidden(self, key: Key) -> bool:
        failed = self._failed.get(key)
        return key in self._answered or (failed is not None and self._view.now - failed < RETRY_AFTER)

    def _close_unless(self, item: AskedItem | None) -> list[AnyAction]:
        if self._active is None:
            return []
        same = item is not None and _key(item) == _key(self._active.item)
        if same and self._view.screen.is_private:
            return []
        opened = self._active.phase != "opening"
        self._active = None
        return [CloseRequest()] if opened else []

    def _open(self, item: AskedItem) -> list[AnyAction]:
        reason = self._view.screen.display_block
        if reason and not (item.request in self._forced and self._view.screen.is_private):
            return self._report_block(RequestBlocked(request=item.request, reason=reason))
        # Built once: "today" or "from now" may be another word by the time at which the agent has confirmed the hash.
        window = wording.request_window(item, self._view.now, self._view.language)
        self._active = ActiveRequest(item, "opening", window)
        released = self._report_block(RequestBlocked(request=item.request)) if self._blocked else []
        shown = RequestShown(request=item.request, text_sha256=window.sha256)
        return [*released, SendToAgent(shown)]

    def _report_block(self, block: RequestBlocked) -> list[AnyAction]:
        if block == self._blocked:
            return []
        self._blocked = block if block.reason else None
        return [SendToAgent(block)]

    # --- the customer's input -------------------------------------------------------

    def show_now(self) -> list[AnyAction]:
        """Show the request now, because the customer asked for it, even during a presentation."""
        self._failed.clear()
        self._forced |= {item.request for item in self._view.snapshot.asked}
        return [BringRequestToFront()] if self._active else []

    def answered(self, event: RequestAnswered) -> list[AnyAction]:
        """Handle the answer from the request window."""
        active = self._current("asking", event.request)
        if active is None:
            return []
        match event.answer:
            case "allow":
                return self._allow(active)
            case "later":
                return self._ask_when(active)
            case "decline":
                choices = wording.decline_choices(self._view.language, active.item.max_absence)
                return self._ask(active, "decline", [*choices, self._view.text("no_reason")])
            case "report":
                return self._send_answer(active.item, RequestDecline(request=event.request, report=True))
        return self._send_answer(active.item, RequestLater(request=event.request, seconds=POSTPONE_SECONDS))

    def not_shown(self, event: RequestNotShown) -> list[AnyAction]:
        """Handle that Windows could not show the request window: show it again later.

        This does not count as an answer.
        """
        active = self._current("asking", event.request)
        if active is None:
            return []
        self._active = None
        self._retry_later(_key(active.item))
        return self._report_block(RequestBlocked(request=event.request, reason="unshown"))

    def _current(self, phase: Phase, request: str) -> ActiveRequest | None:
        """Return the request on the screen if it has this id and is in this phase; otherwise None."""
        active = self._active
        matches = active is not None and (active.phase, active.item.request) == (phase, request)
        return active if matches else None

    def _allow(self, active: ActiveRequest) -> list[AnyAction]:
        """Take the yes on a screen that only the customer sees: ask for the password, or send a yes without one."""
        if not self._view.screen.is_private:
            self._active = None
            return []
        item = active.item
        if wording.asks_password(item):
            return self._ask_password(active)
        account = f"{item.domain}\\{item.user}" if item.domain else item.user
        self._active = None
        self._answered.add(_key(item))
        return [SendToAgent(RequestAllow(request=item.request, entered=account))]

    def _ask_password(self, active: ActiveRequest) -> list[AnyAction]:
        self._active, window = active._replace(phase="password"), active.window
        text = "\n".join(part for part in (window.error, window.field, self._view.text("promise")) if part)
        return [AskPassword(active.item, self._view.text("password_title"), text)]

    def _ask(
        self,
        active: ActiveRequest,
        question: Literal["later", "decline", "away"],
        choices: list[str],
        more: str = "",
    ) -> list[AnyAction]:
        self._active = active._replace(phase="question")
        names = {
            "later": ("when_later", "later_hint"),
            "decline": ("why_declined", "why_declined_hint"),
            "away": ("when_back", "when_back_hint"),
        }
        title, text = (self._view.text(name) for name in names[question])
        text = f"{text} {more}" if more else text
        return [AskQuestion(active.item.request, question, title, text, tuple(choices))]

    def _ask_when(self, active: ActiveRequest) -> list[AnyAction]:
        """Ask when to ask again: before the request ends, and how long that is if it rules a choice out."""
        item, language, now = active.item, self._view.language, self._view.now
        self._delays = wording.later_choices(language, wording.seconds_left(item, now))
        is_limited = len(self._delays) < len(wording.later_choices(language))
        more = wording.last_answer(item, now, language) if is_limited else ""
        return self._ask(active, "later", [text for text, _ in self._delays], more)

    def chosen(self, event: ChoiceMade) -> list[AnyAction]:
        """Handle the answer to the question after "later" or "decline"."""
        active = self._current("question", event.request)
        if active is None:
            return []
        language = self._view.language
        if event.question == "again":
            self._active = None
            return []
        if event.question == "later":
            seconds = POSTPONE_SECONDS if event.choice is None else self._delays[event.choice][1]
            return self._send_answer(active.item, RequestLater(request=event.request, seconds=seconds))
        if event.question == "away":
            return self._say_away(active.item, event.choice)
        reasons = [*wording.decline_choices(language, active.item.max_absence), ""]
        reason = "" if event.choice is None else reasons[event.choice]
        if reason and event.choice == wording.AWAY:
            return self._ask_day(active)
        not_today = event.choice == wording.NOT_TODAY
        return self._send_answer(
            active.item, RequestDecline(request=event.request, why=reason, not_today=not_today)
        )

    def _ask_day(self, active: ActiveRequest) -> list[AnyAction]:
        """Ask before which day the customer does not want to be asked."""
        today = self._view.now.date()
        days = wording.days_of_return(today, active.item.max_absence)
        self._days = [today + timedelta(days=number) for number in days]
        return self._ask(active, "away", [wording.not_before(day, self._view.language) for day in self._days])

    def _say_away(self, item: AskedItem, choice: int | None) -> list[AnyAction]:
        """Decline until the day that the customer chose; without one the answer is only a no."""
        if choice is None:
            why = self._view.text("decline_away")
            return self._send_answer(item, RequestDecline(request=item.request, why=why))
        day = self._days[choice]
        # The question may stay open over midnight.
        days = max(0, (day - self._view.now.date()).days)
        why = wording.not_before(day, self._view.language)
        return self._send_answer(item, RequestDecline(request=item.request, why=why, days_away=days))

    def _send_answer(self, item: AskedItem, answer: CustomerRequest) -> list[AnyAction]:
        self._active = None
        self._answered.add(_key(item))
        self._unsettled.discard(item.request)
        return [SendToAgent(answer)]

    # --- the agent's answers --------------------------------------------------------

    def agent_replied(self, event: AgentReplied) -> list[AnyAction]:
        """Handle the agent's reply to the customer's answer or to the report that the request is shown."""
        if isinstance(event.request, RequestShown):
            return self._shown_confirmed(event.request, event.answer)
        if isinstance(event.request, RequestAllow):
            return self._allow_replied(event.request.request, event.answer)
        if not isinstance(event.request, RequestLater | RequestDecline):
            return []
        if event.answer is None:
            self._retry_unsent(event.request.request)
            return [self._view.message(self._view.text("answer_lost"))]
        if not event.answer.done:
            return self._answer_failed(event.request.request, event.answer)
        if isinstance(event.request, RequestDecline):
            return [Balloon(self._view.text("reported" if event.request.report else "declined"))]
        return []

    def _allow_replied(self, request: str, answer: CustomerAnswer | None) -> list[AnyAction]:
        """Handle the agent's reply to a yes without a password; without a reply the agent may have received it."""
        if answer is None:
            self._retry_unsent(request)
            self._unsettled.add(request)
            return self._settle() or [self._view.message(self._view.text("entry_lost"))]
        if not answer.done:
            return self._answer_failed(request, answer)
        self._unsettled.discard(request)
        return []

    def _retry_unsent(self, request: str) -> None:
        for key in [key for key in self._answered if key[0] == request]:
            self._retry_later(key)

    def _answer_failed(self, request: str, answer: CustomerAnswer) -> list[AnyAction]:
        """Handle that the agent could not record the answer. A request that is over needs none."""
        code = answer.error.code if answer.error else ""
        if code in REQUEST_OVER_CODES:
            return []
        self._retry_unsent(request)
        return [self._view.message(self._view.text("not_possible", code=code))]

    def _shown_confirmed(self, request: RequestShown, answer: CustomerAnswer | None) -> list[AnyAction]:
        active = self._current("opening", request.request)
        if active is None:
            return []
        if answer is None or not answer.done:
            self._active = None
            self._retry_later(_key(active.item))
            return []
        self._active = active._replace(phase="asking")
        return [OpenRequest(active.item.request, active.window)]

    def _retry_later(self, key: Key) -> None:
        """Treat the request as unanswered and show it again, at the latest after `RETRY_AFTER`."""
        self._answered.discard(key)
        self._failed[key] = self._view.now

    def entered(self, event: PasswordEntered) -> list[AnyAction]:
        """Handle the result of the password dialog."""
        active = self._current("password", event.request)
        if active is None:
            return []
        self._active = None
        if event.problem:
            return self._not_entered(active, event.problem)
        if event.answer is None:
            return self._entry_lost(active.item)
        self._answered.add(_key(active.item))
        return self._entry_checked(active.item, event.answer)

    def _entry_lost(self, item: AskedItem) -> list[AnyAction]:
        """Handle that the agent's answer to a password did not come: the agent may have received the password."""
        self._retry_later(_key(item))
        self._unsettled.add(item.request)
        return self._settle() or [self._view.message(self._view.text("entry_lost"))]

    def _not_entered(self, active: ActiveRequest, problem: str) -> list[AnyAction]:
        """Show the request window again after the reason. The customer loses no try."""
        if problem == "cancelled":
            return []
        blank = problem == "blank"
        name, places = ("blank_entry", {}) if blank else ("password_unread", {"detail": problem})
        self._active = active._replace(phase="question")
        return [AskQuestion(active.item.request, "again", "", self._view.text(name, **places), ())]

    def _entry_checked(self, item: AskedItem, answer: CustomerAnswer) -> list[AnyAction]:
        code = answer.error.code if answer.error else ""
        if item.request in self._unsettled and code in REQUEST_OVER_CODES:
            # The password before this one may have ended the request: the customer snapshot says how.
            return self._settle()
        self._unsettled.discard(item.request)
        if answer.done:
            return []
        if answer.refusal and answer.tries_left:
            # The next customer snapshot reopens the window with the error.
            return []
        if answer.refusal:
            reason = self._view.text(f"refused_{answer.refusal}")
            return [self._view.message(reason, self._view.text("last_try"), self._view.text("not_lent"))]
        if code in REQUEST_OVER_CODES:
            return [self._view.message(self._view.text("request_over"))]
        self._retry_later(_key(item))
        return [self._view.message(self._view.text("not_possible", code=code))]
