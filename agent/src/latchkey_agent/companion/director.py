# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Performs the presenter's actions and passes it the resulting events.

One thread runs the presenter. Each window and each request to the agent has
its own thread, so an open window or a slow agent does not block the others.
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
from latchkey_agent.companion.agent_link import PASSWORD_CHECK_SECONDS, Link
from latchkey_agent.companion.menu import Entry
from latchkey_agent.companion.presenter import Presenter
from latchkey_agent.ports import PortError
from latchkey_agent.protocol.customer_messages import RequestAllow
from latchkey_agent.protocol.frames import wipe

log = logging.getLogger(__name__)
SCREEN_CHECK_INTERVAL = 2.0
"""Seconds between two checks of the screen while something waits.

Windows does not report the end of a presentation.
"""
BALLOON_SECONDS = 10.0
"""Seconds that the customer gets to read a balloon."""
ANSWERS: tuple[s.Answer, ...] = ("allow", "later", "decline", "report")
"""The answer of each link of the request window, in the order of `RequestWindow.buttons`."""


class PasswordInput(NamedTuple):
    """The result of the password dialog.

    Attributes:
        user: the user name that the customer entered.
        secret: the password in UTF-16LE.
        problem: the reason why there is no password; empty if there is one.
    """

    user: str = ""
    secret: bytearray = bytearray()
    problem: str = ""


class Window(Protocol):
    """A window with a text and links to choose from."""

    def run(self) -> int | None:
        """Show the window until the customer answers it or closes it.

        Returns:
            The number of the chosen link; None if the window was closed.

        Raises:
            PortError: Windows cannot show the window.
        """

    def close(self) -> None:
        """Close the window. Any thread may call this, even before the window is shown."""

    def bring_to_front(self) -> None:
        """Bring the window to the front. Any thread may call this."""


class Stage(Protocol):
    """The screen with its windows and its icon."""

    def read_screen(self) -> s.Screen:
        """Return the state of the screen."""

    def window(self, title: str, text: str, links: Sequence[str] = (), *, guarded: bool = False) -> Window:
        """Create a window.

        Args:
            title: the window's heading.
            text: the window's text.
            links: the choices.
            guarded: whether to ignore keys and clicks that were meant for another window. Such a window is wide, and
                has its choices side by side: it holds the longest text.
        """

    def password(self, user: str, title: str, text: str) -> PasswordInput:
        """Show the password dialog and return the customer's input."""

    def show_icon(self, tip: str) -> None:
        """Show the tray icon."""

    def hide_icon(self) -> None:
        """Hide the tray icon."""

    def balloon(self, text: str) -> None:
        """Show a balloon at the tray icon."""


class _WindowClosed(NamedTuple):
    """A request's window has closed. `event` does not count if the companion closed the window."""

    window: Window
    event: s.AnyEvent


class Director:
    """Runs one companion.

    Args:
        presenter: decides on the actions.
        link: the connection to the agent.
        stage: the screen.
        now: returns the current time in the PC's time zone.
    """

    def __init__(self, presenter: Presenter, link: Link, stage: Stage, now: Callable[[], datetime]) -> None:
        self._presenter = presenter
        self._link = link
        self._stage = stage
        self._now = now
        self._events: queue.SimpleQueue[s.AnyEvent | _WindowClosed | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._request: Window | None = None
        self._table: dict[type[s.AnyAction], Callable[[Any], None]] = {
            s.OpenRequest: self._open_request,
            s.CloseRequest: lambda _: self._close_request(),
            s.BringRequestToFront: lambda _: self._request.bring_to_front() if self._request else None,
            s.AskPassword: lambda action: self._start_thread(self._ask_password, action),
            s.AskQuestion: self._ask,
            s.SendToAgent: lambda action: self._start_thread(self._send_to_agent, action),
            s.ShowMissedNotices: lambda action: self._start_thread(self._show_missed_notices, action),
            s.ShowPages: lambda action: self._start_thread(self._show_pages, action),
            s.Balloon: self._balloon,
            s.ShowIcon: lambda action: stage.show_icon(action.tip),
            s.HideIcon: lambda _: stage.hide_icon(),
        }

    def post(self, event: s.AnyEvent) -> None:
        """Queue an event. Any thread may call this."""
        self._events.put(event)

    def stop(self) -> None:
        """Make `run` return. Any thread may call this."""
        self._link.stop()
        self._events.put(None)

    def menu(self) -> list[Entry]:
        """Return the entries of the tray menu. Any thread may call this."""
        with self._lock:
            return self._presenter.menu(self._now())

    def run(self) -> None:
        """Handle the agent's and the customer's events until `stop` is called."""
        self._start_thread(self._link.watch, self.post)
        while (event := self._next()) is not None:
            if isinstance(event, _WindowClosed):
                if event.window is not self._request:
                    continue
                self._request = None
                event = event.event
            for action in self._decide(event):
                self._perform(action)
        self._close_request()

    def _next(self) -> s.AnyEvent | _WindowClosed | None:
        try:
            return self._events.get(
                timeout=SCREEN_CHECK_INTERVAL if self._presenter.needs_screen_checks else None
            )
        except queue.Empty:
            return s.ScreenChecked()

    def _decide(self, event: s.AnyEvent) -> list[s.AnyAction]:
        with self._lock:
            return self._presenter.handle(event, self._stage.read_screen(), self._now())

    def _perform(self, action: s.AnyAction) -> None:
        try:
            self._table[type(action)](action)
        except PortError as error:
            log.error("action %s failed: %s", type(action).__name__, error)

    def _start_thread(self, target: Callable[[Any], None], subject: object) -> None:
        threading.Thread(target=target, args=(subject,), daemon=True).start()

    # --- the request ------------------------------------------------------------------

    def _open_request(self, action: s.OpenRequest) -> None:
        content = action.window
        window = self._stage.window(content.title, content.content, content.buttons, guarded=True)

        def to_event(number: int | None) -> s.AnyEvent:
            return s.RequestAnswered(action.request, "closed" if number is None else ANSWERS[number])

        self._show_request_window(window, to_event, not_shown=s.RequestNotShown(action.request))

    def _ask(self, action: s.AskQuestion) -> None:
        window = self._stage.window(action.title, action.text, action.choices)

        def to_event(number: int | None) -> s.AnyEvent:
            return s.ChoiceMade(action.request, action.question, number)

        self._show_request_window(window, to_event, not_shown=to_event(None))

    def _show_request_window(
        self, window: Window, to_event: Callable[[int | None], s.AnyEvent], *, not_shown: s.AnyEvent
    ) -> None:
        def show(_: object) -> None:
            try:
                event = to_event(window.run())
            except PortError as error:
                log.error("cannot show a window of the request: %s", error)
                event = not_shown
            self._events.put(_WindowClosed(window, event))

        self._request = window
        self._start_thread(show, None)

    def _close_request(self) -> None:
        if self._request is not None:
            self._request.close()
            self._request = None

    def _ask_password(self, action: s.AskPassword) -> None:
        item = action.item
        try:
            entered = self._stage.password(f"{item.domain}\\{item.user}", action.title, action.text)
        except PortError as error:
            entered = PasswordInput(problem=str(error))
        self.post(self._send_password(item.request, entered))

    def _send_password(self, request: str, entered: PasswordInput) -> s.PasswordEntered:
        """Send the password to the agent, then overwrite it."""
        if entered.problem or not entered.secret:
            return s.PasswordEntered(request, problem=entered.problem or "blank")
        try:
            allow = RequestAllow(request=request, entered=entered.user)
            return s.PasswordEntered(
                request, self._link.send(allow, entered.secret, timeout=PASSWORD_CHECK_SECONDS)
            )
        finally:
            wipe(entered.secret)

    # --- everything else ----------------------------------------------------------------

    def _send_to_agent(self, action: s.SendToAgent) -> None:
        self.post(s.AgentReplied(action.request, self._link.send(action.request)))

    def _show_missed_notices(self, action: s.ShowMissedNotices) -> None:
        try:
            self._stage.window(action.title, action.text).run()
        except PortError as error:
            # Do not close the notices at the agent: the companion shows them again at the next sign-in.
            log.error("cannot show the missed notices: %s", error)
            return
        self.post(s.MissedNoticesClosed())

    def _show_pages(self, action: s.ShowPages) -> None:
        with suppress(PortError):
            self._browse(action)

    def _browse(self, action: s.ShowPages) -> None:
        index = 0
        while True:
            links = [
                (word, to)
                for word, to in ((action.older, index + 1), (action.newer, index - 1))
                if 0 <= to < len(action.pages)
            ]
            window = self._stage.window(action.title, action.pages[index], [word for word, _ in links])
            number = window.run()
            if number is None:
                return
            index = links[number][1]

    def _balloon(self, action: s.Balloon) -> None:
        self._stage.balloon(action.text)
        timer = threading.Timer(BALLOON_SECONDS, self.post, (s.BalloonExpired(action.number),))
        timer.daemon = True
        timer.start()
