# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer is told (rule 10): by the clock while they are there, else in a window. Pure."""

from __future__ import annotations

from itertools import accumulate

import msgspec

from latchkey_agent.companion import wording
from latchkey_agent.companion.steps import AnyAction, Balloon, ShowNews, Tell
from latchkey_agent.companion.view import View
from latchkey_agent.protocol.local import NoticeItem, NoticesClosed

LONGEST = 250
"""Characters that fit beside the clock (NOTIFYICONDATAW.szInfo has room for 255)."""


class News:
    """Notices: each is shown once, and closed at the agent when it has been seen."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._told: set[str] = set()
        self._window: list[str] = []
        self._balloon: list[str] | None = None
        self._own: list[str] = []

    @property
    def is_on(self) -> bool:
        """Whether anything is shown now."""
        return bool(self._window) or self._balloon is not None

    @property
    def is_waiting(self) -> bool:
        """Whether anything is still to be shown."""
        untold = (n for n in self._view.desktop.notices if n.notice not in self._told)
        return bool(self._own) or any(untold)

    def watched(self) -> None:
        """Forget what the agent no longer shows."""
        self._told &= {notice.notice for notice in self._view.desktop.notices}

    def add(self, text: str) -> None:
        """Show a notice of the companion's own by the clock."""
        self._own.append(text)

    def refresh(self, *, busy: bool) -> list[AnyAction]:
        """Show what is to be shown now; `busy`: a request is on the screen, news wait."""
        if self._view.screen.holds_back:
            return []
        window = [] if busy or self._window else self._show_window()
        return [*window, *([] if self._balloon is not None else self._show_balloon())]

    def _untold(self, *, while_away: bool) -> list[NoticeItem]:
        notices = self._view.desktop.notices
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
        if self._own:
            self._balloon = []
            return [Balloon(self._own.pop(0))]
        fresh = self._untold(while_away=False)
        if not fresh:
            return []
        texts = [self._text(notice) for notice in fresh]
        lengths = accumulate(len(text) + 1 for text in texts)
        count = max(1, sum(length <= LONGEST for length in lengths))
        self._balloon = [notice.notice for notice in fresh[:count]]
        self._told |= set(self._balloon)
        return [Balloon("\n".join(texts[:count]))]

    def closed(self) -> list[AnyAction]:
        """The customer has closed the window with the news."""
        notices, self._window = self._window, []
        return [Tell(NoticesClosed(notices=notices))] if notices else []

    def balloon_over(self) -> list[AnyAction]:
        """The notice by the clock has been there for its time."""
        notices, self._balloon = self._balloon or [], None
        return [Tell(NoticesClosed(notices=notices))] if notices else []
