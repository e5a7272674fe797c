# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Assembles a companion and runs it."""

from __future__ import annotations

import locale
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from ctypes import c_void_p
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import win32api
import win32event
import winerror

from latchkey_agent.companion import wording
from latchkey_agent.companion.agent_link import Link
from latchkey_agent.companion.director import Director, PasswordInput
from latchkey_agent.companion.presenter import Presenter
from latchkey_agent.companion.screen import password, screen_state
from latchkey_agent.companion.screen.dialog import Dialog
from latchkey_agent.companion.screen.tray import Tray
from latchkey_agent.companion.steps import Screen
from latchkey_agent.stream import Stream
from latchkey_agent.windows import crash, names
from latchkey_agent.windows.pipes import client_stream
from latchkey_agent.windows.ports.windows_clock import WindowsClock
from latchkey_agent.windows.win32 import desktop_api as api
from latchkey_agent.windows.win32.failures import doing

log = logging.getLogger(__name__)
_DEFAULT: Any = None
PER_MONITOR_AWARE_V2 = -4
"""DPI_AWARENESS_CONTEXT_PER_MONITOR_AWARE_V2 (windef.h): Windows draws sharp text at every scale."""


def connect(limit: float) -> AbstractContextManager[Stream]:
    """Connect to the customer pipe.

    Args:
        limit: the connection's time limit in seconds.

    Raises:
        OSError: the agent is not running or refuses.
    """
    return client_stream.connect(names.PIPE_CUSTOMER, limit=limit)


def ui_language() -> str:
    """Return the language of the customer's Windows, as `de` or `en`."""
    tag = locale.windows_locale.get(api.GetUserDefaultUILanguage(), "en")
    return wording.language_of(tag.replace("_", "-"))


def installed_package() -> object:
    """Return a value that differs for each package that is installed; None while there is none.

    The installer gives each file the date of its package.
    """
    try:
        found = Path(sys.executable).with_name(names.AGENT_ARCHIVE).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def launch() -> None:
    """Start the installed companion; raises OSError."""
    subprocess.Popen([sys.executable, "-I", "-B", "-m", names.COMPANION_MODULE])


class WindowsStage:
    """Implements director.Stage on Windows. The tray belongs to the thread that creates it."""

    def __init__(self, language: str) -> None:
        self._caption = wording.text("caption", language)
        self.tray: Tray | None = None

    def read_screen(self) -> Screen:
        """Return the state of the screen."""
        return screen_state.read_screen()

    def window(self, title: str, text: str, links: Sequence[str] = (), *, guarded: bool = False) -> Dialog:
        """Create a task dialog."""
        return Dialog(self._caption, title, text, links, guarded=guarded)

    def password(self, user: str, title: str, text: str) -> PasswordInput:
        """Show Windows' password dialog."""
        return password.prompt(user, title, text)

    def show_icon(self, tip: str) -> None:
        """Show the tray icon."""
        if self.tray is not None:
            self.tray.show(tip)

    def hide_icon(self) -> None:
        """Hide the tray icon."""
        if self.tray is not None:
            self.tray.hide()

    def balloon(self, text: str) -> None:
        """Show a balloon at the tray icon; raises PortError."""
        if self.tray is not None:
            self.tray.balloon(text)


class Parts(NamedTuple):
    """The parts of a companion.

    Attributes:
        stage: creates the screen for a language.
        connect: opens a connection to the agent.
        language: returns the language of the customer's Windows.
        mutex: the name of the mutex that allows one companion in a session.
        package: returns a value that differs for each installed package; None while there is none.
        launch: starts the installed companion.
    """

    stage: Callable[[str], WindowsStage] = WindowsStage
    connect: Callable[[float], AbstractContextManager[Stream]] = connect
    language: Callable[[], str] = ui_language
    mutex: str = names.COMPANION_MUTEX
    package: Callable[[], object] = installed_package
    launch: Callable[[], None] = launch


def run(parts: Parts | None = None) -> int:
    """Run a companion until its session ends, or until an upgrade has replaced its files.

    After an upgrade it could no longer load a part of itself, and the agent might not understand it. So it starts the
    companion of the new package and ends.

    Args:
        parts: the companion's parts; None for those of the product.

    Returns:
        The exit code: 0, also if the session already has a companion.

    Raises:
        PortError: Windows lacks a function or refuses a call.
        OSError: Windows cannot start the companion of the new package.
    """
    # This must come first: the password is in this process from Windows' dialog until the agent answers.
    crash.keep_heap_out_of_reports()
    parts = parts or Parts()
    with doing(f"creating the mutex {parts.mutex}"):
        mutex = win32event.CreateMutex(_DEFAULT, False, parts.mutex)  # noqa: FBT003 - positional in Windows
    if win32api.GetLastError() == winerror.ERROR_ALREADY_EXISTS:
        return 0
    with doing("setting the DPI awareness"):
        api.SetProcessDpiAwarenessContext(c_void_p(PER_MONITOR_AWARE_V2))
    is_replaced = _work(parts)
    mutex.Close()
    if is_replaced:
        parts.launch()
    return 0


def _end_at_once(fault: threading.ExceptHookArgs) -> None:
    """End the companion when one of its threads fails: it could show a request but not send the answer."""
    log.critical("a thread of the companion failed", exc_info=fault.exc_value)
    os._exit(1)


def _work(parts: Parts) -> bool:
    """Run until the session ends; return whether the files were replaced instead."""
    threading.excepthook = _end_at_once
    package, replaced = parts.package(), threading.Event()
    language, clock = parts.language(), WindowsClock()

    def now() -> datetime:
        return clock.now().astimezone(clock.zone())

    def agent_returned() -> None:
        # An upgrade starts the service last.
        if stage.tray is not None and parts.package() not in {package, None}:
            replaced.set()
            stage.tray.close()

    stage = parts.stage(language)
    link = Link(parts.connect, agent_returned)
    director = Director(Presenter(language, now()), link, stage, now)
    stage.tray = Tray(wording.text("caption", language), director.menu, director.post)
    director_thread = threading.Thread(target=director.run, name="director", daemon=True)
    director_thread.start()
    stage.tray.run()
    director.stop()
    director_thread.join(timeout=2)
    return replaced.is_set()
