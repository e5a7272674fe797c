# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifies the client of a pipe.

The module compares two tokens, because each alone can be spoofed: the token of
the client's process, found by its id, and the token of the security context
that the client opened the pipe with ("Impersonating a Named Pipe Client"). The
process id may belong to another process by the time it is looked up. The
security context may be borrowed from another process. If the tokens differ,
the server does not answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pywintypes
import win32api
import win32con
import win32pipe
import win32security

from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32.failures import doing, refused

if TYPE_CHECKING:
    from _win32typing import PySID

PROCESS_QUERY_LIMITED_INFORMATION = 0x1000
SE_GROUP_ENABLED = 0x4
SE_GROUP_USE_FOR_DENY_ONLY = 0x10


class Identity(NamedTuple):
    """A client of a pipe.

    Attributes:
        process_id: the client's process.
        session_id: the Windows session of the process.
        sid: the SID of the account.
        groups: the SIDs of the enabled groups.
    """

    process_id: int
    session_id: int
    sid: str
    groups: frozenset[str]


def of_process(pipe: int) -> Identity:
    """Return the identity in the token of the client's process.

    Args:
        pipe: the handle of the pipe's instance.

    Raises:
        PortError: the process has ended, or Windows refuses to open it.
    """
    with doing("identifying the process of a pipe's client"):
        process_id: int = win32pipe.GetNamedPipeClientProcessId(pipe)
        process = win32api.OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, False, process_id)  # noqa: FBT003 - positional in Windows
        token = win32security.OpenProcessToken(process, win32con.TOKEN_QUERY)
        session_id: int = win32security.GetTokenInformation(token, win32security.TokenSessionId)
        return Identity(process_id, session_id, *_account_and_groups(token))


def confirmed(pipe: int, process: Identity) -> Identity:
    """Compare the process's identity with the security context of the pipe's client.

    Call this only after a message was read.

    Args:
        pipe: the handle of the pipe's instance.
        process: the identity from `of_process`.

    Returns:
        `process` with only those groups that are enabled in both tokens.

    Raises:
        PortError: the accounts differ, or the client does not allow identification.
    """
    sid, groups = _security_context(pipe)
    if sid != process.sid:
        msg = (
            f"the client's process {process.process_id} and its security context belong to different accounts"
        )
        raise PortError(msg)
    return process._replace(groups=process.groups & groups)


def _security_context(pipe: int) -> tuple[str, frozenset[str]]:
    try:
        win32security.ImpersonateNamedPipeClient(pipe)
        try:
            # Open it as the service: a client at identification level may not open even its own token.
            token = win32security.OpenThreadToken(
                win32api.GetCurrentThread(), win32con.TOKEN_QUERY, True  # noqa: FBT003 - positional in Windows
            )  # fmt: skip
        finally:
            win32security.RevertToSelf()
        return _account_and_groups(token)
    except pywintypes.error as fault:
        raise refused("identifying the client of a pipe", fault.winerror) from None


def _account_and_groups(token: int) -> tuple[str, frozenset[str]]:
    user, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
    groups = win32security.GetTokenInformation(token, win32security.TokenGroups)
    enabled = frozenset(_text(sid) for sid, attributes in groups if _counts(attributes))
    return _text(user), enabled


def _counts(attributes: int) -> bool:
    # A filtered token of an administrator still lists Administrators, but only to deny access.
    return bool(attributes & SE_GROUP_ENABLED) and not attributes & SE_GROUP_USE_FOR_DENY_ONLY


def _text(sid: PySID) -> str:
    text: str = win32security.ConvertSidToStringSid(sid)
    return text
