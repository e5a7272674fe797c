# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the local security authority knows of those who are signed in."""

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


class Known(NamedTuple):
    """One logon session: its account, the account's user principal name, when its password must change."""

    sid: str
    principal: str
    must_change_at: datetime | None


def of(sid: str) -> Known | None:
    """Return what is known of an account that is signed in, None where it is not, or nothing is told."""
    return next((known for known in _all() if known.sid == sid), None)


def _all() -> Iterator[Known]:
    count, first = ctypes.c_uint32(), ctypes.POINTER(Luid)()
    if LsaEnumerateLogonSessions(ctypes.byref(count), ctypes.byref(first)):
        return
    try:
        for index in range(count.value):
            known = _one(first[index])
            if known is not None:
                yield known
    finally:
        LsaFreeReturnBuffer(first)


def _one(logon_id: Luid) -> Known | None:
    data = ctypes.POINTER(LogonSession)()
    if LsaGetLogonSessionData(ctypes.byref(logon_id), ctypes.byref(data)):
        return None
    try:
        session = data.contents
        if not session.sid:
            return None
        return Known(sid_text(session.sid), _text(session.upn), moment(session.password_must_change))
    finally:
        LsaFreeReturnBuffer(data)


def sid_text(address: int) -> str:
    """Return the text of a SID in memory ("SID structure", Microsoft Learn)."""
    _, count = ctypes.string_at(address, 2)
    make_sid: Any = win32security.SID
    text: str = win32security.ConvertSidToStringSid(make_sid(ctypes.string_at(address, 8 + 4 * count)))
    return text


def _text(string: LsaString) -> str:
    return ctypes.string_at(string.text, string.length).decode("utf-16-le") if string.text else ""


def moment(filetime: int) -> datetime | None:
    """Return a FILETIME as a moment; None for those that mean never."""
    if filetime in {0, NEVER} or filetime < 0:
        return None
    return _EPOCH + timedelta(microseconds=filetime // 10)
