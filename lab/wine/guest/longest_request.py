# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the request window with the longest texts that the rules allow, and reports its parts.

The argument is the language. One line of standard output is the report in JSON; one line of standard input ends it.
"""

from __future__ import annotations

import ctypes
import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import win32gui

from latchkey_agent.companion import wording
from latchkey_agent.companion.screen.dialog import Dialog
from latchkey_agent.plain_text import LONGEST_LINE, LONGEST_NAME, LONGEST_WORD
from latchkey_agent.protocol.answers import TermsView
from latchkey_agent.protocol.customer_messages import AskedItem
from latchkey_agent.protocol.fields import MOST_OPERATORS

ACCOUNT = f"{'W' * 15}\\{'W' * 20}"
"""The longest NetBIOS name of a domain, and the longest name of a user in SAM."""
NOW = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)


class Part(NamedTuple):
    """A visible part of the window: its class, its text, and left, top, right, bottom on the screen."""

    kind: str
    text: str
    place: tuple[int, int, int, int]


def longest(length: int) -> str:
    """Return the widest text of so many characters."""
    return (("W" * LONGEST_WORD + " ") * length)[:length]


def item() -> AskedItem:
    """Return a request whose every text is the longest one, after a refused entry."""
    domain, user = ACCOUNT.split("\\")
    name = longest(LONGEST_NAME)
    return AskedItem(
        request="r", code="4711", user=user, domain=domain, device=domain, asked_by=ACCOUNT, requester=name, role=name,
        requester_organization=name, organization=name, phone="0" * 40, reason=longest(LONGEST_LINE), ticket=name,
        terms=TermsView(
            restarts=100, unlocks=100, foreign_restarts=True, programs=True, relock_after=3599.0, grace=3599.0,
            not_before=(NOW + timedelta(days=3)).isoformat(), not_after=(NOW + timedelta(days=4)).isoformat(),
        ),
        answer_by=NOW.isoformat(), tries_left=1, last_refusal="looks_like_pin", operators=[ACCOUNT] * MOST_OPERATORS,
    )  # fmt: skip


def text_of(window: int) -> str:
    """Return the whole text of a window; win32gui.GetWindowText cuts it."""
    buffer = ctypes.create_unicode_buffer(8192)
    ctypes.windll.user32.GetWindowTextW(ctypes.c_void_p(window), buffer, len(buffer))
    return buffer.value


def parts(window: int) -> list[Part]:
    """Return the window and its visible parts."""
    found: list[int] = [window]
    win32gui.EnumChildWindows(window, lambda part, _: found.append(part), None)
    return [
        Part(win32gui.GetClassName(one) or "", text_of(one), win32gui.GetWindowRect(one))
        for one in found
        if win32gui.IsWindowVisible(one)
    ]


def main(language: str) -> None:
    """Show the window, report it, and close it."""
    shown = wording.request_window(item(), NOW, language)
    window = Dialog("Latchkey", shown.title, shown.content, shown.buttons, guarded=True)

    def report() -> None:
        there: list[int] = []
        while not there:
            win32gui.EnumWindows(
                lambda one, _: there.append(one) if win32gui.GetWindowText(one) == "Latchkey" else None, None
            )
        while not all(text in {part.text for part in parts(there[0])} for text in shown.buttons):
            pass
        print(json.dumps({"content": shown.content, "parts": parts(there[0])}), flush=True)
        sys.stdin.readline()
        window.close()

    threading.Thread(target=report, daemon=True).start()
    window.run()


if __name__ == "__main__":
    main(sys.argv[1])
