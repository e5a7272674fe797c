# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Chooses the events of a PC that a reader of the demo needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.computer import Event

UNTOLD = frozenset({
    "desktop_ready", "down", "going_down", "notice_granted", "permit_redeemed", "restart_pending", "signed_out",
    "tile_shown", "up", "updates_begun", "window_closed",
})  # fmt: skip
"""Events that another event beside them, or the request window, tells already. All others are told."""
NOTICE = "notice_"
CONSOLE = " (console)"


class Teller:
    """Passes on the events of one PC: each notice once, and a sign-in together with the lock behind it."""

    def __init__(self, pass_on: Callable[[Event], None]) -> None:
        self._pass_on = pass_on
        self._notices: set[str] = set()
        self._signed_in: Event | None = None

    def tell(self, event: Event) -> None:
        """Take one event."""
        if event.what in UNTOLD:
            return
        if event.what == "locked" and self._signed_in is not None:
            event = _joined(self._signed_in, event)
            self._signed_in = None
        self.end()
        if event.what == "signed_in":
            self._signed_in = event._replace(text=event.text.removesuffix(CONSOLE))
        elif event.what.startswith(NOTICE):
            self._notice(event)
        else:
            self._pass_on(event._replace(text=event.text.removesuffix(CONSOLE)))

    def end(self) -> None:
        """Pass on a sign-in that no lock has followed so far."""
        if self._signed_in is not None:
            self._pass_on(self._signed_in)
        self._signed_in = None

    def _notice(self, event: Event) -> None:
        text = shortened(event.text)
        if text not in self._notices:
            self._notices.add(text)
            self._pass_on(event._replace(text=f"Notice: {text}"))


def _joined(signed_in: Event, locked: Event) -> Event:
    seconds = (locked.at - signed_in.at).total_seconds()
    return locked._replace(text=f"{signed_in.text}; the screen is locked {seconds:.2f} s later.")


def shortened(notice: str) -> str:
    """Return a notice without its first words, the time, and its last ones, the ticket: the demo has told both."""
    return re.sub(r"^[^:]*\d\d:\d\d: | Ticket: \S+$", "", notice)
