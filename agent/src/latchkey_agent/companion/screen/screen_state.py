# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the customer's screen is doing. What cannot be found out counts as the worse case only for a lock."""

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
"""GetSystemMetrics: not 0 while the session is controlled from another one (shadowing)."""
QUNS_NOT_PRESENT, QUNS_BUSY, QUNS_FULL_SCREEN, QUNS_PRESENTATION_MODE = 1, 2, 3, 4
"""QUERY_USER_NOTIFICATION_STATE (shellapi.h)."""


def look() -> Screen:
    """Look at the screen of the session that this program runs in."""
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
    """Return the session that this program runs in."""
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
