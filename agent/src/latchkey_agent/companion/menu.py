# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu of the icon by the clock. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from latchkey_agent.companion import wording
from latchkey_agent.companion.steps import Picked
from latchkey_agent.protocol.customer_messages import CustomerSnapshot, LentItem


class Entry(NamedTuple):
    """A line of the menu; `picked` None: it only tells, and cannot be picked."""

    text: str
    picked: Picked | None = None


SEPARATOR = Entry("")


def entries(snapshot: CustomerSnapshot, now: datetime, language: str) -> list[Entry]:
    """Return the menu's lines.

    What is lent comes first, and taking it back right after it: one click to
    open the menu, one to take everything back.
    """
    return [*_asked(snapshot, language), *_lent(snapshot, now, language), *_always(language)]


def _asked(snapshot: CustomerSnapshot, language: str) -> list[Entry]:
    if not snapshot.asked:
        return []
    return [Entry(wording.say("menu_show", language), Picked("show")), SEPARATOR]


def _lent(snapshot: CustomerSnapshot, now: datetime, language: str) -> list[Entry]:
    if not snapshot.lent:
        return []
    words = [wording.menu(item, now, language) for item in snapshot.lent]
    return [
        *(Entry(word.lent) for word in words),
        Entry(wording.say("revoke", language), Picked("revoke")),
        *(_pause(item, word, named=len(words) > 1) for item, word in zip(snapshot.lent, words, strict=True)),
        SEPARATOR,
    ]


def _pause(item: LentItem, words: wording.Menu, *, named: bool) -> Entry:
    text = f"{words.pause} ({words.lent})" if named else words.pause
    return Entry(text, Picked("resume" if item.paused else "pause", item.grant))


def _always(language: str) -> list[Entry]:
    return [
        Entry(wording.say("menu_receipts", language), Picked("receipts")),
        Entry(wording.say("menu_report", language), Picked("report")),
        Entry(wording.say("menu_about", language), Picked("about")),
    ]
