# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks up accounts and checks a password."""

from __future__ import annotations

import ctypes
import logging
from typing import TYPE_CHECKING

import pywintypes
import win32security
import winerror

from latchkey_agent.domain import BY_WIN32, Account, LogonFacts, LogonRefusal
from latchkey_agent.ports import PortError
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.windows.win32 import account_names, api, logon_sessions, registry
from latchkey_agent.windows.win32.failures import refused

from . import logon_policies

if TYPE_CHECKING:
    from collections.abc import Callable

    from _win32typing import PySID

log = logging.getLogger(__name__)
LOGON32_LOGON_INTERACTIVE = 2
LOGON32_PROVIDER_DEFAULT = 0
MICROSOFT = "MicrosoftAccount"
"""The domain that Windows requires with the address of a Microsoft account."""
ENTRA = "AzureAD"
NGC = (
    r"SOFTWARE\Microsoft\Windows\CurrentVersion\Authentication\Credential Providers"
    r"\{D6886603-9D2F-4EB2-B667-1971041FA96B}"
)
"""The PIN's credential provider. Its key has a subkey for each account with a PIN."""


class WindowsAccounts:
    """Implements ports.Accounts.

    Args:
        device: the PC's name.
        facts: returns the facts that may prevent a logon of the account.
    """

    def __init__(self, device: str, facts: Callable[[Account | None], LogonFacts]) -> None:
        self._device = device
        self._facts = facts

    def find(self, name: str) -> Account | None:
        r"""Look up an account by its name.

        Args:
            name: `user`, `PC\user`, `DOMAIN\user`, `.\user` or a user principal name.

        Returns:
            The account; None if there is no such user account.

        Raises:
            PortError: the lookup failed, for example because no domain controller is reachable.
        """
        found = account_names.look_up(name, self._device, account_names.USERS)
        return None if found is None else self.by_sid(found.sid)

    def by_sid(self, sid: str) -> Account:
        """Return the account of a SID.

        Raises:
            PortError: there is no such account, it has no name any more, or the lookup failed.
        """
        binary: PySID = win32security.ConvertStringSidToSid(sid)
        try:
            user, domain, kind = win32security.LookupAccountSid(None, binary)
        except pywintypes.error as fault:
            raise refused(f"looking up the account {sid}", fault.winerror) from None
        if not user or kind in account_names.UNNAMED:
            raise refused(f"looking up the account {sid}", winerror.ERROR_NONE_MAPPED)
        return self._account(sid, user, domain)

    def _account(self, sid: str, user: str, domain: str) -> Account:
        if domain.casefold() == ENTRA.casefold():
            session_account = logon_sessions.find_account(sid)
            principal = session_account.principal if session_account else ""
            return Account(sid, principal or user, ENTRA, "entra")
        if domain.casefold() != self._device.casefold():
            return Account(sid, user, domain, "domain")
        principal = _internet_principal(user)
        if principal:
            return Account(sid, principal, MICROSOFT, "microsoft")
        return Account(sid, user, domain, "local")

    def check(self, account: Account, password: bytearray) -> LogonRefusal | None:
        """Check a password with one interactive logon.

        Windows notifies the PC's network providers of a success, as at every
        logon (NPLogonNotify; "LogonUserW", Microsoft Learn). An error code that
        is not in `BY_WIN32` counts as a
        refusal, because another try could lock the account.

        Args:
            account: the account.
            password: the password in UTF-16LE; the caller overwrites it.

        Returns:
            The refusal; None if the password is right.

        Raises:
            PortError: Windows refused and gave no reason.
        """
        if not password:
            return LogonRefusal.BLANK_PASSWORD
        if len(password) % 2 or _has_zero(password):
            # A password never contains a zero: Windows would check only the part before it.
            return LogonRefusal.WRONG_PASSWORD
        code = _log_on(account, password)
        if code == winerror.ERROR_LOGON_FAILURE and _looks_like_pin(account, password):
            return LogonRefusal.LOOKS_LIKE_PIN
        return _refusal_for(code)

    def facts(self, account: Account | None) -> LogonFacts:
        """Return the facts that may prevent an unattended logon."""
        return self._facts(account)

    def auto_logon(self) -> bool | None:
        """Return whether Windows signs an account in by itself; None if it cannot be read."""
        return logon_policies.auto_logon()


def _log_on(account: Account, password: bytearray) -> int:
    """Log on and off again; return 0 or the system error code.

    Raises:
        PortError: Windows lacks the function, or refused without an error code.
    """
    domain = None if "@" in account.user and account.kind == "domain" else account.domain
    terminated = password + bytes(2)
    address = ctypes.addressof(ctypes.c_char.from_buffer(terminated))
    token = ctypes.c_void_p()
    # Clear the error code of earlier calls.
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
        raise PortError(f"cannot check the password: {fault}") from None
    finally:
        wipe(terminated)
    if token.value:
        api.CloseHandle(token)
    if not succeeded and not code:
        msg = "cannot check the password: Windows refused the logon and gave no reason"
        raise PortError(msg)
    return code


def _refusal_for(code: int) -> LogonRefusal | None:
    """Return the refusal for a system error code of LogonUserW; None for success."""
    if not code:
        return None
    if code not in BY_WIN32:
        log.warning("Windows refused a logon with an undocumented code (Windows error %d)", code)
    return BY_WIN32.get(code, LogonRefusal.OTHER)


def _has_zero(password: bytearray) -> bool:
    return any(not password[at] and not password[at + 1] for at in range(0, len(password), 2))


def _looks_like_pin(account: Account, password: bytearray) -> bool:
    digits = all(
        password[at + 1] == 0 and ord("0") <= password[at] <= ord("9") for at in range(0, len(password), 2)
    )
    return digits and registry.exists(rf"{NGC}\{account.sid}")


def _internet_principal(user: str) -> str:
    """Return the address of the Microsoft account that a local account belongs to; empty if none."""
    buffer = ctypes.c_void_p()
    if api.NetUserGetInfo(None, user, 24, ctypes.byref(buffer)):
        return ""
    try:
        info = ctypes.cast(buffer, ctypes.POINTER(api.InternetIdentity)).contents
        return (info.principal or "") if info.is_internet_identity else ""
    finally:
        api.NetApiBufferFree(buffer)
