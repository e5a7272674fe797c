# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the texts for the customer from the items of the customer pipe. Pure.

The displayed text is part of the agreement: the agent journals the SHA-256 of
`RequestWindow.text`. That text must therefore contain everything in the window.
"""

from __future__ import annotations

import hashlib
import math
from datetime import date, datetime, timedelta
from typing import NamedTuple

from latchkey_agent.companion.texts import LANGUAGES, Texts
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.plain_text import isolated, quotable
from latchkey_agent.protocol.answers import TermsView
from latchkey_agent.protocol.customer_messages import AskedItem, LentItem, NoticeItem

_WHY_REFUSED: dict[str, str] = {
    LogonRefusal.LOOKS_LIKE_PIN: "is_pin",
    "other_account_entered": "is_other_name",
    "agent_failed": "refused_agent_failed",
}
GAP = ""
"""An empty line between two groups of lines."""
NOT_TODAY = 3
"""The place of "not today" among the reasons for declining."""
AWAY = 4
"""The place of "away for some days" among them, where the policy allows that."""
SHORTEST_ABSENCE = 2
"""Days from today; "not today" rules out one."""


class RequestWindow(NamedTuple):
    """The content of the request window, from top to bottom.

    Attributes:
        title: the heading.
        lines: the lines of the request; an empty one stands between two groups.
        error: the error of the last entry; empty before the first entry.
        field: the label of the password field; empty if no password is asked for.
        buttons: the labels of the buttons, all of equal weight.
    """

    title: str
    lines: tuple[str, ...]
    error: str
    field: str
    buttons: tuple[str, ...]

    @property
    def content(self) -> str:
        """The text between the heading and the buttons."""
        error = (self.error, GAP) if self.error else ()
        return "\n".join((*error, *self.lines))

    @property
    def text(self) -> str:
        """The whole text of the window, and the label of the password field behind it, if there is one."""
        field = (self.field,) if self.field else ()
        return "\n".join((self.title, self.content, *field, " | ".join(self.buttons)))

    @property
    def sha256(self) -> str:
        """The SHA-256 of the text in hexadecimal, for the receipt."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Menu(NamedTuple):
    """The labels of the tray menu for one grant."""

    lent: str
    revoke: str
    pause: str
    receipt: str


def language_of(wanted: str, fallback: str = "en") -> str:
    """Return the language for a tag such as `de-AT`; `fallback` if there is no catalogue for it."""
    language = wanted.partition("-")[0].lower()
    return language if language in LANGUAGES else fallback


def request_window(item: AskedItem, now: datetime, language: str = "en") -> RequestWindow:
    """Return the content of the request window: first the program's own text and the terms, then IT's words.

    Args:
        item: the request; its times are in the PC's time zone.
        now: the current time in the PC's time zone; determines "today".
        language: the language of the customer's Windows.
    """
    texts = LANGUAGES[language_of(language)]
    return RequestWindow(
        title=texts["title"],
        lines=(
            *_account_lines(texts, item),
            GAP,
            *_action_lines(texts, item.terms),
            _period_line(texts, item, now),
            GAP,
            texts[_promise(item.terms)],
            texts["choice"],
            GAP,
            *_their_lines(texts, item),
            GAP,
            _code_line(texts, item),
        ),
        error=_error_line(texts, item),
        field=texts["field"] if asks_password(item) else "",
        buttons=tuple(texts[name] for name in ("allow", "later", "decline", "report")),
    )


def _promise(terms: TermsView) -> str:
    """Return the name of the text about the password: where it is, and by whose keys it opens."""
    return "promise_two_parties" if terms.two_parties else of_means("promise", terms.means)


def asks_password(item: AskedItem) -> bool:
    """Tell whether allowing the request takes a password."""
    return item.terms.means == "grant"


def of_means(name: str, means: str) -> str:
    """Return the name of the text for these means: one without a password has texts of its own."""
    return name if means == "grant" else f"{name}_{means}"


def _account_lines(texts: Texts, item: AskedItem) -> list[str]:
    """Return the lines with the accounts, all of which the PC has verified."""
    others = ", ".join(map(isolated, item.operators))
    account = isolated(f"{item.domain}\\{item.user}")
    return [
        texts["asked_by"].format(account=isolated(item.asked_by)),
        *([texts["operators"].format(accounts=others)] if others else []),
        texts["place"].format(device=item.device, account=account),
    ]


def _action_lines(texts: Texts, terms: TermsView) -> list[str]:
    lines = []
    if terms.restarts:
        lines += [
            texts.count(of_means("restarts", terms.means), terms.restarts).format(n=terms.restarts),
            _warning_line(texts, terms),
        ]
    if terms.restarts and terms.foreign_restarts:
        lines.append(texts["foreign"])
    if terms.unlocks:
        time = duration(texts, math.ceil(terms.relock_after))
        lines.append(texts.count("unlocks", terms.unlocks).format(n=terms.unlocks, time=time))
    if terms.programs:
        lines.append(texts["programs"])
    return lines


def _warning_line(texts: Texts, terms: TermsView) -> str:
    seconds = math.floor(terms.grace)
    return texts["grace"].format(time=duration(texts, seconds)) if seconds else texts["no_grace"]


def duration(texts: Texts, seconds: int) -> str:
    """Return a length of time in words, such as "1 hour 30 minutes"."""
    minutes, rest = divmod(seconds, 60)
    counts = zip(("hours", "minutes", "seconds"), (*divmod(minutes, 60), rest), strict=True)
    words = [texts.count(unit, count).format(n=count) for unit, count in counts if count]
    return " ".join(words) or texts.count("seconds", 0).format(n=0)


def _period_line(texts: Texts, item: AskedItem, now: datetime) -> str:
    since, until = (_to_local(text, now) for text in (item.terms.not_before, item.terms.not_after))
    last = moment(texts, until, now)
    if since <= now:
        return texts["until"].format(until=last)
    return texts["when"].format(since=moment(texts, since, now), until=last)


def _to_local(text: str, now: datetime) -> datetime:
    return datetime.fromisoformat(text).astimezone(now.tzinfo)


def moment(texts: Texts, at: datetime, now: datetime) -> str:
    """Return a time in everyday words, such as "today 22:00".

    Args:
        texts: the texts of the reader's language.
        at: the time to name.
        now: the current time, in the same time zone as `at`.
    """
    time = at.strftime(texts["clock"])
    if at.date() == now.date():
        return texts["today"].format(time=time)
    if at.date() == now.date() + timedelta(days=1):
        return texts["tomorrow"].format(time=time)
    month = texts["months"].split()[at.month - 1]
    return texts["on_day"].format(day=at.day, month=month, year=at.year, time=time)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def quoted(texts: Texts, *parts: str) -> str:
    """Return an operator's words in the language's quotation marks, each part by itself; empty parts are left out."""
    return ", ".join(texts["quote"].format(text=quotable(part)) for part in parts if part)


def _their_lines(texts: Texts, item: AskedItem) -> list[str]:
    """Return the operator's words, each with its label, below a line that says whose words they are.

    The name in a signed request is not among them: the PC has checked it.
    """
    words = {
        "who": ""
        if item.is_signed
        else quoted(texts, item.requester, item.role, item.requester_organization),
        "why": quoted(texts, item.reason),
        "ticket": quoted(texts, item.ticket),
    }
    said = [texts[label].format(words=text) for label, text in words.items() if text]
    checked = quoted(texts, item.requester, item.requester_organization, item.role)
    signature = [texts["signature_checked"].format(words=checked)] if item.is_signed else []
    return [*signature, texts["their_words"], *said]


def _code_line(texts: Texts, item: AskedItem) -> str:
    key = "code_phone" if item.phone and item.organization else "code"
    places = {"code": item.code, "organization": isolated(item.organization), "phone": isolated(item.phone)}
    return texts[key].format(**places)


def _error_line(texts: Texts, item: AskedItem) -> str:
    if not item.last_refusal:
        return ""
    why = _WHY_REFUSED.get(item.last_refusal, "check_entry")
    return texts.count("error", item.tries_left).format(n=item.tries_left, why=texts[why])


def menu(item: LentItem, now: datetime, language: str = "en") -> Menu:
    """Return the labels of the tray menu for one grant."""
    texts = LANGUAGES[language_of(language)]
    until = moment(texts, _to_local(item.not_after, now), now)
    total = item.used + item.left.restarts + item.left.unlocks
    key = of_means("lent_paused" if item.paused else "lent", item.means)
    return Menu(
        lent=texts[key].format(account=isolated(item.asked_by), until=until, used=item.used, total=total),
        revoke=texts["revoke"],
        pause=texts["resume" if item.paused else "pause"],
        receipt=texts["receipt"],
    )


def notice(item: NoticeItem, now: datetime, language: str = "en") -> str:
    """Return a notice as one line: its time, the event, and its ticket in the operator's words."""
    texts = LANGUAGES[language_of(language)]
    at = _sentence(moment(texts, _to_local(item.at, now), now))
    ticket = f" {texts['ticket'].format(words=quoted(texts, item.ticket))}" if item.ticket else ""
    program = {"program": quoted(texts, item.program), "code": str(item.exit_code)}
    event = _event_text(texts, item).format(**_event_times(texts, item, now), **program)
    return f"{at}: {event}{ticket}"


def _event_times(texts: Texts, item: NoticeItem, now: datetime) -> dict[str, str]:
    until = _to_local(item.not_after, now) if item.not_after else now
    at = _to_local(item.at, now)
    since = _to_local(item.since, now) if item.since else at
    time = duration(texts, math.ceil((at - since).total_seconds()))
    return {"until": moment(texts, until, now), "since": moment(texts, since, now), "time": time}


def _event_text(texts: Texts, item: NoticeItem) -> str:
    if item.kind == "locked" and item.detail == "disconnected":
        return texts["disconnected"]
    return texts.get(f"{item.kind}_{item.detail}") or texts[item.kind]


def later_choices(language: str = "en", seconds_left: float = math.inf) -> list[tuple[str, float]]:
    """Return the choices that follow "later", each with its delay in seconds.

    Args:
        language: the reader's language.
        seconds_left: the time until the request ends without an answer. A longer delay is not offered, but the first.
    """
    texts = LANGUAGES[language_of(language)]
    choices = (("later_15", 900.0), ("later_60", 3600.0), ("later_evening", 14_400.0))
    return [
        (texts[key], seconds)
        for number, (key, seconds) in enumerate(choices)
        if seconds < seconds_left or not number
    ]


def seconds_left(item: AskedItem, now: datetime) -> float:
    """Return the time until a request ends without an answer."""
    return (datetime.fromisoformat(item.answer_by) - now).total_seconds()


def last_answer(item: AskedItem, now: datetime, language: str = "en") -> str:
    """Return the sentence that says how long IT waits for an answer."""
    return text("later_last", language, until=_last_moment(item, now, language))


def reminder(item: AskedItem, now: datetime, language: str = "en") -> str:
    """Return the sentence that reminds the customer of a request."""
    return text("reminder", language, until=_last_moment(item, now, language))


def _last_moment(item: AskedItem, now: datetime, language: str) -> str:
    return moment(LANGUAGES[language_of(language)], _to_local(item.answer_by, now), now)


def decline_choices(language: str = "en", max_absence: int = 0) -> list[str]:
    """Return the optional reasons for declining.

    The one at `NOT_TODAY` also rules out further questions today; the one at `AWAY` leads to the choice of a day.

    Args:
        language: the reader's language.
        max_absence: the days for which the customer may rule out questions.
    """
    texts = LANGUAGES[language_of(language)]
    away = ["away"] if max_absence >= SHORTEST_ABSENCE else []
    return [texts[f"decline_{key}"] for key in ("working", "myself", "unknown", "today", *away)]


def days_of_return(today: date, max_absence: int) -> list[int]:
    """Return the offered days of return, as numbers of days from today: the day after tomorrow, and Mondays."""
    monday = 7 - today.weekday()
    days = {SHORTEST_ABSENCE, monday, monday + 7, monday + 14, monday + 28}
    return sorted(day for day in days if SHORTEST_ABSENCE <= day <= max_absence)


def not_before(day: date, language: str = "en") -> str:
    """Return the choice "not before" a day."""
    texts = LANGUAGES[language_of(language)]
    weekday, month = texts["weekdays"].split()[day.weekday()], texts["months"].split()[day.month - 1]
    return texts["not_before"].format(weekday=weekday, day=day.day, month=month)


def text(key: str, language: str = "en", **places: str) -> str:
    """Return a text that needs no item, such as `declined`.

    Args:
        key: the text's name.
        language: the reader's language.
        places: the values of the placeholders.

    Raises:
        KeyError: there is no such text, or a placeholder has no value.
    """
    texts = LANGUAGES[language_of(language)]
    return texts[key].format(**places)
