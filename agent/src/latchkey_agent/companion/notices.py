# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows notices to the customer (rule 10). Pure.

A balloon shows the answer to what the customer has just done. A window shows
what happened without them and stays until it is closed. The agent does not know
whether the customer was there, so no text says that they were away.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import accumulate
from typing import NamedTuple

from latchkey_agent.companion import wording
from latchkey_agent.companion.presenter_context import View
from latchkey_agent.companion.steps import AnyAction, Balloon, BalloonExpired, SendToAgent, ShowMissedNotices
from latchkey_agent.protocol.customer_messages import NoticeItem, NoticesClosed

LONGEST = 250
"""Longest text of a balloon, in characters (NOTIFYICONDATAW.szInfo holds 255)."""

READ_AFTER = timedelta(seconds=3)
"""A newer notice may replace a balloon that has been visible for this long."""


class _Shown(NamedTuple):
    """The current balloon and the ids of the agent's notices in it."""

    number: int
    notices: list[str]
    since: datetime


class Notices:
    """Shows each notice once, and closes it at the agent after the customer has seen it."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._shown_ids: set[str] = set()
        self._window: list[str] = []
        self._balloon: _Shown | None = None
        self._balloons = 0
        self._own: list[str] = []

    @property
    def is_showing(self) -> bool:
        """Whether a balloon or the window with missed notices is visible."""
        return bool(self._window) or self._balloon is not None

    @property
    def is_waiting(self) -> bool:
        """Whether any notice has not been shown yet."""
        not_shown = (n for n in self._view.snapshot.notices if n.notice not in self._shown_ids)
        return bool(self._own) or any(not_shown)

    def snapshot_changed(self) -> None:
        """Forget notices that are no longer in the customer snapshot."""
        self._shown_ids &= {notice.notice for notice in self._view.snapshot.notices}

    def add(self, text: str) -> None:
        """Queue a balloon with a text of the companion itself."""
        self._own.append(text)

    def refresh(self, *, busy: bool) -> list[AnyAction]:
        """Show the notices that can be shown now.

        Args:
            busy: whether a request is on the screen; the window with missed notices then waits.

        Returns:
            The actions, in order.
        """
        if self._view.screen.display_block:
            return []
        window = [] if busy or self._window else self._show_window()
        return [*window, *self._show_balloon()]

    def _not_shown(self, *, while_away: bool) -> list[NoticeItem]:
        notices = self._view.snapshot.notices
        return [n for n in notices if n.while_away is while_away and n.notice not in self._shown_ids]

    def _text(self, notice: NoticeItem) -> str:
        return wording.notice(notice, self._view.now, self._view.language)

    def _show_window(self) -> list[AnyAction]:
        new_notices = self._not_shown(while_away=True)
        if not new_notices:
            return []
        self._window = [notice.notice for notice in new_notices]
        self._shown_ids |= set(self._window)
        text = "\n\n".join(self._text(notice) for notice in new_notices)
        return [ShowMissedNotices(self._view.text("away_title"), text)]

    def _show_balloon(self) -> list[AnyAction]:
        """Show the next notice as a balloon. Replace a balloon that the customer had time to read."""
        now = self._view.now
        if self._balloon is not None and now - self._balloon.since < READ_AFTER:
            return []
        text, notices = self._next()
        if not text:
            return []
        closed = self._close_balloon()
        self._balloons += 1
        self._balloon = _Shown(self._balloons, notices, now)
        self._shown_ids |= set(notices)
        return [*closed, Balloon(text, self._balloons)]

    def _next(self) -> tuple[str, list[str]]:
        """Return the next text and the ids of the notices in it; an empty text if none waits."""
        if self._own:
            return self._own.pop(0), []
        new_notices = self._not_shown(while_away=False)
        texts = [self._text(notice) for notice in new_notices]
        lengths = accumulate(len(text) + 1 for text in texts)
        count = max(1, sum(length <= LONGEST for length in lengths))
        return "\n".join(texts[:count]), [notice.notice for notice in new_notices[:count]]

    def window_closed(self) -> list[AnyAction]:
        """Handle that the customer closed the window with missed notices."""
        notices, self._window = self._window, []
        return [SendToAgent(NoticesClosed(notices=notices))] if notices else []

    def balloon_expired(self, event: BalloonExpired) -> list[AnyAction]:
        """Handle that a balloon's time is over, unless a newer balloon has replaced it."""
        is_current = self._balloon is not None and self._balloon.number == event.number
        return self._close_balloon() if is_current else []

    def _close_balloon(self) -> list[AnyAction]:
        notices = self._balloon.notices if self._balloon else []
        self._balloon = None
        return [SendToAgent(NoticesClosed(notices=notices))] if notices else []
