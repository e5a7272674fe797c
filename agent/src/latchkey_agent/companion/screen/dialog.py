# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows Windows' task dialog ("TaskDialogIndirect function", Microsoft Learn).

Windows draws and scales the dialog and makes it accessible to screen readers.
Texts are plain: hyperlinks are disabled.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import byref, c_int32, c_void_p

import pywintypes
import win32api
import win32con
import win32gui

from latchkey_agent.companion.guard import Guard
from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32 import desktop_api as api
from latchkey_agent.windows.win32.failures import refused

TDF_ALLOW_DIALOG_CANCELLATION = 0x8
TDF_USE_COMMAND_LINKS = 0x10
TDF_CALLBACK_TIMER = 0x800
TDCBF_OK_BUTTON, TDCBF_CLOSE_BUTTON = 0x1, 0x20
TDN_CREATED, TDN_BUTTON_CLICKED, TDN_DESTROYED = 0, 2, 5
TDM_CLICK_BUTTON = win32con.WM_USER + 102
TD_INFORMATION_ICON = 0xFFFD
IDOK, IDCANCEL, IDCLOSE = 1, 2, 8
WH_GETMESSAGE = 3
S_OK, S_FALSE = 0, 1
FIRST_LINK = 100
WIDTH, WIDE = 280, 400
"""Widths in dialog units, which grow with the font."""


class Dialog:
    """One window with a title, a text and links to choose from. Without links it has an OK button.

    Args:
        caption: the window's caption.
        title: the main instruction; empty for none.
        text: the content.
        links: the choices; closing the window chooses none of them.
        guarded: whether `guard` filters the input. Such a dialog is wide, and has its choices side by side.
    """

    def __init__(
        self, caption: str, title: str, text: str, links: Sequence[str] = (), *, guarded: bool = False
    ) -> None:
        self._texts = (caption, title, text)
        self._links = links
        self._guarded = guarded
        self._guard = Guard(time.monotonic())
        self._lock = threading.Lock()
        self._window = 0
        self._close_requested = False

    def run(self) -> int | None:
        """Show the dialog until the customer answers it or closes it.

        Returns:
            The number of the chosen link; None if the dialog was closed.

        Raises:
            PortError: Windows cannot show the dialog.
        """
        buttons = (api.TaskDialogButton * max(1, len(self._links)))(
            *(api.TaskDialogButton(FIRST_LINK + number, text) for number, text in enumerate(self._links))
        )
        config = self._config(buttons)
        pressed = c_int32()
        with self._keyboard_filter():
            code = api.TaskDialogIndirect(byref(config), byref(pressed), None, None)
        if code != S_OK:
            msg = "showing a window"
            raise refused(msg, code & 0xFFFF)
        return pressed.value - FIRST_LINK if pressed.value >= FIRST_LINK else None

    def _config(self, buttons: ctypes.Array[api.TaskDialogButton]) -> api.TaskDialogConfig:
        caption, title, text = self._texts
        config = api.TaskDialogConfig()
        config.size = ctypes.sizeof(config)
        config.flags = TDF_ALLOW_DIALOG_CANCELLATION
        config.title, config.instruction, config.content = caption, title or None, text
        config.icon = TD_INFORMATION_ICON
        config.common_buttons, config.default_button = TDCBF_OK_BUTTON, IDOK
        config.width = WIDE if self._guarded else WIDTH
        if self._links:
            config.flags |= 0 if self._guarded else TDF_USE_COMMAND_LINKS
            config.common_buttons, config.default_button = TDCBF_CLOSE_BUTTON, IDCLOSE
            config.button_count, config.buttons = len(self._links), buttons
        config.callback = api.TaskDialogCallback(self._on_notification)
        return config

    # --- from any thread ----------------------------------------------------------

    def close(self) -> None:
        """Close the dialog; `run` then returns None."""
        with self._lock:
            self._close_requested = True
            if self._window:
                win32gui.PostMessage(self._window, TDM_CLICK_BUTTON, IDCANCEL, 0)

    def bring_to_front(self) -> None:
        """Bring the dialog to the front."""
        with self._lock, suppress(pywintypes.error):
            if self._window:
                win32gui.SetForegroundWindow(self._window)

    # --- from Windows, in the thread of `run` ---------------------------------------

    def _on_notification(self, window: int, notification: int, button: int, _detail: int, _data: int) -> int:
        if notification == TDN_CREATED:
            self._created(window)
        elif notification == TDN_DESTROYED:
            with self._lock:
                self._window = 0
        elif notification == TDN_BUTTON_CLICKED and not self._click_counts():
            return S_FALSE
        return S_OK

    def _created(self, window: int) -> None:
        self._guard = Guard(time.monotonic())
        with self._lock:
            self._window = window
            if self._close_requested:
                win32gui.PostMessage(window, TDM_CLICK_BUTTON, IDCANCEL, 0)

    def _click_counts(self) -> bool:
        return self._close_requested or not self._guarded or self._guard.allows_answer(time.monotonic())

    @contextmanager
    def _keyboard_filter(self) -> Iterator[None]:
        procedure = api.HookProcedure(self._filter_message)
        hook = api.SetWindowsHookExW(WH_GETMESSAGE, procedure, None, win32api.GetCurrentThreadId())
        if not hook:
            msg = "Windows refused the keyboard hook of the window, so the window is not shown"
            raise PortError(msg)
        try:
            yield
        finally:
            api.UnhookWindowsHookEx(hook)

    def _allows_message(self, message: int, key: int) -> bool:
        if message == win32con.WM_KEYDOWN and key == win32con.VK_ESCAPE:
            # Windows closes the dialog itself. Wine does so only if the dialog has a cancel button.
            win32gui.PostMessage(self._window, TDM_CLICK_BUTTON, IDCANCEL, 0)
            return False
        return not self._guarded or self._guard.allows_message(message, key, time.monotonic())

    def _filter_message(self, code: int, removed: int, address: int) -> int:
        if code >= 0 and removed:
            message = api.Message.from_address(address)
            if not self._allows_message(message.message, message.wparam):
                message.message = win32con.WM_NULL
        return api.CallNextHookEx(None, code, removed, c_void_p(address).value or 0)
