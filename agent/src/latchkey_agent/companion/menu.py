# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the menu of the tray icon. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from latchkey_agent.companion import wording
from latchkey_agent.companion.steps import MenuPicked
from latchkey_agent.protocol.customer_messages import CustomerSnapshot, LentItem


class Entry(NamedTuple):
    """An entry of the menu. An entry whose `picked` is None is text only."""

    text: str
    picked: MenuPicked | None = None


SEPARATOR = Entry("")


def entries(snapshot: CustomerSnapshot, now: datetime, language: str) -> list[Entry]:
    """Return the entries of the menu.

    The grants come first, followed by the entry that revokes them all: the
    customer needs one click to open the menu and one to revoke.

    Args:
        snapshot: the customer snapshot.
        now: the current time in the PC's time zone.
        language: the customer's language.
    """
    return [
        *_asked(snapshot, language),
        *_postponed(snapshot, language),
        *_lent(snapshot, now, language),
        *_always(language),
    ]


def _asked(snapshot: CustomerSnapshot, language: str) -> list[Entry]:
    if not snapshot.asked:
        return []
    return [Entry(wording.text("menu_show", language), MenuPicked("show")), SEPARATOR]


def _postponed(snapshot: CustomerSnapshot, language: str) -> list[Entry]:
    return [Entry(wording.text("menu_later", language)), SEPARATOR] if snapshot.postponed else []


def _lent(snapshot: CustomerSnapshot, now: datetime, language: str) -> list[Entry]:
    if not snapshot.lent:
        return []
    words = [wording.menu(item, now, language) for item in snapshot.lent]
    return [
        *(Entry(word.lent) for word in words),
        Entry(wording.text("revoke", language), MenuPicked("revoke")),
        *(_pause(item, word, named=len(words) > 1) for item, word in zip(snapshot.lent, words, strict=True)),
        SEPARATOR,
    ]


def _pause(item: LentItem, words: wording.Menu, *, named: bool) -> Entry:
    text = f"{words.pause} ({words.lent})" if named else words.pause
    return Entry(text, MenuPicked("resume" if item.paused else "pause", item.grant))


def _always(language: str) -> list[Entry]:
    return [
        Entry(wording.text("menu_receipts", language), MenuPicked("receipts")),
        Entry(wording.text("menu_report", language), MenuPicked("report")),
        Entry(wording.text("menu_about", language), MenuPicked("about")),
    ]
