# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A receipt as its customer reads it, in their language. Pure; the signed document stays what it is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from latchkey_agent.companion.texts import LANGUAGES, Texts
from latchkey_agent.companion.wording import language_of, moment
from latchkey_agent.protocol.answers import ReceiptView


def render(view: ReceiptView, now: datetime, language: str = "en") -> str:
    """Return the receipt as lines.

    Args:
        view: the receipt, as the agent made it.
        now: the present moment in the PC's zone; says which day is today.
        language: the reader's.
    """
    reader = _Reader(LANGUAGES[language_of(language)], now)
    document = view.document
    lines = [
        *reader.head(document),
        reader.answer(document["answer"]),
        *(reader.uses(document) if document["answer"]["state"] == "granted" else ()),
        reader.texts["receipt_signed"].format(signature=view.signature[:16]),
    ]
    return "\n".join(line for line in lines if line)


class _Reader:
    """Puts the parts of a document into words."""

    def __init__(self, texts: Texts, now: datetime) -> None:
        self.texts = texts
        self._now = now

    def at(self, when: str | None) -> str:
        """Return a moment of the document as people say it."""
        if when is None:
            return ""
        return moment(self.texts, datetime.fromisoformat(when).astimezone(self._now.tzinfo), self._now)

    def say(self, name: str, when: str | None = None) -> str:
        """Return a text that has a moment in it."""
        text = self.texts[f"receipt_{name}"].format(at=self.at(when))
        return text[:1].upper() + text[1:]

    def head(self, document: dict[str, Any]) -> list[str]:
        """Return who asked, where, what for, and what was asked for."""
        asked, session = document["requester"], "session" if document["ticket"] else "session_bare"
        parts = (asked["name"], asked["role"], asked["organization"])
        who = ", ".join(part for part in parts if part) or self.texts["nobody_named"]
        when = self.at(document["created_at"])
        places = {
            "id": document["request"],
            "device": document["device"],
            "account": document["principal"]["account"],
            "at": when[:1].upper() + when[1:],
            "who": who,
            "operator": asked["operator"],
            "reason": document["purpose"],
            "session": document["session"],
            "ticket": document["ticket"],
            "code": document["notice"]["code"],
        }
        lines = [self.texts[f"receipt_{name}"] for name in ("head", "place", "asked", session)]
        return [*(line.format(**places) for line in lines), self._terms(document["terms"])]

    def _terms(self, scope: dict[str, Any]) -> str:
        counts = {
            name: self.texts.count(f"receipt_{name}", scope[name]).format(n=scope[name])
            for name in ("restarts", "unlocks")
        }
        moments = {"since": self.at(scope["not_before"]), "until": self.at(scope["not_after"])}
        return self.texts["receipt_terms"].format(**counts, **moments)

    def answer(self, answer: dict[str, Any]) -> str:
        """Return what the customer said."""
        known = self.texts.get(f"receipt_answer_{answer['state']}")
        return self.say(f"answer_{answer['state']}" if known else "answer_open", answer["at"])

    def uses(self, document: dict[str, Any]) -> list[str]:
        """Return what became of a grant: each use, its end, its erasure."""
        used = [self._use(use) for use in document["uses"]] or [self.say("unused")]
        ended, erasure = document["ended"], document["erasure"]
        return [
            *used,
            self._ended(ended) if ended else self.say("kept"),
            self._erasure(erasure) if erasure else "",
        ]

    def _ended(self, ended: dict[str, Any]) -> str:
        by = f"_by_{ended['revoked_by']}" if ended["revoked_by"] else ""
        return self.say(f"ended_{ended['how']}{by}", ended["at"])

    def _use(self, use: dict[str, Any]) -> str:
        what = self.say(f"use_{use['action']}", use["issued_at"])
        if use["logged_on_at"] is None:
            return f"{what}. {self.say('not_signed_in')}."
        closing = self.texts[f"receipt_{use['closing'] or 'open'}"].format(at=self.at(use["closed_at"]))
        return f"{what}. {self.say('signed_in', use['logged_on_at'])}, {closing}."

    def _erasure(self, erasure: dict[str, Any]) -> str:
        name = "erased" if erasure["confirmed"] else "not_erased"
        return self.say(name, erasure["checked_at"])
