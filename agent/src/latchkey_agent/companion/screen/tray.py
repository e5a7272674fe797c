# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the tray icon and its menu ("Notifications and the Notification Area", Microsoft Learn).

A hidden window receives the messages of the icon and of the session. Its
thread does nothing else.
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
from latchkey_agent.companion.steps import AnyEvent, ScreenChecked
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
ADD_RETRY_SECONDS = 5.0
"""Seconds until the icon is added again after Windows refused it."""
MAX_TIP, MAX_INFO, MAX_TITLE = 127, 255, 63


class Tray:
    """The tray icon. Any thread may call its methods, except `run`.

    Args:
        title: the title of balloons.
        menu: returns the entries of the menu.
        post: called with each event.
    """

    def __init__(self, title: str, menu: Callable[[], list[Entry]], post: Callable[[AnyEvent], None]) -> None:
        self._title = title
        self._menu = menu
        self._post = post
        self._tip = ""
        self._retry_pending = False
        self._entries: list[Entry] = []
        with doing("creating the companion's window"):
            self._taskbar_created = win32gui.RegisterWindowMessage("TaskbarCreated")
            self._window = self._make_window()
            self._icon = key_icon()

    def _make_window(self) -> int:
        kind: Any = win32gui.WNDCLASS()
        kind.lpszClassName = WINDOW_CLASS
        kind.hInstance = win32api.GetModuleHandle(None)
        kind.lpfnWndProc = self._on_message
        name = win32gui.RegisterClass(kind)
        window: int = win32gui.CreateWindow(
            name, WINDOW_CLASS, 0, 0, 0, 0, 0, 0, 0, kind.hInstance, None
        )  # fmt: skip
        if not window:
            # Wine without a screen creates no window and reports no error.
            msg = "Windows created no window for the companion: there is no desktop"
            raise PortError(msg)
        return window

    def run(self) -> None:
        """Process the window's messages until the session ends or `close` is called.

        Only the thread that created the window may call this.
        """
        # Windows may refuse early at sign-in. The companion then polls the screen while a request waits.
        with suppress(pywintypes.error):
            win32ts.WTSRegisterSessionNotification(self._window, win32ts.NOTIFY_FOR_THIS_SESSION)
        win32gui.PumpMessages()

    def close(self) -> None:
        """Remove icon and window; `run` then returns."""
        win32gui.PostMessage(self._window, win32con.WM_CLOSE, 0, 0)

    # --- the icon ---------------------------------------------------------------------

    def show(self, tip: str) -> None:
        """Show the icon, or change its tip.

        Windows may refuse for a while, for example at sign-in. The icon is then added later.
        """
        was, self._tip = self._tip, tip[:MAX_TIP]
        if not was or not self._notify(NIM_MODIFY, NIF_TIP | NIF_SHOWTIP):
            self._add()

    def _add(self) -> None:
        if self._notify(NIM_ADD, NIF_MESSAGE | NIF_ICON | NIF_TIP | NIF_SHOWTIP):
            self._notify(NIM_SETVERSION, 0)
        elif not self._retry_pending:
            self._retry_pending = True
            timer = threading.Timer(ADD_RETRY_SECONDS, self._retry_add)
            timer.daemon = True
            timer.start()

    def _retry_add(self) -> None:
        """Add the icon again: without it the customer cannot revoke.

        A taskbar that was slow to answer may already have the icon.
        """
        self._retry_pending = False
        if self._tip and self._notify(NIM_MODIFY, NIF_TIP | NIF_SHOWTIP):
            self._notify(NIM_SETVERSION, 0)
        elif self._tip:
            self._add()

    def hide(self) -> None:
        """Hide the icon."""
        self._tip = ""
        self._notify(NIM_DELETE, 0)

    def balloon(self, text: str) -> None:
        """Show a balloon at the icon.

        Raises:
            PortError: Windows refuses, for example because there is no taskbar.
        """
        shown = text if len(text) <= MAX_INFO else f"{text[: MAX_INFO - 1]}…"
        if not self._notify(NIM_MODIFY, NIF_INFO, shown):
            msg = "Windows did not show the notice: there is no tray icon"
            raise PortError(msg)

    def _notify(self, operation: int, flags: int, info: str = "") -> bool:
        data = api.NotifyIconData(
            size=ctypes.sizeof(api.NotifyIconData), window=self._window, number=NUMBER, flags=flags,
            message=CALLBACK, icon=self._icon, tip=self._tip, version=NOTIFYICON_VERSION_4, info=info,
            info_title=self._title[:MAX_TITLE], info_flags=NIIF_INFO,
        )  # fmt: skip
        return bool(api.Shell_NotifyIconW(operation, byref(data)))

    # --- from Windows -------------------------------------------------------------------

    def _on_message(self, window: int, message: int, wparam: int, lparam: int) -> int:
        if message == CALLBACK:
            if win32api.LOWORD(lparam) in OPENS_MENU:
                self._open_menu()
        elif message == win32con.WM_COMMAND:
            self._menu_picked(win32api.LOWORD(wparam))
        elif message == self._taskbar_created and self._tip:
            self._add()
        elif message == WM_WTSSESSION_CHANGE:
            self._post(ScreenChecked())
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
        # Without SetForegroundWindow and WM_NULL the menu would stay open ("TrackPopupMenu function", remarks).
        with suppress(pywintypes.error):
            # Windows may refuse this call. The menu still opens.
            win32gui.SetForegroundWindow(self._window)
        gui.TrackPopupMenu(menu, win32con.TPM_RIGHTBUTTON, *at, 0, self._window, None)
        win32gui.PostMessage(self._window, win32con.WM_NULL, 0, 0)
        gui.DestroyMenu(menu)

    def _menu_picked(self, command: int) -> None:
        number = command - FIRST_COMMAND
        if 0 <= number < len(self._entries) and (picked := self._entries[number].picked):
            self._post(picked)


def _flags(entry: Entry) -> int:
    if entry == SEPARATOR:
        return win32con.MF_SEPARATOR
    return win32con.MF_STRING | (0 if entry.picked else win32con.MF_GRAYED)
