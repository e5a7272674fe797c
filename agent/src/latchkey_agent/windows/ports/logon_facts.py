# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what may stand in the way of an unattended logon. Reads policies, never changes one."""

from __future__ import annotations

import ctypes
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pywintypes
import win32api
import win32net
import win32netcon
import win32ts

from latchkey_agent.domain import ALWAYS
from latchkey_agent.ports import LogonFacts
from latchkey_agent.windows.win32 import logon_sessions, registry
from latchkey_agent.windows.win32.api import Guid, LocalFree, PowerGetActiveScheme, PowerReadACValueIndex

from .windows_sessions import WTS_SHADOW

if TYPE_CHECKING:
    from latchkey_agent.domain import Account

PROVIDER = "{646ad95f-a509-4aef-ac07-e40e406b97bb}"
"""CLSID of our credential provider (agent/native/credential_provider/module.h)."""

_POLICIES = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Policies\System"
_WINLOGON = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon"
_PROVIDERS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\Credential Providers"
_PASSWORDLESS = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\PasswordLess\Device"
_AUTHENTICATION = r"SOFTWARE\Microsoft\PolicyManager\current\device\Authentication"
_POWER = r"SYSTEM\CurrentControlSet\Control\Session Manager\Power"
_OWN_POLICY = r"SOFTWARE\Policies\Latchkey"
HELLO_ONLY = 2
"""DevicePasswordLessBuildVersion: sign-in with Windows Hello only."""
EVERY_HOUR = 0xFF
"""A byte of a map of logon hours: all eight are allowed."""
PRE_BOOT_PROTECTORS = ("TPMAndPIN", "TPMAndPINAndStartupKey", "Password")
"""What manage-bde calls the protectors that ask somebody before Windows starts."""
MANAGE_BDE_TIME = 20.0
_THIS_PC: Any = None

_SLEEP_SUBGROUP = Guid(0x238C9FA8, 0x0AAD, 0x41ED, (ctypes.c_ubyte * 8)(*bytes.fromhex("83f497be242c8f20")))
_STANDBY_IDLE = Guid(0x29F6C1DB, 0x86DA, 0x48C5, (ctypes.c_ubyte * 8)(*bytes.fromhex("9fdbf2b67b1f44da")))
"""GUID_SLEEP_SUBGROUP and GUID_STANDBY_TIMEOUT (winnt.h)."""


def facts(account: Account | None) -> LogonFacts:
    """Return what was found, of the PC and of the account."""
    user = _user_info(account)
    return LogonFacts(
        logon_banner=_banner(),
        bitlocker_pin=_pre_boot_pin(),
        passwordless_only=_passwordless(),
        provider_excluded=_provider_kept_out(),
        blank_password=bool(user.get("flags", 0) & win32netcon.UF_PASSWD_NOTREQD),
        password_expires_at=_expires_at(account, user),
        microsoft_or_entra=account is not None and account.kind in {"microsoft", "entra"},
        sleeps_when_idle=_sleeps(),
        remote_view=_viewed_remotely(),
        ctrl_alt_del=_wants_ctrl_alt_del(),
        fast_startup=registry.value(_POWER, "HiberbootEnabled") == 1,
        logon_hours=_logon_hours(user),
    )


def _banner() -> bool:
    places = [
        (key, name) for key in (_POLICIES, _WINLOGON) for name in ("LegalNoticeCaption", "LegalNoticeText")
    ]
    return any(str(registry.value(key, name) or "").strip() for key, name in places)


def _passwordless() -> bool:
    return (
        registry.value(_PASSWORDLESS, "DevicePasswordLessBuildVersion") == HELLO_ONLY
        or registry.value(_AUTHENTICATION, "EnablePasswordlessExperience") == 1
    )


def _wants_ctrl_alt_del() -> bool:
    """Return whether the keys are wanted; a PC on which nobody has said so does not want them."""
    said = [registry.value(key, "DisableCAD") for key in (_POLICIES, _WINLOGON)]
    return next((value == 0 for value in said if value is not None), False)


def _provider_kept_out() -> bool:
    excluded = str(registry.value(_POLICIES, "ExcludedCredentialProviders") or "").casefold()
    return (
        not registry.exists(rf"{_PROVIDERS}\{PROVIDER}")
        or registry.value(rf"{_PROVIDERS}\{PROVIDER}", "Disabled") == 1
        or PROVIDER in excluded
        or registry.value(_OWN_POLICY, "DisableCredentialProvider") not in {None, 0}
    )


def _pre_boot_pin() -> bool:
    """Ask whether somebody must type something before Windows starts; not while protection is suspended."""
    drive = win32api.GetWindowsDirectory()[:2]
    protected = _manage_bde("-status", drive, "-protectionaserrorlevel")
    if protected is None or protected.returncode:
        return False
    return any(_has_protector(drive, kind) for kind in PRE_BOOT_PROTECTORS)


def _has_protector(drive: str, kind: str) -> bool:
    told = _manage_bde("-protectors", "-get", drive, "-Type", kind)
    # The one thing that it prints in every language alike is a protector's GUID.
    return told is not None and not told.returncode and bool(re.search(rb"\{[0-9A-Fa-f-]{36}\}", told.stdout))


def _manage_bde(*arguments: str) -> subprocess.CompletedProcess[bytes] | None:
    """Return what Windows' own program says, None where it is not there or does not end."""
    try:
        return subprocess.run(
            [Path(win32api.GetSystemDirectory(), "manage-bde.exe"), *arguments],
            capture_output=True,
            check=False,
            timeout=MANAGE_BDE_TIME,
            creationflags=subprocess.CREATE_NO_WINDOW,
        )
    except (OSError, subprocess.SubprocessError):
        return None


def _sleeps() -> bool:
    scheme, seconds = ctypes.POINTER(Guid)(), ctypes.c_uint32()
    try:
        if PowerGetActiveScheme(None, ctypes.byref(scheme)):
            return False
        code = PowerReadACValueIndex(
            None, scheme, ctypes.byref(_SLEEP_SUBGROUP), ctypes.byref(_STANDBY_IDLE), ctypes.byref(seconds)
        )
    except OSError:
        return False
    finally:
        LocalFree(scheme)
    return code == 0 and seconds.value > 0


def _viewed_remotely() -> bool:
    try:
        return any(s["State"] == WTS_SHADOW for s in win32ts.WTSEnumerateSessions(0))
    except pywintypes.error:
        return False


def _user_info(account: Account | None) -> dict[str, Any]:
    """Return USER_INFO_3 of a local account; nothing for others, whom only their domain knows."""
    if account is None or account.kind != "local":
        return {}
    try:
        found: dict[str, Any] = win32net.NetUserGetInfo(_THIS_PC, account.user, 3)
    except pywintypes.error:
        return {}
    return found


def _logon_hours(user: dict[str, Any]) -> bytes:
    """Return the account's hours; empty where it may sign in at any time, as nearly all may."""
    hours = bytes(user.get("logon_hours") or b"")
    return ALWAYS if all(byte == EVERY_HOUR for byte in hours) else hours


def _expires_at(account: Account | None, user: dict[str, Any]) -> datetime | None:
    if account is None or user.get("flags", 0) & win32netcon.UF_DONT_EXPIRE_PASSWD:
        return None
    known = logon_sessions.of(account.sid)
    if known is not None:
        return known.must_change_at
    return _by_age(user)


def _by_age(user: dict[str, Any]) -> datetime | None:
    if not user:
        return None
    try:
        longest: int = win32net.NetUserModalsGet(_THIS_PC, 0)["max_passwd_age"]
    except pywintypes.error:
        return None
    if longest == win32netcon.TIMEQ_FOREVER:
        return None
    return datetime.now(UTC) + timedelta(seconds=longest - user["password_age"])
