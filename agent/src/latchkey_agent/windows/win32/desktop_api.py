# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declares the Windows functions for the companion's windows, in the same way as `api`. The same test compares them."""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_int32, c_uint16, c_uint32, c_void_p, c_wchar, c_wchar_p
from typing import Any, ClassVar

from .api import BOOL, DWORD, HANDLE, Function, Guid

LRESULT = WPARAM = LPARAM = ctypes.c_ssize_t
TaskDialogCallback = ctypes.WINFUNCTYPE(c_int32, HANDLE, c_uint32, ctypes.c_size_t, LPARAM, LPARAM)
HookProcedure = ctypes.WINFUNCTYPE(LRESULT, c_int32, ctypes.c_size_t, LPARAM)


class TaskDialogButton(ctypes.Structure):
    """TASKDIALOG_BUTTON (commctrl.h), packed without padding."""

    _pack_ = 1
    _fields_: ClassVar[Any] = (("number", c_int32), ("text", c_wchar_p))


class TaskDialogConfig(ctypes.Structure):
    """TASKDIALOGCONFIG (commctrl.h), packed without padding."""

    _pack_ = 1
    _fields_: ClassVar[Any] = (
        ("size", c_uint32),
        ("parent", HANDLE),
        ("instance", HANDLE),
        ("flags", c_int32),
        ("common_buttons", c_int32),
        ("title", c_wchar_p),
        ("icon", c_void_p),
        ("instruction", c_wchar_p),
        ("content", c_wchar_p),
        ("button_count", c_uint32),
        ("buttons", POINTER(TaskDialogButton)),
        ("default_button", c_int32),
        ("radio_button_count", c_uint32),
        ("radio_buttons", POINTER(TaskDialogButton)),
        ("default_radio_button", c_int32),
        ("verification", c_wchar_p),
        ("expanded", c_wchar_p),
        ("expanded_control", c_wchar_p),
        ("collapsed_control", c_wchar_p),
        ("footer_icon", c_void_p),
        ("footer", c_wchar_p),
        ("callback", TaskDialogCallback),
        ("callback_data", LPARAM),
        ("width", c_uint32),
    )


class NotifyIconData(ctypes.Structure):
    """NOTIFYICONDATAW (shellapi.h). `version` shares its memory with a timeout."""

    _fields_: ClassVar[Any] = (
        ("size", DWORD),
        ("window", HANDLE),
        ("number", c_uint32),
        ("flags", c_uint32),
        ("message", c_uint32),
        ("icon", HANDLE),
        ("tip", c_wchar * 128),
        ("state", DWORD),
        ("state_mask", DWORD),
        ("info", c_wchar * 256),
        ("version", c_uint32),
        ("info_title", c_wchar * 64),
        ("info_flags", DWORD),
        ("guid", Guid),
        ("balloon_icon", HANDLE),
    )


class CredUiInfo(ctypes.Structure):
    """CREDUI_INFOW (wincred.h)."""

    _fields_: ClassVar[Any] = (
        ("size", DWORD),
        ("parent", HANDLE),
        ("message", c_wchar_p),
        ("caption", c_wchar_p),
        ("banner", HANDLE),
    )


class Point(ctypes.Structure):
    """POINT (windef.h)."""

    _fields_: ClassVar[Any] = (("x", c_int32), ("y", c_int32))


class Message(ctypes.Structure):
    """MSG (winuser.h)."""

    _fields_: ClassVar[Any] = (
        ("window", HANDLE),
        ("message", c_uint32),
        ("wparam", ctypes.c_size_t),
        ("lparam", LPARAM),
        ("time", DWORD),
        ("point", Point),
    )


TaskDialogIndirect = Function(
    "comctl32", "TaskDialogIndirect", c_int32,
    POINTER(TaskDialogConfig), POINTER(c_int32), POINTER(c_int32), POINTER(BOOL),
)  # fmt: skip
SetWindowsHookExW = Function("user32", "SetWindowsHookExW", HANDLE, c_int32, HookProcedure, HANDLE, DWORD)
UnhookWindowsHookEx = Function("user32", "UnhookWindowsHookEx", BOOL, HANDLE)
CallNextHookEx = Function(
    "user32", "CallNextHookEx", LRESULT, HANDLE, c_int32, ctypes.c_size_t, LPARAM
)  # fmt: skip
SetProcessDpiAwarenessContext = Function("user32", "SetProcessDpiAwarenessContext", BOOL, HANDLE)
CreateIcon = Function(
    "user32", "CreateIcon", HANDLE,
    HANDLE, c_int32, c_int32, ctypes.c_ubyte, ctypes.c_ubyte, c_void_p, c_void_p,
)  # fmt: skip
Shell_NotifyIconW = Function("shell32", "Shell_NotifyIconW", BOOL, DWORD, POINTER(NotifyIconData))
SHQueryUserNotificationState = Function(
    "shell32", "SHQueryUserNotificationState", c_int32, POINTER(c_int32),
)  # fmt: skip
GetUserDefaultUILanguage = Function("kernel32", "GetUserDefaultUILanguage", c_uint16)
CredUIPromptForWindowsCredentialsW = Function(
    "credui", "CredUIPromptForWindowsCredentialsW", DWORD,
    POINTER(CredUiInfo), DWORD, POINTER(c_uint32), c_void_p, c_uint32, POINTER(c_void_p), POINTER(c_uint32),
    POINTER(BOOL), DWORD,
)  # fmt: skip
CredPackAuthenticationBufferW = Function(
    "credui", "CredPackAuthenticationBufferW", BOOL, DWORD, c_wchar_p, c_wchar_p, c_void_p, POINTER(DWORD),
)  # fmt: skip
CredUnPackAuthenticationBufferW = Function(
    # The password is passed as a plain address, so ctypes does not copy it.
    "credui", "CredUnPackAuthenticationBufferW", BOOL,
    DWORD, c_void_p, DWORD, c_void_p, POINTER(DWORD), c_void_p, POINTER(DWORD), c_void_p, POINTER(DWORD),
)  # fmt: skip
