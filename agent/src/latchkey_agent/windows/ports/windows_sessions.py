# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is signed in where, and how to lock or cut off a session."""

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
NOBODY = frozenset(
    {winerror.ERROR_NO_TOKEN, winerror.ERROR_FILE_NOT_FOUND, winerror.ERROR_CTX_WINSTATION_NOT_FOUND}
)
"""What WTSQueryUserToken says where nobody is signed in, session 0 among them, or where the session is no more.

The first two stand in its page (Microsoft Learn), the third in winerror.h.
"""
WTS_SESSION_INFO_EX = 25
WTS_SESSIONSTATE_LOCK = 0
"""WTSINFOEX_LEVEL1_W; on Windows 7, which is not supported, lock and unlock are exchanged."""
LOCK_AGAIN = 1.0
"""Seconds until a session is asked once more to lock: locking takes a moment."""


class WindowsSessions:
    """ports.Sessions."""

    def __init__(self, accounts: WindowsAccounts) -> None:
        self._accounts = accounts
        self._asked: dict[int, float] = {}

    def signed_in(self) -> list[SignIn]:
        """Return who is signed in, the console's session first.

        Raises:
            PortError: Windows does not tell, of one session at least: what is not known of somebody is not nobody.
        """
        with doing("listing the sessions"):
            listed: Any = win32ts.WTSEnumerateSessions(win32ts.WTS_CURRENT_SERVER_HANDLE)
            console: int = win32ts.WTSGetActiveConsoleSessionId()  # type: ignore[no-untyped-call]
        found = [
            self._sign_in(s["SessionId"], s["State"], console) for s in listed if s["State"] != WTS_LISTEN
        ]
        return sorted((s for s in found if s is not None), key=lambda s: (not s.console, s.session_id))

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
        what = f"asking who is signed in to session {session_id}"
        try:
            token = win32ts.WTSQueryUserToken(session_id)
        except pywintypes.error as fault:
            if fault.winerror in NOBODY:
                return None
            raise refused(what, fault.winerror) from None
        with doing(what):
            sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
        return self._known(win32security.ConvertSidToStringSid(sid), session_id)

    def _known(self, sid: str, session_id: int) -> Account:
        try:
            return self._accounts.by_sid(sid)
        except PortError:
            # A domain out of reach, an account just deleted: the session knows its names all the same.
            with doing(f"asking session {session_id} for its names"):
                user = win32ts.WTSQuerySessionInformation(0, session_id, win32ts.WTSUserName)
                domain = win32ts.WTSQuerySessionInformation(0, session_id, win32ts.WTSDomainName)
            return Account(sid, user, domain, "domain")

    def lock(self, session_id: int) -> None:
        """Ask for the session to be locked; asking again and again does no harm.

        LockWorkStation works only for processes of the session's own desktop
        (Microsoft Learn), so Windows' own rundll32.exe is started there: the
        fastest way, and one that no application control forbids.

        Raises:
            PortError: nobody is signed in there, or the program did not start.
        """
        if time.monotonic() - self._asked.get(session_id, -LOCK_AGAIN) < LOCK_AGAIN:
            return
        program = Path(win32api.GetSystemDirectory(), "rundll32.exe")
        in_session(session_id, [str(program), "user32.dll,LockWorkStation"])
        self._asked[session_id] = time.monotonic()

    def disconnect(self, session_id: int) -> None:
        """Cut the session off from its screen.

        Raises:
            PortError: there is no such session, or Windows refuses.
        """
        with doing(f"disconnecting session {session_id}"):
            win32ts.WTSDisconnectSession(win32ts.WTS_CURRENT_SERVER_HANDLE, session_id, False)  # noqa: FBT003 - positional in Windows


def is_locked(session_id: int) -> bool:
    """Tell whether a session is known to be locked."""
    # What is not known for certain does not count as locked: rule 9 then disconnects.
    found, size = ctypes.c_void_p(), ctypes.c_uint32()
    succeeded = api.WTSQuerySessionInformationW(
        None, session_id, WTS_SESSION_INFO_EX, ctypes.byref(found), ctypes.byref(size)
    )
    if not succeeded:
        return False
    try:
        info = ctypes.cast(found, ctypes.POINTER(api.SessionInfo)).contents
        flags: int = info.details.flags
        return flags == WTS_SESSIONSTATE_LOCK
    finally:
        api.WTSFreeMemory(found)
