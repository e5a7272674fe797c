# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about one account that stop or pre-empt its unattended logon."""

from __future__ import annotations

import winreg
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pywintypes
import win32net
import win32netcon
import win32security
import win32ts

from latchkey_agent.domain import ALWAYS, NEVER
from latchkey_agent.windows.win32 import logon_sessions, registry

from .logon_policies import WINLOGON, Reading, is_number, read

if TYPE_CHECKING:
    from latchkey_agent.domain import Account

EVERY_HOUR = 0xFF
"""A byte of the logon hours: all its eight hours are allowed."""
DENY, ALLOW = "SeDenyInteractiveLogonRight", "SeInteractiveLogonRight"
"""The account rights of an interactive logon ("Account Rights Constants", Microsoft Learn)."""
EVERYBODY = frozenset({"S-1-1-0", "S-1-5-11", "S-1-5-4"})
"""Everyone, Authenticated Users and Interactive: an account at the logon screen is each of them."""
HIDDEN = rf"{WINLOGON}\SpecialAccounts\UserList"
LOGON_UI = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\LogonUI"
ENTRA = r"SYSTEM\CurrentControlSet\Control\CloudDomainJoin\JoinInfo"
POLICY_LOOKUP = win32security.POLICY_LOOKUP_NAMES | win32security.POLICY_VIEW_LOCAL_INFORMATION
FOREVER = frozenset({-1, 0, 0xFFFFFFFF})
"""TIMEQ_FOREVER (lmaccess.h), signed or not, and 0 as a domain keeps it."""
USER_POLICIES = r"Software\Microsoft\Windows\CurrentVersion\Policies\System"
_NO_MORE_ITEMS = 259
_IN_DOMAIN = 3
"""NetSetupDomainName of NETSETUP_JOIN_STATUS (lmjoin.h)."""
_THIS_PC: Any = None


def readings(account: Account) -> Iterator[Reading]:
    """Yield the facts about an account."""
    user, session = _user_info(account), logon_sessions.find_account(account.sid)
    command = f"net user {account.user}"
    yield Reading("microsoft_or_entra", account.kind in {"microsoft", "entra"}, "the account")
    yield Reading("blank_password", _flag(user, win32netcon.UF_PASSWD_NOTREQD), command)
    yield Reading("account_closed", _closed(user), command)
    yield Reading("password_expires_at", _expires_at(user, session), command)
    yield Reading("logon_hours", _logon_hours(user, session), command)
    yield Reading("logon_denied", _denied(account.sid), "secpol.msc, Deny log on locally")
    yield Reading("not_last_user", _not_last(account.sid), rf"HKLM\{LOGON_UI}\LastLoggedOnUserSID")
    yield read("account_hidden", HIDDEN, account.user, is_number(0))
    yield Reading(
        "lock_disabled", _lock_disabled(account.sid), "HKCU\\" + USER_POLICIES + "\\DisableLockWorkstation"
    )
    yield from _domain_controller(account)


def _domain_controller(account: Account) -> Iterator[Reading]:
    if account.kind != "domain":
        yield Reading("needs_domain_controller", False, "the account")  # noqa: FBT003
        return
    yield read("needs_domain_controller", WINLOGON, "CachedLogonsCount", is_number(0))
    yield read("needs_domain_controller", WINLOGON, "ForceUnlockLogon", is_number(1))


def _lock_disabled(sid: str) -> bool | None:
    """Return the user's policy "Remove Lock Computer"; None if it cannot be read, as when the account is away."""
    try:
        with winreg.OpenKey(winreg.HKEY_USERS, sid) as user:
            return registry.setting(USER_POLICIES, "DisableLockWorkstation", user) == 1
    except OSError:
        return None


def _user_info(account: Account) -> dict[str, Any]:
    """Return USER_INFO_3 of a local account; empty for others, because only their domain has it."""
    if account.kind != "local":
        return {}
    try:
        info: dict[str, Any] = win32net.NetUserGetInfo(_THIS_PC, account.user, 3)
    except pywintypes.error:
        return {}
    return info


def _flag(user: dict[str, Any], flag: int) -> bool | None:
    return bool(user["flags"] & flag) if "flags" in user else None


def _closed(user: dict[str, Any]) -> bool | None:
    closed = _flag(user, win32netcon.UF_ACCOUNTDISABLE | win32netcon.UF_LOCKOUT)
    expires = user.get("acct_expires", 0)
    expired = expires not in FOREVER and expires <= datetime.now(UTC).timestamp()
    return closed if closed is None else closed or expired


def _logon_hours(user: dict[str, Any], session: logon_sessions.SessionAccount | None) -> bytes | None:
    """Return the account's logon hours; ALWAYS if it may sign in at any time; None if they are unknown."""
    if not user:
        return ALWAYS if session is not None and session.never_ends else None
    hours = bytes(user.get("logon_hours") or b"")
    return ALWAYS if all(byte == EVERY_HOUR for byte in hours) else hours


def _expires_at(user: dict[str, Any], session: logon_sessions.SessionAccount | None) -> datetime | None:
    """Return when the password expires; NEVER if it does not; None if it is unknown."""
    if session is not None:
        return session.must_change_at or NEVER
    if _flag(user, win32netcon.UF_DONT_EXPIRE_PASSWD):
        return NEVER
    return _expiry_from_age(user)


def _expiry_from_age(user: dict[str, Any]) -> datetime | None:
    if "password_age" not in user:
        return None
    try:
        max_age: int = win32net.NetUserModalsGet(_THIS_PC, 0)["max_passwd_age"]
    except pywintypes.error:
        return None
    if max_age in FOREVER:
        return NEVER
    return datetime.now(UTC) + timedelta(seconds=max_age - user["password_age"])


def _denied(sid: str) -> bool | None:
    """Return whether the account may not sign in at the screen; None if its groups or the rights are unknown."""
    try:
        denied, groups = _holders(DENY), _groups(sid)
        if groups is not None:
            return not denied.isdisjoint(groups) or _holders(ALLOW).isdisjoint(groups)
        if not denied.isdisjoint({sid, *EVERYBODY}):
            return True
        # Without the account's groups only rights of single users say something.
        return False if all(map(_is_user, denied)) else None
    except pywintypes.error:
        return None


def _holders(right: str) -> frozenset[str]:
    """Return the SIDs that have an account right; raises pywintypes.error."""
    policy = win32security.LsaOpenPolicy(_THIS_PC, POLICY_LOOKUP)
    try:
        found = win32security.LsaEnumerateAccountsWithUserRight(policy, right)
    except pywintypes.error as fault:
        if fault.winerror == _NO_MORE_ITEMS:
            return frozenset()
        raise
    return frozenset(win32security.ConvertSidToStringSid(sid) for sid in found)


def _groups(sid: str) -> frozenset[str] | None:
    """Return the SIDs in the token of the signed-in account, its own among them; None if it is not signed in."""
    for session in win32ts.WTSEnumerateSessions(0):
        try:
            token = win32ts.WTSQueryUserToken(session["SessionId"])
        except pywintypes.error:
            continue
        own = win32security.GetTokenInformation(token, win32security.TokenUser)[0]
        if win32security.ConvertSidToStringSid(own) == sid:
            groups = win32security.GetTokenInformation(token, win32security.TokenGroups)
            return frozenset({sid, *(win32security.ConvertSidToStringSid(group) for group, _ in groups)})
    return None


def _is_user(sid: str) -> bool:
    _, _, kind = win32security.LookupAccountSid(None, win32security.ConvertStringSidToSid(sid))
    return bool(kind == win32security.SidTypeUser)


def _not_last(sid: str) -> bool | None:
    """Return whether the PC is joined and another account signed in last; None if either is unknown."""
    try:
        join_information: Any = win32net.NetGetJoinInformation
        _, status = join_information(_THIS_PC)
        if status != _IN_DOMAIN and not registry.keys_below(ENTRA):
            return False
        last = registry.setting(LOGON_UI, "LastLoggedOnUserSID")
    except (OSError, pywintypes.error):
        return None
    return None if last is None else last != sid
