# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the signed-in accounts from the local security authority (LSA)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import win32security

from .api import (
    LogonSession,
    LsaEnumerateLogonSessions,
    LsaFreeReturnBuffer,
    LsaGetLogonSessionData,
    LsaString,
    Luid,
)

NEVER = 0x7FFFFFFFFFFFFFFF
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


class SessionAccount(NamedTuple):
    """The account of one logon session.

    Attributes:
        sid: its SID.
        principal: its user principal name; empty if it has none.
        must_change_at: when its password must change; None for never.
        never_ends: whether Windows never ends the session, so the account has no logon hours. LogoffTime in
            "KERB_VALIDATION_INFO" ([MS-PAC] 2.5): the largest FILETIME if the session should not expire.
    """

    sid: str
    principal: str
    must_change_at: datetime | None
    never_ends: bool = False


def find_account(sid: str) -> SessionAccount | None:
    """Return a signed-in account; None if it is not signed in, or the LSA does not return it."""
    return next((account for account in _session_accounts() if account.sid == sid), None)


def _session_accounts() -> Iterator[SessionAccount]:
    count, first = ctypes.c_uint32(), ctypes.POINTER(Luid)()
    if LsaEnumerateLogonSessions(ctypes.byref(count), ctypes.byref(first)):
        return
    try:
        for index in range(count.value):
            account = _read_session(first[index])
            if account is not None:
                yield account
    finally:
        LsaFreeReturnBuffer(first)


def _read_session(logon_id: Luid) -> SessionAccount | None:
    data = ctypes.POINTER(LogonSession)()
    if LsaGetLogonSessionData(ctypes.byref(logon_id), ctypes.byref(data)):
        return None
    try:
        session = data.contents
        if not session.sid:
            return None
        return SessionAccount(
            sid_text(session.sid),
            _text(session.upn),
            moment(session.password_must_change),
            session.logoff_time == NEVER,
        )
    finally:
        LsaFreeReturnBuffer(data)


def sid_text(address: int) -> str:
    """Return the text form of a SID in memory ("SID structure", Microsoft Learn).

    Args:
        address: the address of the SID.
    """
    _, count = ctypes.string_at(address, 2)
    make_sid: Any = win32security.SID
    text: str = win32security.ConvertSidToStringSid(make_sid(ctypes.string_at(address, 8 + 4 * count)))
    return text


def _text(string: LsaString) -> str:
    return ctypes.string_at(string.text, string.length).decode("utf-16-le") if string.text else ""


def moment(filetime: int) -> datetime | None:
    """Return a FILETIME (units of 100 ns since 1601) as a datetime; None for a value that means never."""
    if filetime in {0, NEVER} or filetime < 0:
        return None
    return _EPOCH + timedelta(microseconds=filetime // 10)
