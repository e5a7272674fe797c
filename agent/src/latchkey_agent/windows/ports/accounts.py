# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts that can sign in, and the one check of a password."""

from __future__ import annotations

import ctypes
import logging
from typing import TYPE_CHECKING

import pywintypes
import win32security
import winerror

from latchkey_agent.domain import BY_WIN32, INCONCLUSIVE_ERRORS, Account, LogonRefusal
from latchkey_agent.ports import LogonFacts, PortError
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.windows.win32 import api, logon_sessions, registry
from latchkey_agent.windows.win32.failures import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from _win32typing import PySID

log = logging.getLogger(__name__)
LOGON32_LOGON_INTERACTIVE = 2
LOGON32_PROVIDER_DEFAULT = 0
MICROSOFT = "MicrosoftAccount"
"""The domain under which Windows takes a Microsoft account's address."""
ENTRA = "AzureAD"
NGC = (
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\Credential Providers"
    r"\{D6886603-9D2F-4EB2-B667-1971041FA96B}"
)
"""The PIN's credential provider; its key has one for each account that set up a PIN."""


class WindowsAccounts:
    """ports.Accounts; `device` is the PC's name, `facts` looks for what stands in the way of a logon."""

    def __init__(self, device: str, facts: Callable[[Account | None], LogonFacts]) -> None:
        self._device = device
        self._facts = facts

    def find(self, name: str) -> Account | None:
        r"""Resolve `user`, `PC\user`, `DOMAIN\user`, `.\user` or a user principal name.

        Raises:
            PortError: Windows cannot tell now, for example with no domain controller in reach.
        """
        domain, _, user = name.rpartition("\\")
        asked = f"{self._device}\\{user}" if domain == "." else name
        try:
            sid, _, kind = win32security.LookupAccountName(None, asked)
        except pywintypes.error as fault:
            if fault.winerror in {winerror.ERROR_NONE_MAPPED, winerror.ERROR_INVALID_PARAMETER}:
                return None
            raise refused(f"looking up the account {name}", fault.winerror) from None
        if kind != win32security.SidTypeUser:
            return None
        return self.by_sid(win32security.ConvertSidToStringSid(sid))

    def by_sid(self, sid: str) -> Account:
        """Return the account of a SID.

        Raises:
            PortError: there is none, or Windows cannot tell now.
        """
        binary: PySID = win32security.ConvertStringSidToSid(sid)
        try:
            user, domain, _ = win32security.LookupAccountSid(None, binary)
        except pywintypes.error as fault:
            raise refused(f"looking up the account {sid}", fault.winerror) from None
        return self._account(sid, user, domain)

    def _account(self, sid: str, user: str, domain: str) -> Account:
        if domain.casefold() == ENTRA.casefold():
            known = logon_sessions.of(sid)
            return Account(sid, known.principal if known and known.principal else user, ENTRA, "entra")
        if domain.casefold() != self._device.casefold():
            return Account(sid, user, domain, "domain")
        principal = _internet_principal(user)
        if principal:
            return Account(sid, principal, MICROSOFT, "microsoft")
        return Account(sid, user, domain, "local")

    def check(self, account: Account, password: bytearray) -> LogonRefusal | None:
        """Try the password once, as an interactive logon.

        Network providers of the PC are told of a success, as at every logon
        (NPLogonNotify; "LogonUserW", Microsoft Learn). A code that is neither
        in `BY_WIN32` nor in `INCONCLUSIVE_ERRORS` counts as a refusal: to try such a
        password again could lock the account out.

        Raises:
            PortError: Windows failed in a way that says nothing about the password.
        """
        if not password:
            return LogonRefusal.BLANK_PASSWORD
        if len(password) % 2 or _has_zero(password):
            # No password contains a zero: Windows would check only what comes before it.
            return LogonRefusal.WRONG_PASSWORD
        code = _log_on(account, password)
        if code == winerror.ERROR_LOGON_FAILURE and _looks_like_pin(account, password):
            return LogonRefusal.LOOKS_LIKE_PIN
        return _verdict(code)

    def facts(self, account: Account | None) -> LogonFacts:
        """Return what may stand in the way of an unattended logon."""
        return self._facts(account)


def _log_on(account: Account, password: bytearray) -> int:
    """Log on and off again; returns 0 or the system error code.

    Raises:
        PortError: Windows has no such function, or says neither yes nor why not.
    """
    domain = None if "@" in account.user and account.kind == "domain" else account.domain
    ended = password + bytes(2)
    address = ctypes.addressof(ctypes.c_char.from_buffer(ended))
    token = ctypes.c_void_p()
    # What an earlier call has left must not pass for the answer to this one.
    ctypes.set_last_error(0)
    try:
        succeeded = api.LogonUserW(
            account.user,
            domain,
            address,
            LOGON32_LOGON_INTERACTIVE,
            LOGON32_PROVIDER_DEFAULT,
            ctypes.byref(token),
        )
        code = 0 if succeeded else ctypes.get_last_error()
    except OSError as fault:
        raise PortError(f"the password could not be checked: {fault}") from None
    finally:
        wipe(ended)
    if token.value:
        api.CloseHandle(token)
    if not succeeded and not code:
        msg = "the password could not be checked: Windows refused the logon and gave no reason"
        raise PortError(msg)
    return code


def _verdict(code: int) -> LogonRefusal | None:
    """Return what a system error code of LogonUserW says of the password; None: it is right.

    Raises:
        PortError: it says nothing of the password.
    """
    if not code:
        return None
    if code in INCONCLUSIVE_ERRORS:
        raise refused("checking the password", code)
    if code not in BY_WIN32:
        log.warning("Windows refused a logon for a reason that it does not document (Windows error %d)", code)
    return BY_WIN32.get(code, LogonRefusal.OTHER)


def _has_zero(password: bytearray) -> bool:
    return any(not password[at] and not password[at + 1] for at in range(0, len(password), 2))


def _looks_like_pin(account: Account, password: bytearray) -> bool:
    digits = all(
        password[at + 1] == 0 and ord("0") <= password[at] <= ord("9") for at in range(0, len(password), 2)
    )
    return digits and registry.exists(rf"{NGC}\{account.sid}")


def _internet_principal(user: str) -> str:
    """Return the address of the Microsoft account that a local account belongs to, or nothing."""
    buffer = ctypes.c_void_p()
    if api.NetUserGetInfo(None, user, 24, ctypes.byref(buffer)):
        return ""
    try:
        info = ctypes.cast(buffer, ctypes.POINTER(api.InternetIdentity)).contents
        return (info.principal or "") if info.is_internet_identity else ""
    finally:
        api.NetApiBufferFree(buffer)
