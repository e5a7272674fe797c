# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The icon by the clock with its menu, and what Windows tells a session ("Notifications and the Notification Area").

A hidden window of its own receives it all; its thread only looks after that.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from contextlib import suppress
from ctypes import byref
from typing import Any

import pywintypes
import win32api
import win32con
import win32gui
import win32ts

from latchkey_agent.companion.menu import SEPARATOR, Entry
from latchkey_agent.companion.screen.icon import key_icon
from latchkey_agent.companion.steps import AnyInput, Seen
from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32 import desktop_api as api
from latchkey_agent.windows.win32.failures import doing

WINDOW_CLASS = "LatchkeyCompanion"
NUMBER = 1
CALLBACK = win32con.WM_APP + 1
WM_WTSSESSION_CHANGE = 0x2B1
NIM_ADD, NIM_MODIFY, NIM_DELETE, NIM_SETVERSION = 0, 1, 2, 4
NIF_MESSAGE, NIF_ICON, NIF_TIP, NIF_INFO, NIF_SHOWTIP = 0x1, 0x2, 0x4, 0x10, 0x80
NIIF_INFO = 0x1
NOTIFYICON_VERSION_4 = 4
NIN_SELECT, NIN_KEYSELECT = win32con.WM_USER, win32con.WM_USER + 1
OPENS_MENU = frozenset({NIN_SELECT, NIN_KEYSELECT, win32con.WM_CONTEXTMENU})
FIRST_COMMAND = 100
ADD_AGAIN = 5.0
"""Seconds until an icon that Windows did not take is shown again."""
MAX_TIP, MAX_INFO, MAX_TITLE = 127, 255, 63


class Tray:
    """The icon. All methods but `run` may be called from any thread.

    Args:
        title: stands above notices.
        menu: returns the menu's lines.
        post: takes what happens.
    """

    def __init__(self, title: str, menu: Callable[[], list[Entry]], post: Callable[[AnyInput], None]) -> None:
        self._title = title
        self._menu = menu
        self._post = post
        self._tip = ""
        self._waits = False
        self._entries: list[Entry] = []
        with doing("making the companion's window"):
            self._taskbar_created = win32gui.RegisterWindowMessage("TaskbarCreated")
            self._window = self._make_window()
            self._icon = key_icon()

    def _make_window(self) -> int:
        kind: Any = win32gui.WNDCLASS()
        kind.lpszClassName = WINDOW_CLASS
        kind.hInstance = win32api.GetModuleHandle(None)
        kind.lpfnWndProc = self._received
        name = win32gui.RegisterClass(kind)
        window: int = win32gui.CreateWindow(
            name, WINDOW_CLASS, 0, 0, 0, 0, 0, 0, 0, kind.hInstance, None
        )  # fmt: skip
        if not window:
            # Wine without a screen makes none and gives no reason.
            msg = "Windows makes no window for the companion: there is no snapshot"
            raise PortError(msg)
        return window

    def run(self) -> None:
        """Look after the window until the session ends or `close` is called; in the thread that made it."""
        # Where Windows refuses, as early at sign-in, the screen is looked at again while something is asked.
        with suppress(pywintypes.error):
            win32ts.WTSRegisterSessionNotification(self._window, win32ts.NOTIFY_FOR_THIS_SESSION)
        win32gui.PumpMessages()

    def close(self) -> None:
        """Take icon and window away; `run` then returns."""
        win32gui.PostMessage(self._window, win32con.WM_CLOSE, 0, 0)

    # --- the icon ---------------------------------------------------------------------

    def show(self, tip: str) -> None:
        """Show the icon, or change its tip. Windows may refuse for a moment, as at sign-in; it is shown later."""
        was, self._tip = self._tip, tip[:MAX_TIP]
        if not was or not self._notify(NIM_MODIFY, NIF_TIP | NIF_SHOWTIP):
            self._add()

    def _add(self) -> None:
        if self._notify(NIM_ADD, NIF_MESSAGE | NIF_ICON | NIF_TIP | NIF_SHOWTIP):
            self._notify(NIM_SETVERSION, 0)
        elif not self._waits:
            self._waits = True
            timer = threading.Timer(ADD_AGAIN, self._add_again)
            timer.daemon = True
            timer.start()

    def _add_again(self) -> None:
        """Without the icon nothing can be taken back. A taskbar that was too slow to answer may have it already."""
        self._waits = False
        if self._tip and self._notify(NIM_MODIFY, NIF_TIP | NIF_SHOWTIP):
            self._notify(NIM_SETVERSION, 0)
        elif self._tip:
            self._add()

    def hide(self) -> None:
        """Take the icon away."""
        self._tip = ""
        self._notify(NIM_DELETE, 0)

    def balloon(self, text: str) -> None:
        """Show a notice at the icon.

        Raises:
            PortError: Windows refuses, as where there is no taskbar.
        """
        shown = text if len(text) <= MAX_INFO else f"{text[: MAX_INFO - 1]}…"
        if not self._notify(NIM_MODIFY, NIF_INFO, shown):
            msg = "Windows shows no notice: there is no icon by the clock"
            raise PortError(msg)

    def _notify(self, what: int, flags: int, info: str = "") -> bool:
        data = api.NotifyIconData(
            size=ctypes.sizeof(api.NotifyIconData), window=self._window, number=NUMBER, flags=flags,
            message=CALLBACK, icon=self._icon, tip=self._tip, version=NOTIFYICON_VERSION_4, info=info,
            info_title=self._title[:MAX_TITLE], info_flags=NIIF_INFO,
        )  # fmt: skip
        return bool(api.Shell_NotifyIconW(what, byref(data)))

    # --- from Windows -------------------------------------------------------------------

    def _received(self, window: int, message: int, wparam: int, lparam: int) -> int:
        if message == CALLBACK:
            if win32api.LOWORD(lparam) in OPENS_MENU:
                self._open_menu()
        elif message == win32con.WM_COMMAND:
            self._picked(win32api.LOWORD(wparam))
        elif message == self._taskbar_created and self._tip:
            self._add()
        elif message == WM_WTSSESSION_CHANGE:
            self._post(Seen())
        elif message == win32con.WM_CLOSE or (message == win32con.WM_ENDSESSION and wparam):
            self.hide()
            win32gui.PostQuitMessage(0)
        else:
            answer: int = win32gui.DefWindowProc(window, message, wparam, lparam)
            return answer
        return 0

    def _open_menu(self) -> None:
        self._entries = self._menu()
        gui: Any = win32gui
        menu = gui.CreatePopupMenu()
        for number, entry in enumerate(self._entries):
            gui.AppendMenu(menu, _flags(entry), FIRST_COMMAND + number, entry.text.replace("&", "&&"))
        at = win32gui.GetCursorPos()
        # Without both the menu would not go away by itself ("TrackPopupMenu function", remarks).
        with suppress(pywintypes.error):
            # Windows may refuse it; the menu is shown all the same.
            win32gui.SetForegroundWindow(self._window)
        gui.TrackPopupMenu(menu, win32con.TPM_RIGHTBUTTON, *at, 0, self._window, None)
        win32gui.PostMessage(self._window, win32con.WM_NULL, 0, 0)
        gui.DestroyMenu(menu)

    def _picked(self, command: int) -> None:
        number = command - FIRST_COMMAND
        if 0 <= number < len(self._entries) and (picked := self._entries[number].picked):
            self._post(picked)


def _flags(entry: Entry) -> int:
    if entry == SEPARATOR:
        return win32con.MF_SEPARATOR
    return win32con.MF_STRING | (0 if entry.picked else win32con.MF_GRAYED)
