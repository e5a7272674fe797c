# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the state of the customer's screen. A failed query counts as an unlocked, free screen."""

from __future__ import annotations

from ctypes import byref, c_int32
from typing import Any

import pywintypes
import win32api
import win32ts

from latchkey_agent.companion.steps import Screen
from latchkey_agent.windows.ports.windows_sessions import WTS_ACTIVE, is_locked
from latchkey_agent.windows.win32 import desktop_api as api

SM_REMOTECONTROL = 0x2001
"""GetSystemMetrics: not 0 while another session shadows this one."""
QUNS_NOT_PRESENT, QUNS_BUSY, QUNS_FULL_SCREEN, QUNS_PRESENTATION_MODE = 1, 2, 3, 4
"""QUERY_USER_NOTIFICATION_STATE (shellapi.h)."""


def read_screen() -> Screen:
    """Return the state of the screen in this program's session."""
    state, session = _notification_state(), own_session()
    return Screen(
        locked=state == QUNS_NOT_PRESENT or not _is_active(session) or is_locked(session),
        viewed=bool(win32api.GetSystemMetrics(SM_REMOTECONTROL)),
        presentation=state == QUNS_PRESENTATION_MODE,
        full_screen=state in {QUNS_BUSY, QUNS_FULL_SCREEN},
    )


def _notification_state() -> int:
    state = c_int32()
    failed = api.SHQueryUserNotificationState(byref(state))
    return 0 if failed else state.value


def own_session() -> int:
    """Return the id of this program's session."""
    process = win32api.GetCurrentProcessId()
    session: int = win32ts.ProcessIdToSessionId(process)  # type: ignore[no-untyped-call]
    return session


def _is_active(session: int) -> bool:
    try:
        state: Any = win32ts.WTSQuerySessionInformation(
            win32ts.WTS_CURRENT_SERVER_HANDLE, session, win32ts.WTSConnectState
        )
    except pywintypes.error:
        return True
    return bool(state == WTS_ACTIVE)
