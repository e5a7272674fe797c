# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets the token of a signed-in account without administrator rights."""

from __future__ import annotations

import win32con
import win32security
import win32ts

from latchkey_agent.ports import PortError

from .failures import doing

FULL = 2
"""TokenElevationTypeFull: the token is the elevated one of two ("TOKEN_ELEVATION_TYPE", Microsoft Learn)."""


def of_session(session_id: int, sid: str) -> int:
    """Return the primary token with which a session's user starts ordinary programs.

    WTSQueryUserToken ("WTSQueryUserToken function", Microsoft Learn) returns the token of the session's logon. An
    administrator under User Account Control has two tokens; if the session's is the elevated one, the other is its
    linked token ("TOKEN_LINKED_TOKEN structure", Microsoft Learn).

    Args:
        session_id: the Windows session.
        sid: the account that must be signed in to it.

    Raises:
        PortError: another account is signed in, or the account has elevated tokens only.
    """
    with doing(f"getting the account's token in session {session_id}"):
        token: int = win32ts.WTSQueryUserToken(session_id)
        user, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
        if win32security.GetTokenInformation(token, win32security.TokenElevationType) == FULL:
            linked = win32security.GetTokenInformation(token, win32security.TokenLinkedToken)
            token = win32security.DuplicateTokenEx(
                linked,
                win32security.SecurityImpersonation,
                win32con.MAXIMUM_ALLOWED,
                win32security.TokenPrimary,
            )
        is_elevated = bool(win32security.GetTokenInformation(token, win32security.TokenElevation))
    if win32security.ConvertSidToStringSid(user) != sid:
        msg = "another account has signed in to the session meanwhile"
        raise PortError(msg)
    if is_elevated:
        msg = "the account has no token without administrator rights (User Account Control is off for it)"
        raise PortError(msg)
    return token
