# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders a receipt in the customer's language. Pure. The signed document is not changed."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from latchkey_agent.companion.texts import LANGUAGES, Texts
from latchkey_agent.companion.wording import duration, language_of, moment, quoted
from latchkey_agent.plain_text import SHOWN_LINE, isolated, one_line
from latchkey_agent.protocol.answers import ReceiptView

_KEY = 23
"""The characters of the device key's fingerprint that the customer reads: `SHA256:` and 96 bits of it."""


def render(view: ReceiptView, now: datetime, language: str = "en") -> str:
    """Return the receipt as text.

    Args:
        view: the receipt from the agent.
        now: the current time in the PC's time zone; determines "today".
        language: the reader's language.
    """
    reader = _Reader(LANGUAGES[language_of(language)], now)
    document = view.document
    lines = [
        *reader.head(document),
        reader.answer(document["answer"]),
        *(reader.uses(document) if document["answer"]["state"] == "granted" else ()),
        "" if document["closed"] else reader.sentence("not_closed", document["as_of"]),
        reader.texts["receipt_signed"].format(key=document["device_key"][:_KEY]),
    ]
    return "\n".join(line for line in lines if line)


def earlier(since: str, now: datetime, language: str = "en") -> str:
    """Return the sentence about receipts of an earlier journal; empty if there was none.

    Args:
        since: the moment at which the journal was begun in place of the earlier one, or empty.
        now: the current time in the PC's time zone; determines "today".
        language: the reader's language.
    """
    reader = _Reader(LANGUAGES[language_of(language)], now)
    return reader.texts["receipts_earlier"].format(at=reader.at(since)) if since else ""


class _Reader:
    """Renders the parts of a receipt."""

    def __init__(self, texts: Texts, now: datetime) -> None:
        self.texts = texts
        self._now = now

    def at(self, when: str | None) -> str:
        """Return a time of the receipt in everyday words; empty for None."""
        if when is None:
            return ""
        return moment(self.texts, datetime.fromisoformat(when).astimezone(self._now.tzinfo), self._now)

    def sentence(self, name: str, when: str | None = None) -> str:
        """Return a text with a time in it, starting with a capital letter."""
        text = self.texts[f"receipt_{name}"].format(at=self.at(when))
        return text[:1].upper() + text[1:]

    def head(self, document: dict[str, Any]) -> list[str]:
        """Return the lines with the requester, the PC, the reason and the terms."""
        asked = document["requester"]
        places = {
            "id": document["request"],
            "device": document["device"],
            "account": isolated(document["principal"]["account"]),
            "at": self.at(document["created_at"]),
            "operator": isolated(document["asked_by"]["account"]),
            "code": document["notice"]["code"],
        }
        lines = [self.texts[f"receipt_{name}"].format(**places) for name in ("head", "place", "asked")]
        terms = document["terms"]
        programs = [self.texts["receipt_programs_agreed"]] if terms["programs"] else []
        kind = self.texts[_kind(document)]
        return [*lines, self._terms(terms), kind, *programs, *self._their_words(document, asked)]

    def _their_words(self, document: dict[str, Any], asked: dict[str, Any]) -> list[str]:
        """Return signature and operator's words as in the request window, and the name of the support session."""
        # A receipt of an earlier agent has no such field.
        is_signed = document.get("signature") is not None
        words = {
            "who": () if is_signed else (asked["name"], asked["role"], asked["organization"]),
            "why": (document["purpose"],),
            "ticket": (document["ticket"],),
            "receipt_session": (document["session"],),
        }
        lines = {label: quoted(self.texts, *parts) for label, parts in words.items()}
        named = (self.texts[label].format(words=line) for label, line in lines.items() if line)
        checked = quoted(self.texts, asked["name"], asked["organization"], asked["role"])
        signature = [self.texts["signature_checked"].format(words=checked)] if is_signed else []
        return [*signature, self.texts["their_words"], *named]

    def _terms(self, scope: dict[str, Any]) -> str:
        counts = {
            name: self.texts.count(f"receipt_{name}", scope[name]).format(n=scope[name])
            for name in ("restarts", "unlocks")
        }
        moments = {"since": self.at(scope["not_before"]), "until": self.at(scope["not_after"])}
        return self.texts["receipt_terms"].format(**counts, **moments)

    def answer(self, answer: dict[str, Any]) -> str:
        """Return the line with the customer's answer and their reason, or with the reason why no entry could serve."""
        refusal = answer["refusal"]
        if refusal and refusal not in {"reported", "reported_elsewhere"}:
            return f"{self.sentence('answer_refused', answer['at'])}. {self.texts[f'refused_{refusal}']}"
        state = refusal or answer["state"]
        known = self.texts.get(f"receipt_answer_{state}")
        line = self.sentence(f"answer_{state}" if known else "answer_open", answer["at"])
        reason = "" if refusal else answer["why"]
        words = self.texts["receipt_reason"].format(words=quoted(self.texts, reason)) if reason else ""
        return f"{line}. {words}" if words else line

    def uses(self, document: dict[str, Any]) -> list[str]:
        """Return the lines with the grant's uses, its end and its erasure."""
        programs = [self._program(program) for program in document["programs"]]
        used = [*(self._use(use) for use in document["uses"]), *programs] or [self.sentence("unused")]
        ended, erasure = document["ended"], document["erasure"]
        return [
            *used,
            *(self._omitted(omitted) for omitted in document["restarts_without_sign_in"]),
            self._ended(ended) if ended else self.sentence("allowed" if _is_arso(document) else "kept"),
            self._erasure(erasure) if erasure else "",
        ]

    def _program(self, program: dict[str, Any]) -> str:
        """Return the line with a program, its start and its end."""
        line = quoted(self.texts, one_line(program["command_line"], SHOWN_LINE))
        how = self.texts[f"receipt_program_{program['end'] or 'running'}"]
        end = how.format(at=self.at(program["ended_at"]), code=program["exit_code"])
        started = self.texts["receipt_program"].format(at=self.at(program["started_at"]), program=line)
        return f"{started} {end}"

    def _omitted(self, omitted: dict[str, Any]) -> str:
        name = "omitted_own" if omitted["why"] == "own_restart" else "omitted"
        return self.sentence(name, omitted["at"])

    def _ended(self, ended: dict[str, Any]) -> str:
        by = f"_by_{ended['revoked_by']}" if ended["revoked_by"] else ""
        name = f"ended_{ended['how']}{by}"
        of_reason = f"{name}_{ended['rejection']}"
        known = self.texts.get(f"receipt_{of_reason}")
        line = self.sentence(of_reason if known else name, ended["at"])
        # Windows' answer may be one that has no sentence.
        refusal = (
            self.texts.get(f"refused_{ended['detail']}") if ended["rejection"] == "password_refused" else None
        )
        return f"{line}. {refusal}" if refusal else line

    def _use(self, use: dict[str, Any]) -> str:
        cause = "restart_by_others" if use["started_by_others"] else use["action"]
        what = self.sentence(f"use_{cause}", use["issued_at"])
        return f"{what}. {self._sign_in(use)}."

    def _sign_in(self, use: dict[str, Any]) -> str:
        closing = self.texts[f"receipt_{use['closing'] or 'open'}"].format(at=self.at(use["closed_at"]))
        seconds = use["desktop_open_seconds"]
        if seconds is not None:
            time = duration(self.texts, math.ceil(seconds))
            name = "seen_open_for" if use["signed_in_by_windows_at"] is not None else "open_for"
            closing = f"{closing}, {self.texts[f'receipt_{name}'].format(time=time)}"
        if use["logged_on_at"] is not None:
            return f"{self.sentence('signed_in', use['logged_on_at'])}, {closing}"
        if use["signed_in_by_windows_at"] is not None:
            return f"{self.sentence('by_itself', use['signed_in_by_windows_at'])}, {closing}"
        is_unknown = use["why"] == "interrupted" or use["state"] == "redeemed"
        preempted = "without_it" if use["why"] == "signed_in" else "not_signed_in"
        return self.sentence("result_unknown" if is_unknown else preempted)

    def _erasure(self, erasure: dict[str, Any]) -> str:
        name = "erased" if erasure["confirmed"] else "not_erased"
        return self.sentence(name, erasure["checked_at"])


def _kind(document: dict[str, Any]) -> str:
    """Return the name of the text that says by whom the password could be opened, if there is one."""
    if _is_arso(document):
        return "receipt_no_password"
    # A receipt from before there was a choice is of one party.
    return "receipt_two_parties" if document["terms"].get("two_parties") else "receipt_one_party"


def _is_arso(document: dict[str, Any]) -> bool:
    """Tell whether the receipt is of a request without a password; one from before there was a choice has one."""
    means: str = document["terms"].get("means", "grant")
    return means == "arso"
