# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the sign-ins, and locks or disconnects a session."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pywintypes
import win32api
import win32security
import win32ts
import winerror

from latchkey_agent.domain import Account
from latchkey_agent.ports import PortError, SignIn
from latchkey_agent.windows.win32 import api
from latchkey_agent.windows.win32.failures import doing, refused
from latchkey_agent.windows.win32.launch import in_session

if TYPE_CHECKING:
    from .accounts import WindowsAccounts

WTS_ACTIVE = 0
WTS_SHADOW = 3
WTS_LISTEN = 6
"""A listener: "no user is logged on a listener session" (WTS_CONNECTSTATE_CLASS, Microsoft Learn)."""
NO_USER_ERRORS = frozenset(
    {winerror.ERROR_NO_TOKEN, winerror.ERROR_FILE_NOT_FOUND, winerror.ERROR_CTX_WINSTATION_NOT_FOUND}
)
"""Error codes of WTSQueryUserToken if no user is signed in, as in session 0, or the session has ended.

Its page documents the first two (Microsoft Learn). The third is in winerror.h.
"""
WTS_SESSION_INFO_EX = 25
WTS_SESSIONSTATE_LOCK = 0
"""WTSINFOEX_LEVEL1_W. Windows 7, which is not supported, swaps lock and unlock."""
LOCK_RETRY_SECONDS = 1.0
"""Seconds until the next attempt to lock a session: locking takes a moment."""


class WindowsSessions:
    """Implements ports.Sessions."""

    def __init__(self, accounts: WindowsAccounts) -> None:
        self._accounts = accounts
        self._lock_requested_at: dict[int, float] = {}

    def signed_in(self) -> list[SignIn]:
        """Return the sign-ins, the one on the console first.

        Raises:
            PortError: Windows cannot list the sessions, or cannot return the user of a session. Such a
                session may have a user, so it must not count as empty.
        """
        with doing("listing the sessions"):
            listed: Any = win32ts.WTSEnumerateSessions(win32ts.WTS_CURRENT_SERVER_HANDLE)
            console: int = win32ts.WTSGetActiveConsoleSessionId()  # type: ignore[no-untyped-call]
        sign_ins = [
            self._sign_in(s["SessionId"], s["State"], console) for s in listed if s["State"] != WTS_LISTEN
        ]
        return sorted((s for s in sign_ins if s is not None), key=lambda s: (not s.console, s.session_id))

    def _sign_in(self, session_id: int, state: int, console: int) -> SignIn | None:
        account = self._account(session_id)
        if account is None:
            return None
        return SignIn(
            session_id=session_id,
            account=account,
            console=session_id == console,
            active=state in {WTS_ACTIVE, WTS_SHADOW},
            locked=is_locked(session_id),
        )

    def _account(self, session_id: int) -> Account | None:
        action = f"asking who is signed in to session {session_id}"
        try:
            token = win32ts.WTSQueryUserToken(session_id)
        except pywintypes.error as fault:
            if fault.winerror in NO_USER_ERRORS:
                return None
            raise refused(action, fault.winerror) from None
        with doing(action):
            sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
        return self._resolve(win32security.ConvertSidToStringSid(sid), session_id)

    def _resolve(self, sid: str, session_id: int) -> Account:
        try:
            return self._accounts.by_sid(sid)
        except PortError:
            # The domain may be unreachable or the account deleted. The session still has its names.
            user, domain = _name(session_id, win32ts.WTSUserName), _name(session_id, win32ts.WTSDomainName)
        # The SID decides which desktop is locked. A session without names must not hide it, nor the other sessions.
        return Account(sid, user, domain, "domain") if user else Account(sid, sid, "", "domain")

    def lock(self, session_id: int) -> None:
        """Lock a session. Repeated calls are harmless.

        LockWorkStation works only in a process on the session's own desktop
        (Microsoft Learn). The agent therefore starts Windows' rundll32.exe
        there, which is fast and which no application control blocks.

        Raises:
            PortError: no user is signed in to the session, or Windows cannot start the program.
        """
        if (
            time.monotonic() - self._lock_requested_at.get(session_id, -LOCK_RETRY_SECONDS)
            < LOCK_RETRY_SECONDS
        ):
            return
        program = Path(win32api.GetSystemDirectory(), "rundll32.exe")
        in_session(session_id, [str(program), "user32.dll,LockWorkStation"])
        self._lock_requested_at[session_id] = time.monotonic()

    def disconnect(self, session_id: int) -> None:
        """Disconnect a session from its screen.

        Raises:
            PortError: there is no such session, or Windows refuses.
        """
        with doing(f"disconnecting session {session_id}"):
            win32ts.WTSDisconnectSession(win32ts.WTS_CURRENT_SERVER_HANDLE, session_id, False)  # noqa: FBT003 - positional in Windows


def _name(session_id: int, kind: int) -> str:
    """Return a name that Windows keeps with a session; empty if it keeps none or the session has ended."""
    try:
        name: str | None = win32ts.WTSQuerySessionInformation(0, session_id, kind)
    except pywintypes.error:
        return ""
    return name or ""


def is_locked(session_id: int) -> bool:
    """Return whether a session is certainly locked."""
    # A failed or unclear query counts as not locked, so that rule 9 disconnects the session.
    buffer, size = ctypes.c_void_p(), ctypes.c_uint32()
    succeeded = api.WTSQuerySessionInformationW(
        None, session_id, WTS_SESSION_INFO_EX, ctypes.byref(buffer), ctypes.byref(size)
    )
    if not succeeded:
        return False
    try:
        info = ctypes.cast(buffer, ctypes.POINTER(api.SessionInfo)).contents
        flags: int = info.details.flags
        return flags == WTS_SESSIONSTATE_LOCK
    finally:
        api.WTSFreeMemory(buffer)
