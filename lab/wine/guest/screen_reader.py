# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the screen: each line of standard input requests `windows` or `focus`; a line of JSON answers.

A window has its title, its class and its texts, a menu its lines. The program never
reads the text of a password field, only its length.
"""

from __future__ import annotations

import ctypes
import json
import sys
from contextlib import suppress
from typing import Any, ClassVar

import pywintypes
import win32con
import win32gui

from lab.wine.screen_report import Focus, ScreenWindow

ES_PASSWORD = 0x20
MENU_CLASS = "#32768"
MN_GETHMENU = 0x1E1
PATIENCE = 500
"""Milliseconds that a window may take to return its text."""


class GuiThreadInfo(ctypes.Structure):
    """GUITHREADINFO (winuser.h)."""

    _fields_: ClassVar[Any] = (
        ("size", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("active", ctypes.c_void_p),
        ("focus", ctypes.c_void_p),
        ("capture", ctypes.c_void_p),
        ("menu_owner", ctypes.c_void_p),
        ("move_size", ctypes.c_void_p),
        ("caret", ctypes.c_void_p),
        ("caret_place", ctypes.c_int32 * 4),
    )


def windows() -> list[ScreenWindow]:
    """Return every window on the screen, the foremost first."""
    found: list[int] = []
    win32gui.EnumWindows(lambda window, _: found.append(window), None)
    return [shown for window in found if win32gui.IsWindowVisible(window) and (shown := _window(window))]


def _window(window: int) -> ScreenWindow | None:
    # A window may close while it is read.
    with suppress(pywintypes.error):
        kind = win32gui.GetClassName(window) or ""
        texts = _menu(window) if kind == MENU_CLASS else _parts(window)
        return ScreenWindow(_text(window), kind, texts, win32gui.GetWindowRect(window))
    return None


def _parts(window: int) -> list[str]:
    parts: list[int] = []
    with suppress(pywintypes.error):
        win32gui.EnumChildWindows(window, lambda part, _: parts.append(part), None)
    return [text for part in parts if win32gui.IsWindowVisible(part) and (text := _text(part))]


def _text(window: int) -> str:
    if _hides(window):
        return ""
    buffer = ctypes.create_unicode_buffer(4096)
    return buffer.value if _ask(window, win32con.WM_GETTEXT, 4096, buffer) else ""


def _hides(window: int) -> bool:
    kind = (win32gui.GetClassName(window) or "").lower()
    return kind == "edit" and bool(win32gui.GetWindowLong(window, win32con.GWL_STYLE) & ES_PASSWORD)


def _ask(window: int, message: int, first: int = 0, second: object = None) -> int:
    answer = ctypes.c_size_t(0)
    send: Any = ctypes.windll.user32.SendMessageTimeoutW
    asked = ctypes.c_void_p(window), message, ctypes.c_void_p(first), second
    send(*asked, win32con.SMTO_ABORTIFHUNG, PATIENCE, ctypes.byref(answer))
    return answer.value


def _menu(window: int) -> list[str]:
    menu, user32 = ctypes.c_void_p(_ask(window, MN_GETHMENU)), _user32()
    lines = []
    for number in range(user32.GetMenuItemCount(menu)):
        buffer = ctypes.create_unicode_buffer(512)
        user32.GetMenuStringW(menu, number, buffer, 512, win32con.MF_BYPOSITION)
        lines.append(buffer.value)
    return lines


def _user32() -> Any:  # noqa: ANN401 - a library
    return ctypes.windll.user32


def focus() -> Focus:
    """Return the keyboard focus."""
    found = GuiThreadInfo(size=ctypes.sizeof(GuiThreadInfo))
    # A window may close while it is read.
    with suppress(pywintypes.error):
        if _user32().GetGUIThreadInfo(0, ctypes.byref(found)) and found.active and found.focus:
            typed = _ask(found.focus, win32con.WM_GETTEXTLENGTH) if _hides(found.focus) else -1
            return Focus(_text(found.active), _text(found.focus), typed)
    return Focus("", "", -1)


TELLS = {"windows": windows, "focus": focus}


if __name__ == "__main__":
    for _line in sys.stdin:
        print(json.dumps(TELLS[_line.strip()]()), flush=True)
