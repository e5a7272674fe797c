# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out what the presenter says, and brings it what comes of that.

One thread thinks; each window and each word to the agent has a thread of its
own, so that neither a window that stays open nor a slow agent holds up the rest.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from latchkey_agent.companion import steps as s
from latchkey_agent.companion.agent_link import CHECK_TIME, Link
from latchkey_agent.companion.menu import Entry
from latchkey_agent.companion.presenter import Presenter
from latchkey_agent.ports import PortError
from latchkey_agent.protocol.customer_messages import RequestAllow
from latchkey_agent.protocol.frames import wipe

log = logging.getLogger(__name__)
LOOK_AGAIN = 2.0
"""Seconds between two looks at the screen while something waits: Windows does not tell of a presentation's end."""
BALLOON_TIME = 10.0
"""Seconds that a notice by the clock is given to be read."""
ANSWERS: tuple[s.Answer, ...] = ("allow", "later", "decline", "report")
"""What the request window's links mean, in the order of `RequestWindow.buttons`."""


class Typed(NamedTuple):
    """What the password dialog brought: name and password (UTF-16LE), or why there is none."""

    user: str = ""
    secret: bytearray = bytearray()
    problem: str = ""


class Window(Protocol):
    """A window that shows a text and links to choose from."""

    def run(self) -> int | None:
        """Show it until it is answered; the number of a link, None if it was closed. May raise PortError."""

    def close(self) -> None:
        """Take it from the screen, from any thread; also before it is shown."""

    def bring_up(self) -> None:
        """Bring it before the other windows, from any thread."""


class Stage(Protocol):
    """What there is to show things on."""

    def look(self) -> s.Screen:
        """Return what the screen is doing."""

    def window(self, title: str, text: str, links: Sequence[str] = (), *, guarded: bool = False) -> Window:
        """Make a window; `guarded`: what was not meant for it does not count."""

    def password(self, user: str, title: str, text: str) -> Typed:
        """Show the password dialog until it is over."""

    def show_icon(self, tip: str) -> None:
        """Show the icon by the clock."""

    def hide_icon(self) -> None:
        """Take it away."""

    def balloon(self, text: str) -> None:
        """Show a notice at the icon."""


class _Over(NamedTuple):
    """A window of a request is over; it says so itself, unless it was taken away."""

    window: Window
    event: s.AnyInput


class Director:
    """Runs one companion.

    Args:
        presenter: decides.
        link: to the agent.
        stage: where it is shown.
        now: the present moment, in the PC's zone.
    """

    def __init__(self, presenter: Presenter, link: Link, stage: Stage, now: Callable[[], datetime]) -> None:
        self._presenter = presenter
        self._link = link
        self._stage = stage
        self._now = now
        self._events: queue.SimpleQueue[s.AnyInput | _Over | None] = queue.SimpleQueue()
        self._thinking = threading.Lock()
        self._request: Window | None = None
        self._table: dict[type[s.AnyAction], Callable[[Any], None]] = {
            s.OpenRequest: self._open_request,
            s.CloseRequest: lambda _: self._close_request(),
            s.RaiseRequest: lambda _: self._request.bring_up() if self._request else None,
            s.AskPassword: lambda action: self._start(self._ask_password, action),
            s.Ask: self._ask,
            s.Tell: lambda action: self._start(self._tell, action),
            s.ShowNews: lambda action: self._start(self._show_news, action),
            s.ShowPages: lambda action: self._start(self._show_pages, action),
            s.Balloon: self._balloon,
            s.ShowIcon: lambda action: stage.show_icon(action.tip),
            s.HideIcon: lambda _: stage.hide_icon(),
        }

    def post(self, event: s.AnyInput) -> None:
        """Tell what has happened; from any thread."""
        self._events.put(event)

    def stop(self) -> None:
        """Let `run` end; from any thread."""
        self._link.stop()
        self._events.put(None)

    def menu(self) -> list[Entry]:
        """Return the lines of the icon's menu; from any thread."""
        with self._thinking:
            return self._presenter.menu(self._now())

    def run(self) -> None:
        """Watch the agent and the customer until `stop`."""
        self._start(self._link.watch, self.post)
        while (event := self._next()) is not None:
            if isinstance(event, _Over):
                if event.window is not self._request:
                    continue
                self._request = None
                event = event.event
            for action in self._think(event):
                self._do(action)
        self._close_request()

    def _next(self) -> s.AnyInput | _Over | None:
        try:
            return self._events.get(timeout=LOOK_AGAIN if self._presenter.watches_screen else None)
        except queue.Empty:
            return s.Seen()

    def _think(self, event: s.AnyInput) -> list[s.AnyAction]:
        with self._thinking:
            return self._presenter.handle(event, self._stage.look(), self._now())

    def _do(self, action: s.AnyAction) -> None:
        try:
            self._table[type(action)](action)
        except PortError as fault:
            log.error("%s failed: %s", type(action).__name__, fault)

    def _start(self, work: Callable[[Any], None], subject: object) -> None:
        threading.Thread(target=work, args=(subject,), daemon=True).start()

    # --- the request ------------------------------------------------------------------

    def _open_request(self, action: s.OpenRequest) -> None:
        shown = action.window
        text = "\n\n".join((*((shown.error,) if shown.error else ()), *shown.lines))
        window = self._stage.window(shown.title, text, shown.buttons, guarded=True)

        def answered(number: int | None) -> s.AnyInput:
            return s.Answered(action.request, "closed" if number is None else ANSWERS[number])

        self._show_request(window, answered, unshown=s.Unshown(action.request))

    def _ask(self, action: s.Ask) -> None:
        window = self._stage.window(action.title, action.text, action.choices)

        def chosen(number: int | None) -> s.AnyInput:
            return s.Chosen(action.request, action.question, number)

        self._show_request(window, chosen, unshown=chosen(None))

    def _show_request(
        self, window: Window, event: Callable[[int | None], s.AnyInput], *, unshown: s.AnyInput
    ) -> None:
        def show(_: object) -> None:
            try:
                over = event(window.run())
            except PortError as fault:
                log.error("a window of the request could not be shown: %s", fault)
                over = unshown
            self._events.put(_Over(window, over))

        self._request = window
        self._start(show, None)

    def _close_request(self) -> None:
        if self._request is not None:
            self._request.close()
            self._request = None

    def _ask_password(self, action: s.AskPassword) -> None:
        item = action.item
        try:
            typed = self._stage.password(f"{item.domain}\\{item.user}", action.title, action.text)
        except PortError as fault:
            typed = Typed(problem=str(fault))
        self.post(self._hand_over(item.request, typed))

    def _hand_over(self, request: str, typed: Typed) -> s.Entered:
        """Give the agent what was typed, and overwrite it."""
        if typed.problem or not typed.secret:
            return s.Entered(request, problem=typed.problem or "blank")
        try:
            allow = RequestAllow(request=request, entered=typed.user)
            return s.Entered(request, self._link.say(allow, typed.secret, within=CHECK_TIME))
        finally:
            wipe(typed.secret)

    # --- everything else ----------------------------------------------------------------

    def _tell(self, action: s.Tell) -> None:
        self.post(s.Told(action.request, self._link.say(action.request)))

    def _show_news(self, action: s.ShowNews) -> None:
        try:
            self._stage.window(action.title, action.text).run()
        except PortError as fault:
            # Not closed at the agent: the news are there again at the next sign-in.
            log.error("the news could not be shown: %s", fault)
            return
        self.post(s.NewsClosed())

    def _show_pages(self, action: s.ShowPages) -> None:
        with suppress(PortError):
            self._leaf_through(action)

    def _leaf_through(self, action: s.ShowPages) -> None:
        at = 0
        while True:
            links = [
                (word, to)
                for word, to in ((action.older, at + 1), (action.newer, at - 1))
                if 0 <= to < len(action.pages)
            ]
            window = self._stage.window(action.title, action.pages[at], [word for word, _ in links])
            number = window.run()
            if number is None:
                return
            at = links[number][1]

    def _balloon(self, action: s.Balloon) -> None:
        self._stage.balloon(action.text)
        timer = threading.Timer(BALLOON_TIME, self.post, (s.BalloonOver(action.number),))
        timer.daemon = True
        timer.start()
