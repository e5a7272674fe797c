# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a companion together and runs it: the parts of the product, unless told otherwise."""

from __future__ import annotations

import locale
import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from ctypes import c_void_p
from datetime import datetime
from typing import Any, NamedTuple

import win32api
import win32event
import winerror

from latchkey_agent.companion import wording
from latchkey_agent.companion.agent_link import Link
from latchkey_agent.companion.director import Director, Typed
from latchkey_agent.companion.presenter import Presenter
from latchkey_agent.companion.screen import password, screen_state
from latchkey_agent.companion.screen.dialog import Dialog
from latchkey_agent.companion.screen.tray import Tray
from latchkey_agent.companion.steps import Screen
from latchkey_agent.stream import Stream
from latchkey_agent.windows import crash, names
from latchkey_agent.windows.pipes import client_stream
from latchkey_agent.windows.ports.clock import WindowsClock
from latchkey_agent.windows.win32 import desktop_api as api
from latchkey_agent.windows.win32.failures import doing

log = logging.getLogger(__name__)
_DEFAULT: Any = None
PER_MONITOR_AWARE_V2 = -4
"""DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2 (windef.h): windows are drawn sharp at every scale."""


def connect(limit: float) -> AbstractContextManager[Stream]:
    """Connect to the customer pipe; raises OSError."""
    return client_stream.connect(names.PIPE_CUSTOMER, limit=limit)


def ui_language() -> str:
    """Return the language of the customer's Windows, as `de` or `en`."""
    tag = locale.windows_locale.get(api.GetUserDefaultUILanguage(), "en")
    return wording.language_of(tag.replace("_", "-"))


class WindowsStage:
    """director.Stage on Windows. The tray belongs to the thread that makes it."""

    def __init__(self, language: str) -> None:
        self._caption = wording.say("caption", language)
        self.tray: Tray | None = None

    def look(self) -> Screen:
        """Return what the screen is doing."""
        return screen_state.look()

    def window(self, title: str, text: str, links: Sequence[str] = (), *, guarded: bool = False) -> Dialog:
        """Make a task dialog."""
        return Dialog(self._caption, title, text, links, guarded=guarded)

    def password(self, user: str, title: str, text: str) -> Typed:
        """Show Windows' password dialog."""
        return password.prompt(user, title, text)

    def show_icon(self, tip: str) -> None:
        """Show the icon by the clock."""
        if self.tray is not None:
            self.tray.show(tip)

    def hide_icon(self) -> None:
        """Take it away."""
        if self.tray is not None:
            self.tray.hide()

    def balloon(self, text: str) -> None:
        """Show a notice at the icon; raises PortError."""
        if self.tray is not None:
            self.tray.balloon(text)


class Parts(NamedTuple):
    """What a companion is made of.

    Attributes:
        stage: shows things, in a language.
        connect: opens a connection to the agent.
        language: returns that of the customer's Windows.
        mutex: by its name a second companion of the session finds the first.
    """

    stage: Callable[[str], WindowsStage] = WindowsStage
    connect: Callable[[float], AbstractContextManager[Stream]] = connect
    language: Callable[[], str] = ui_language
    mutex: str = names.COMPANION_MUTEX


def run(parts: Parts | None = None) -> int:
    """Run a companion until its session ends; return the exit code: 0 also where one runs already.

    Raises:
        PortError: Windows lacks or refuses something.
    """
    # First: from Windows' password dialog until the agent answers, the password is in this process.
    crash.keep_heap_out_of_reports()
    parts = parts or Parts()
    with doing(f"making the mutex {parts.mutex}"):
        mutex = win32event.CreateMutex(_DEFAULT, False, parts.mutex)  # noqa: FBT003 - positional in Windows
    if win32api.GetLastError() == winerror.ERROR_ALREADY_EXISTS:
        return 0
    with doing("switching to sharp windows"):
        api.SetProcessDpiAwarenessContext(c_void_p(PER_MONITOR_AWARE_V2))
    _work(parts)
    mutex.Close()
    return 0


def _end_at_once(fault: threading.ExceptHookArgs) -> None:
    """End the companion when one of its threads fails: half of one would ask and not answer."""
    log.critical("a thread of the companion failed", exc_info=fault.exc_value)
    os._exit(1)


def _work(parts: Parts) -> None:
    threading.excepthook = _end_at_once
    language, clock = parts.language(), WindowsClock()

    def now() -> datetime:
        return clock.now().astimezone(clock.zone())

    stage = parts.stage(language)
    director = Director(Presenter(language, now()), Link(parts.connect), stage, now)
    stage.tray = Tray(wording.say("caption", language), director.menu, director.post)
    thinking = threading.Thread(target=director.run, name="director", daemon=True)
    thinking.start()
    stage.tray.run()
    director.stop()
    thinking.join(timeout=2)
