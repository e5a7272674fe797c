# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer reads, made from the items of the customer pipe. Pure.

What is shown is part of what was agreed: the agent journals the SHA-256 of
`RequestWindow.text`, so everything in the window must come out of it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import NamedTuple

from latchkey_agent.companion.texts import LANGUAGES, Texts
from latchkey_agent.domain import LogonRefusal
from latchkey_agent.protocol.customer_messages import AskedItem, LentItem, NoticeItem

_WHY_REFUSED: dict[str, str] = {
    LogonRefusal.LOOKS_LIKE_PIN: "is_pin",
    "other_account_entered": "is_other_name",
}


class RequestWindow(NamedTuple):
    """The request window: `lines` in their order, then the entry field and equal buttons.

    `error` is what the last entry led to; empty before the first one.
    """

    title: str
    lines: tuple[str, ...]
    error: str
    field: str
    buttons: tuple[str, ...]

    @property
    def text(self) -> str:
        """Everything that stands in the window, one element a line."""
        error = (self.error,) if self.error else ()
        return "\n".join((self.title, *self.lines, *error, self.field, " | ".join(self.buttons)))

    @property
    def sha256(self) -> str:
        """The text's SHA-256 in hexadecimal, for the receipt."""
        return hashlib.sha256(self.text.encode()).hexdigest()


class Menu(NamedTuple):
    """The tray icon's menu for one grant: what is lent, and what can be done about it."""

    lent: str
    revoke: str
    pause: str
    receipt: str


def language_of(wanted: str, fallback: str = "en") -> str:
    """Return the language to use for a tag such as `de-AT`, `fallback` for one we lack."""
    language = wanted.partition("-")[0].lower()
    return language if language in LANGUAGES else fallback


def request_window(item: AskedItem, now: datetime, language: str = "en") -> RequestWindow:
    """Return the request window.

    Args:
        item: the request; its moments are in the PC's zone.
        now: the present moment in the PC's zone; says which day is today.
        language: what to use where the request names no language that we have.
    """
    texts = LANGUAGES[language_of(item.language, language)]
    return RequestWindow(
        title=texts["title"],
        lines=(
            _who(texts, item),
            *_what(texts, item),
            _when(texts, item, now),
            _why(texts, item),
            texts["place"].format(device=item.device, account=f"{item.domain}\\{item.user}"),
            texts["promise"],
            texts["choice"],
            _code(texts, item),
        ),
        error=_error(texts, item),
        field=texts["field"],
        buttons=tuple(texts[name] for name in ("allow", "later", "decline", "report")),
    )


def _who(texts: Texts, item: AskedItem) -> str:
    parts = (item.requester, item.role, item.requester_organization)
    who = ", ".join(part for part in parts if part) or texts["nobody_named"]
    of_another = item.organization not in {"", item.requester_organization}
    key = "who_of" if of_another else "who"
    return texts[key].format(who=who, organization=item.organization)


def _what(texts: Texts, item: AskedItem) -> list[str]:
    lines = [
        texts.count(key, count).format(n=count)
        for key, count in (("restarts", item.terms.restarts), ("unlocks", item.terms.unlocks))
        if count
    ]
    return [*lines, *([texts["foreign"]] if item.terms.foreign_restarts else []), texts["in_your_name"]]


def _when(texts: Texts, item: AskedItem, now: datetime) -> str:
    since, until = (_local(text, now) for text in (item.terms.not_before, item.terms.not_after))
    last = moment(texts, until, now)
    if since <= now:
        return texts["until"].format(until=last)
    return _sentence(texts["when"].format(since=moment(texts, since, now), until=last))


def _local(text: str, now: datetime) -> datetime:
    return datetime.fromisoformat(text).astimezone(now.tzinfo)


def moment(texts: Texts, at: datetime, now: datetime) -> str:
    """Return a moment as people say it; `at` and `now` are of the same zone."""
    time = at.strftime(texts["clock"])
    if at.date() == now.date():
        return texts["today"].format(time=time)
    if at.date() == now.date() + timedelta(days=1):
        return texts["tomorrow"].format(time=time)
    month = texts["months"].split()[at.month - 1]
    return texts["on_day"].format(day=at.day, month=month, year=at.year, time=time)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _why(texts: Texts, item: AskedItem) -> str:
    key = "why_ticket" if item.ticket else "why"
    return texts[key].format(reason=item.reason.rstrip("."), ticket=item.ticket)


def _code(texts: Texts, item: AskedItem) -> str:
    key = "code_phone" if item.phone and item.organization else "code"
    places = {"code": item.code, "organization": item.organization, "phone": item.phone}
    return texts[key].format(**places)


def _error(texts: Texts, item: AskedItem) -> str:
    if not item.last_refusal:
        return ""
    why = _WHY_REFUSED.get(item.last_refusal, "check_entry")
    return texts.count("error", item.tries_left).format(n=item.tries_left, why=texts[why])


def menu(item: LentItem, now: datetime, language: str = "en") -> Menu:
    """Return the tray icon's menu for one grant."""
    texts = LANGUAGES[language_of(language)]
    until = moment(texts, _local(item.not_after, now), now)
    total = item.used + item.left.restarts + item.left.unlocks
    who = item.requester or texts["nobody_named"]
    key = "lent_paused" if item.paused else "lent"
    return Menu(
        lent=texts[key].format(who=who, until=until, used=item.used, total=total),
        revoke=texts["revoke"],
        pause=texts["resume" if item.paused else "pause"],
        receipt=texts["receipt"],
    )


def notice(item: NoticeItem, now: datetime, language: str = "en") -> str:
    """Return a notice as one line: when, for which ticket, and what happened."""
    texts = LANGUAGES[language_of(language)]
    until = _local(item.not_after, now) if item.not_after else now
    places = {
        "who": item.requester or texts["nobody_named"],
        "until": moment(texts, until, now),
    }
    at = _sentence(moment(texts, _local(item.at, now), now))
    away = f"{texts['notice_away']}, " if item.while_away else ""
    ticket = texts["of_ticket"].format(ticket=item.ticket) if item.ticket else ""
    return f"{away}{at}{ticket}: {_happened(texts, item).format(**places)}"


def _happened(texts: Texts, item: NoticeItem) -> str:
    if item.kind == "locked" and item.detail == "disconnected":
        return texts["disconnected"]
    return texts.get(f"{item.kind}_{item.detail}") or texts[item.kind]


def later_choices(language: str = "en") -> list[tuple[str, float]]:
    """Return the choices behind "later" and the seconds that each means."""
    texts = LANGUAGES[language_of(language)]
    choices = (("later_15", 900.0), ("later_60", 3600.0), ("later_evening", 14_400.0))
    return [(texts[key], seconds) for key, seconds in choices]


def decline_choices(language: str = "en") -> list[str]:
    """Return the reasons that may be given for declining; none has to be."""
    texts = LANGUAGES[language_of(language)]
    return [texts[f"decline_{key}"] for key in ("working", "myself", "unknown")]


def say(key: str, language: str = "en", **places: str) -> str:
    """Return a text of the table that needs no item, such as `declined`.

    Raises:
        KeyError: there is no such text, or a place of it was not given.
    """
    texts = LANGUAGES[language_of(language)]
    return texts[key].format(**places)
