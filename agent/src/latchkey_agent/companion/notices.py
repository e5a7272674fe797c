# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer is told (rule 10): by the clock while they are there, else in a window. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

import msgspec

from latchkey_agent.companion import wording
from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.steps import AnyAction, Balloon, BalloonOver, ShowNews, Tell
from latchkey_agent.protocol.customer_messages import NoticeItem, NoticesClosed

LONGEST = 250
"""Characters that fit beside the clock (NOTIFYICONDATAW.szInfo has room for 255)."""

READ_AFTER = timedelta(seconds=3)
"""A notice that has been there so long makes way for a newer one."""


class _Shown(NamedTuple):
    """The notice by the clock, with the agent's notices that are in it."""

    number: int
    notices: list[str]
    since: datetime


class News:
    """Notices: each is shown once, and closed at the agent when it has been seen."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._told: set[str] = set()
        self._window: list[str] = []
        self._balloon: _Shown | None = None
        self._balloons = 0
        self._own: list[str] = []

    @property
    def is_on(self) -> bool:
        """Whether anything is shown now."""
        return bool(self._window) or self._balloon is not None

    @property
    def is_waiting(self) -> bool:
        """Whether anything is still to be shown."""
        untold = (n for n in self._view.snapshot.notices if n.notice not in self._told)
        return bool(self._own) or any(untold)

    def watched(self) -> None:
        """Forget what the agent no longer shows."""
        self._told &= {notice.notice for notice in self._view.snapshot.notices}

    def add(self, text: str) -> None:
        """Show a notice of the companion's own by the clock."""
        self._own.append(text)

    def refresh(self, *, busy: bool) -> list[AnyAction]:
        """Show what is to be shown now; `busy`: a request is on the screen, news wait."""
        if self._view.screen.holds_back:
            return []
        window = [] if busy or self._window else self._show_window()
        return [*window, *self._show_balloon()]

    def _untold(self, *, while_away: bool) -> list[NoticeItem]:
        notices = self._view.snapshot.notices
        return [n for n in notices if n.while_away is while_away and n.notice not in self._told]

    def _text(self, notice: NoticeItem) -> str:
        # The window's title says already that nobody was there.
        here = msgspec.structs.replace(notice, while_away=False)
        return wording.notice(here, self._view.now, self._view.language)

    def _show_window(self) -> list[AnyAction]:
        fresh = self._untold(while_away=True)
        if not fresh:
            return []
        self._window = [notice.notice for notice in fresh]
        self._told |= set(self._window)
        text = "\n\n".join(self._text(notice) for notice in fresh)
        return [ShowNews(self._view.say("away_title"), text)]

    def _show_balloon(self) -> list[AnyAction]:
        """Show the next notice by the clock; one that can have been read makes way."""
        now = self._view.now
        if self._balloon is not None and now - self._balloon.since < READ_AFTER:
            return []
        text, notices = self._next()
        if not text:
            return []
        closed = self._close_balloon()
        self._balloons += 1
        self._balloon = _Shown(self._balloons, notices, now)
        self._told |= set(notices)
        return [*closed, Balloon(text, self._balloons)]

    def _next(self) -> tuple[str, list[str]]:
        """Return the next text and the notices in it; an empty text where there is none."""
        if self._own:
            return self._own.pop(0), []
        fresh = self._untold(while_away=False)
        texts = [self._text(notice) for notice in fresh]
        lengths = accumulate(len(text) + 1 for text in texts)
        count = max(1, sum(length <= LONGEST for length in lengths))
        return "\n".join(texts[:count]), [notice.notice for notice in fresh[:count]]

    def closed(self) -> list[AnyAction]:
        """The customer has closed the window with the news."""
        notices, self._window = self._window, []
        return [Tell(NoticesClosed(notices=notices))] if notices else []

    def balloon_over(self, event: BalloonOver) -> list[AnyAction]:
        """A notice by the clock has been there for its time, if it was not replaced meanwhile."""
        is_there = self._balloon is not None and self._balloon.number == event.number
        return self._close_balloon() if is_there else []

    def _close_balloon(self) -> list[AnyAction]:
        notices = self._balloon.notices if self._balloon else []
        self._balloon = None
        return [Tell(NoticesClosed(notices=notices))] if notices else []
