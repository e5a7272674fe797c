# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the windows on the screen: each line of standard input asks, a line of JSON answers.

A window is its title, its class and the texts in it, a menu its lines; what
is typed into a password field is never read.
"""

from __future__ import annotations

import ctypes
import json
import sys
from contextlib import suppress
from typing import Any

import pywintypes
import win32con
import win32gui

from lab.wine.seen import Seen

ES_PASSWORD = 0x20
MENU_CLASS = "#32768"
MN_GETHMENU = 0x1E1
PATIENCE = 500
"""Milliseconds that a window may take to tell its text."""


def windows() -> list[Seen]:
    """Return every window on the screen, the foremost first."""
    found: list[int] = []
    win32gui.EnumWindows(lambda window, _: found.append(window), None)
    return [seen for window in found if win32gui.IsWindowVisible(window) and (seen := _seen(window))]


def _seen(window: int) -> Seen | None:
    # A window may go while it is looked at.
    with suppress(pywintypes.error):
        kind = win32gui.GetClassName(window) or ""
        texts = _menu(window) if kind == MENU_CLASS else _parts(window)
        return Seen(_text(window), kind, texts, win32gui.GetWindowRect(window))
    return None


def _parts(window: int) -> list[str]:
    parts: list[int] = []
    with suppress(pywintypes.error):
        win32gui.EnumChildWindows(window, lambda part, _: parts.append(part), None)
    return [text for part in parts if win32gui.IsWindowVisible(part) and (text := _text(part))]


def _text(window: int) -> str:
    if win32gui.GetWindowLong(window, win32con.GWL_STYLE) & ES_PASSWORD and (
        (win32gui.GetClassName(window) or "").lower() == "edit"
    ):
        return ""
    buffer = ctypes.create_unicode_buffer(4096)
    send: Any = ctypes.windll.user32.SendMessageTimeoutW
    told = send(
        window, win32con.WM_GETTEXT, 4096, buffer, win32con.SMTO_ABORTIFHUNG, PATIENCE, None
    )  # fmt: skip
    return buffer.value if told else ""


def _menu(window: int) -> list[str]:
    user32: Any = ctypes.windll.user32
    user32.SendMessageW.restype = ctypes.c_void_p
    menu = user32.SendMessageW(window, MN_GETHMENU, 0, 0)
    lines = []
    for number in range(user32.GetMenuItemCount(ctypes.c_void_p(menu))):
        buffer = ctypes.create_unicode_buffer(512)
        user32.GetMenuStringW(ctypes.c_void_p(menu), number, buffer, 512, win32con.MF_BYPOSITION)
        lines.append(buffer.value)
    return lines


if __name__ == "__main__":
    for _line in sys.stdin:
        print(json.dumps(windows()), flush=True)
