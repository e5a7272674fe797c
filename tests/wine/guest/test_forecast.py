# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that may prevent an unattended logon, each as Windows has it and each as unknown."""

from __future__ import annotations

import subprocess
import uuid
import winreg
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pywintypes
import win32net
import win32security
import win32ts

from latchkey_agent.domain import ALWAYS, NEVER, UNLIMITED, LogonFacts
from latchkey_agent.domain.model import Account
from latchkey_agent.windows.ports import account_facts, disk_facts, logon_facts, logon_policies, power_facts
from latchkey_agent.windows.ports.accounts import WindowsAccounts
from latchkey_agent.windows.ports.logon_policies import (
    AUTHENTICATION,
    CLASS,
    ENVIRONMENT,
    FILTERS,
    OWN_POLICY,
    PASSWORDLESS,
    POLICIES,
    POWER,
    PROVIDER,
    PROVIDERS,
    WINLOGON,
    Reading,
)
from latchkey_agent.windows.win32 import api, logon_sessions, registry

from .conftest import refusing

SID = "S-1-5-21-7-7-7-1001"
GROUP = "S-1-5-21-7-7-7-513"
ANNA = Account(SID, "anna", "PC", "local")
DWORD, SZ = winreg.REG_DWORD, winreg.REG_SZ


@pytest.fixture
def provider(hklm: Any) -> None:
    """Register Latchkey's credential provider, with a file as its library."""
    hklm(rf"{PROVIDERS}\{PROVIDER}")
    hklm(CLASS)
    winreg.SetValue(winreg.HKEY_LOCAL_MACHINE, CLASS, SZ, __file__)


def test_a_missing_provider_counts_as_excluded() -> None:
    """A provider that is not registered cannot sign the customer in."""
    found = logon_facts.facts(None)
    assert found.provider_excluded
    assert dict(found.places)["provider_excluded"] == rf"HKLM\{PROVIDERS}\{PROVIDER}"


@pytest.mark.usefixtures("provider")
def test_a_provider_without_its_file_counts_as_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A registration whose library is gone loads nothing."""
    monkeypatch.setattr(Path, "is_file", lambda _: False)
    assert dict(logon_facts.facts(None).places)["provider_excluded"] == rf"HKLM\{CLASS}\(default)"


@pytest.mark.plain
@pytest.mark.usefixtures("provider")
def test_a_pc_with_default_settings_has_no_obstacle() -> None:
    """Nothing of the PC prevents an unattended logon. Only what Wine lacks is unknown: power plans."""
    found = logon_facts.facts(None)
    off: dict[str, Any] = {reading.fact: False for reading in logon_policies.readings()}
    off |= dict.fromkeys(("on_battery", "sleeps_on_battery", "remote_view"), False)
    known = {**off, "restart_sign_on": True, "restarts_without_pin": UNLIMITED}
    expected = LogonFacts()._replace(**known)
    assert found._replace(places=()) == expected


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("fact", "key", "name", "data", "kind"),
    [
        ("auto_logon", WINLOGON, "AutoAdminLogon", "1", SZ),
        ("auto_logon", WINLOGON, "AutoAdminLogon", 1, DWORD),
        ("auto_logon", WINLOGON, "ForceAutoLockOnLogon", 1, DWORD),
        ("logon_banner", POLICIES, "LegalNoticeText", "Nur mit Erlaubnis", SZ),
        ("logon_banner", POLICIES, "LegalNoticeText", ["", "Nur mit Erlaubnis"], winreg.REG_MULTI_SZ),
        ("logon_banner", WINLOGON, "LegalNoticeCaption", "Hinweis", SZ),
        ("users_hidden", POLICIES, "DontDisplayLastUserName", 1, DWORD),
        ("smart_card_required", POLICIES, "scforceoption", 1, DWORD),
        ("passwordless_only", PASSWORDLESS, "DevicePasswordLessBuildVersion", 2, DWORD),
        ("passwordless_only", AUTHENTICATION, "EnablePasswordlessExperience", 1, DWORD),
        ("provider_excluded", POLICIES, "ExcludedCredentialProviders",
         "{60B78E88-EAD8-445C-9CFD-0B87F74EA6CD}," + PROVIDER.upper(), SZ),
        ("provider_excluded", rf"{PROVIDERS}\{PROVIDER}", "Disabled", 1, DWORD),
        ("provider_excluded", OWN_POLICY, "DisableCredentialProvider", 1, DWORD),
        ("other_processor", ENVIRONMENT, "PROCESSOR_ARCHITECTURE", "ARM64", SZ),
        ("locked_user_hidden", POLICIES, "DontDisplayLockedUserId", 3, DWORD),
        ("lock_disabled", POLICIES, "DisableLockWorkstation", 1, DWORD),
        ("lock_disabled", WINLOGON, "DisableLockWorkstation", 1, DWORD),
        ("locks_when_idle", POLICIES, "InactivityTimeoutSecs", 900, DWORD),
        ("device_lockout", POLICIES, "MaxDevicePasswordFailedAttempts", 10, DWORD),
        ("ctrl_alt_del", POLICIES, "DisableCAD", 0, DWORD),
        ("fast_startup", POWER, "HiberbootEnabled", 1, DWORD),
    ],
)  # fmt: skip
def test_each_policy_sets_its_own_fact(
    hklm: Any, fact: str, key: str, name: str, data: object, kind: int
) -> None:  # fmt: skip
    """No other fact changes, and the forecast names the setting."""
    before = logon_facts.facts(None)._replace(places=())
    hklm(key, name, data, kind)
    after = logon_facts.facts(None)
    change: dict[str, Any] = {fact: True}
    assert after._replace(places=()) == before._replace(**change)
    assert dict(after.places)[fact] == rf"HKLM\{key}\{name}"


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("key", "name", "data", "kind"),
    [
        (POLICIES, "DisableAutomaticRestartSignOn", 1, DWORD),
        (WINLOGON, "ARSOUserConsent", 2, DWORD),
    ],
)
def test_windows_own_sign_on_can_be_off(hklm: Any, key: str, name: str, data: int, kind: int) -> None:
    """By default Windows may sign the last user in after a restart; a policy and the owner's choice forbid it."""
    assert logon_facts.facts(None).restart_sign_on
    hklm(key, name, data, kind)
    facts = logon_facts.facts(None)
    assert facts.restart_sign_on is False
    assert dict(facts.places)["restart_sign_on"] == rf"HKLM\{key}\{name}"


@pytest.mark.usefixtures("provider")
def test_a_filter_of_another_program_is_found(hklm: Any) -> None:
    """Windows' own filter does not count. A foreign one is named."""
    hklm(rf"{FILTERS}\{{DDC0EED2-ADBE-40B6-A217-EDE16A79A0DE}}")
    assert logon_facts.facts(None).credential_filter is False
    hklm(rf"{FILTERS}\{{06BEC7B3-65ED-4DAD-A5C5-48C81928D2B2}}")
    found = logon_facts.facts(None)
    assert found.credential_filter
    assert dict(found.places)["credential_filter"].endswith(r"\{06BEC7B3-65ED-4DAD-A5C5-48C81928D2B2}")


def test_a_registry_that_cannot_be_read_makes_its_facts_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fact of the registry is unknown then, and none is taken for absent."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(registry, "setting", refuse)
    monkeypatch.setattr(registry, "keys_below", refuse)
    assert {logon_policies.settle([reading]).value for reading in logon_policies.readings()} == {None}


def test_a_setting_of_another_type_is_unknown(hklm: Any) -> None:
    """A text where a number belongs says nothing; an empty one is none."""
    hklm(POLICIES, "DontDisplayLastUserName", "yes")
    assert logon_facts.facts(None).users_hidden is None
    hklm(POLICIES, "DontDisplayLastUserName", "")
    assert logon_facts.facts(None).users_hidden is False
    hklm(POLICIES, "DontDisplayLastUserName", b"1", winreg.REG_BINARY)
    assert logon_facts.facts(None).users_hidden is None
    hklm(ENVIRONMENT, "PROCESSOR_ARCHITECTURE", 1, DWORD)
    assert logon_facts.facts(None).other_processor is None


def test_a_key_that_cannot_be_opened_is_not_taken_for_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a missing key or value is absent."""
    assert registry.setting(r"SOFTWARE\Nothing", "x") is None
    assert registry.keys_below(r"SOFTWARE\Nothing") == []

    def refuse(*_: object, **_named: object) -> None:
        raise PermissionError

    monkeypatch.setattr(winreg, "OpenKey", refuse)
    with pytest.raises(PermissionError):
        registry.setting(POLICIES, "x")
    with pytest.raises(PermissionError):
        registry.keys_below(POLICIES)


def test_automatic_sign_on_is_known_at_once(monkeypatch: pytest.MonkeyPatch, hklm: Any) -> None:
    """The agent asks for it before it locks a desktop, so it must not wait for a program of Windows."""

    def slow(*_: object, **_named: object) -> None:
        raise AssertionError

    monkeypatch.setattr(subprocess, "run", slow)
    accounts = WindowsAccounts("PC", slow)  # type: ignore[arg-type]
    assert accounts.auto_logon() is False
    hklm(WINLOGON, "AutoAdminLogon", "1")
    assert accounts.auto_logon()


@pytest.mark.parametrize(
    ("values", "value", "place"),
    [
        ((False, True, None), True, "1"),
        ((False, None, False), None, "1"),
        ((False, False), False, "0"),
        ((None, True), True, "1"),
    ],
)
def test_one_setting_that_is_on_decides(values: tuple[bool | None, ...], value: object, place: str) -> None:
    """A fact that several settings can set is unknown only if none of them is on and one is unknown."""
    readings = [Reading("fact", each, str(number)) for number, each in enumerate(values)]
    assert logon_policies.settle(readings) == Reading("fact", value, place)


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(("data", "found"), [("", False), ("  ", False), ("x", True)])
def test_an_empty_banner_is_no_obstacle(hklm: Any, data: str, found: bool) -> None:  # noqa: FBT001
    """A banner without a text does not count, because Windows does not show it."""
    hklm(POLICIES, "LegalNoticeCaption", data)
    assert logon_facts.facts(None).logon_banner is found


def test_online_accounts_are_recognized() -> None:
    """A Microsoft and an Entra account are online accounts. A domain account is not."""
    kinds = {"local": False, "domain": False, "microsoft": True, "entra": True}
    found = {
        kind: logon_facts.facts(Account(SID, "x", "Y", kind)).microsoft_or_entra  # type: ignore[arg-type]
        for kind in kinds
    }
    assert found == kinds


def user(**values: object) -> dict[str, Any]:
    """Return USER_INFO_3 of an account without limits, changed."""
    return {"flags": 0, "acct_expires": 0xFFFFFFFF, "logon_hours": b"\xff" * 21, "password_age": 0, **values}


@pytest.mark.parametrize(
    ("info", "closed", "blank"),
    [
        (user(), False, False),
        (user(flags=0x2), True, False),
        (user(flags=0x10), True, False),
        (user(flags=0x20), False, True),
        (user(acct_expires=1), True, False),
        (user(acct_expires=0), False, False),
        (user(acct_expires=4102444800), False, False),
        ({}, None, None),
    ],
)
def test_a_local_account_has_its_flags(
    monkeypatch: pytest.MonkeyPatch, info: dict[str, Any], *, closed: bool | None, blank: bool | None
) -> None:
    """Disabled, locked out, expired and blank are known of a local account, and unknown where Windows is silent."""
    monkeypatch.setattr(win32net, "NetUserGetInfo", lambda *_: info)
    found = logon_facts.facts(ANNA)
    assert (found.account_closed, found.blank_password) == (closed, blank)


def test_of_an_account_that_windows_does_not_tell_all_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A domain account that is not signed in has neither expiry nor hours here: unknown, not never and always."""
    monkeypatch.setattr(win32net, "NetUserGetInfo", refusing(2221))
    for kind in ("local", "domain", "entra"):
        found = logon_facts.facts(Account(SID, "anna", "PC", kind))
        unknown = (found.password_expires_at, found.logon_hours, found.blank_password, found.account_closed)
        assert unknown == (None, None, None, None)


def test_the_age_of_a_password_gives_its_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password of 40 days expires in two days if the maximum age is 42 days; without a maximum it never does."""
    forty = user(password_age=40 * 86400)
    monkeypatch.setattr(win32net, "NetUserModalsGet", lambda *_: {"max_passwd_age": 42 * 86400})
    found = account_facts._expires_at(forty, None)
    assert found is not None
    assert abs(found - datetime.now(UTC) - timedelta(days=2)) < timedelta(seconds=5)
    assert account_facts._expires_at(user(flags=0x10000), None) == NEVER
    monkeypatch.setattr(win32net, "NetUserModalsGet", lambda *_: {"max_passwd_age": 0xFFFFFFFF})
    assert account_facts._expires_at(forty, None) == NEVER
    monkeypatch.setattr(win32net, "NetUserModalsGet", refusing(5))
    assert account_facts._expires_at(forty, None) is None


def test_the_session_of_a_domain_account_tells_expiry_and_hours() -> None:
    """Of a signed-in account the LSA knows when the password expires, and whether there are logon hours at all."""
    soon = datetime(2030, 1, 1, tzinfo=UTC)
    unlimited = logon_sessions.SessionAccount(SID, "", None, never_ends=True)
    limited = logon_sessions.SessionAccount(SID, "", soon, never_ends=False)
    assert account_facts._expires_at({}, unlimited) == NEVER
    assert account_facts._expires_at({}, limited) == soon
    assert account_facts._logon_hours({}, unlimited) == ALWAYS
    assert account_facts._logon_hours({}, limited) is None


@pytest.mark.plain
@pytest.mark.usefixtures("provider")
def test_the_policy_for_ctrl_alt_del_overrides_the_setting(hklm: Any) -> None:
    """If the policy does not require Ctrl+Alt+Del, Winlogon's own setting does not count."""
    hklm(WINLOGON, "DisableCAD", 0, winreg.REG_DWORD)
    assert logon_facts.facts(None).ctrl_alt_del
    hklm(POLICIES, "DisableCAD", 1, winreg.REG_DWORD)
    assert not logon_facts.facts(None).ctrl_alt_del


@pytest.mark.parametrize(
    ("stored", "hours"),
    [
        (b"\xff" * 21, b""),
        (None, b""),
        (b"\x00" * 21, b"\x00" * 21),
        (b"\xff" * 20 + b"\x7f", b"\xff" * 20 + b"\x7f"),
    ],
)
def test_logon_hours_are_returned_if_they_are_limited(stored: bytes | None, hours: bytes) -> None:
    """An account that may sign in at any time has none."""
    assert account_facts._logon_hours(user(logon_hours=stored), None) == hours


@pytest.mark.parametrize(
    ("kind", "name", "data", "found"),
    [
        ("domain", "CachedLogonsCount", "0", True),
        ("domain", "CachedLogonsCount", "10", False),
        ("domain", "ForceUnlockLogon", 1, True),
        ("local", "CachedLogonsCount", "0", False),
    ],
)
def test_a_domain_account_may_need_its_domain(
    hklm: Any, kind: str, name: str, data: int | str, *, found: bool
) -> None:
    """Without cached logons Windows asks a domain controller, for domain accounts only."""
    hklm(WINLOGON, name, data, DWORD if isinstance(data, int) else SZ)
    facts = logon_facts.facts(Account(SID, "anna", "D", kind))  # type: ignore[arg-type]
    assert facts.needs_domain_controller is found


def test_a_hidden_account_is_found(hklm: Any) -> None:
    """Winlogon's list of special accounts leaves an account out of the logon screen."""
    assert logon_facts.facts(ANNA).account_hidden is False
    hklm(account_facts.HIDDEN, "anna", 0, DWORD)
    assert logon_facts.facts(ANNA).account_hidden


@pytest.mark.parametrize(
    ("status", "last", "found"),
    [(2, "S-1-5-21-7-7-7-1002", False), (3, SID, False), (3, "S-1-5-21-7-7-7-1002", True), (3, None, None)],
)
def test_a_joined_pc_shows_the_last_user(
    monkeypatch: pytest.MonkeyPatch, hklm: Any, status: int, last: str | None, *, found: bool | None
) -> None:
    """On a PC of a domain only the account that signed in last has a tile. No record of it is unknown."""
    monkeypatch.setattr(win32net, "NetGetJoinInformation", lambda *_: ("D", status))
    if last:
        hklm(account_facts.LOGON_UI, "LastLoggedOnUserSID", last)
    assert logon_facts.facts(ANNA).not_last_user is found


def test_a_pc_of_entra_is_joined(monkeypatch: pytest.MonkeyPatch, hklm: Any) -> None:
    """Windows keeps a key for each Entra tenant that the PC is joined to."""
    hklm(account_facts.LOGON_UI, "LastLoggedOnUserSID", "S-1-12-1-1")
    assert logon_facts.facts(ANNA).not_last_user is False
    hklm(rf"{account_facts.ENTRA}\0123")
    assert logon_facts.facts(ANNA).not_last_user
    monkeypatch.setattr(win32net, "NetGetJoinInformation", refusing(5))
    assert logon_facts.facts(ANNA).not_last_user is None


class Rights:
    """A stand-in for Windows' account rights and the groups of the signed-in account.

    Args:
        deny: the SIDs that may not sign in at the screen.
        groups: the groups of the signed-in account; None if it is not signed in.
        allow: the SIDs that may.
    """

    def __init__(self, deny: set[str], groups: set[str] | None, allow: set[str]) -> None:
        self._sids = {account_facts.DENY: deny, account_facts.ALLOW: allow}
        self._groups = groups

    def holders(self, _policy: object, right: str) -> list[Any]:
        """Return the holders as LsaEnumerateAccountsWithUserRight does; none is an error."""
        if not self._sids[right]:
            raise pywintypes.error(259, "function", "no more items")
        return [win32security.ConvertStringSidToSid(sid) for sid in self._sids[right]]

    def token(self, session: int) -> str:
        """Return the token of session 1; session 0 has none."""
        if not session:
            raise pywintypes.error(1008, "function", "no token")
        return "token"

    def information(self, _token: str, kind: int) -> Any:
        """Return user or groups of the token."""
        to_sid = win32security.ConvertStringSidToSid
        if kind == win32security.TokenUser:
            return (to_sid(SID if self._groups is not None else "S-1-5-18"), 0)
        return [(to_sid(sid), 7) for sid in self._groups or ()]


USERS = "S-1-5-32-545"


@pytest.mark.parametrize(
    ("deny", "groups", "allow", "found"),
    [
        (set(), {USERS}, {USERS}, False),
        ({GROUP}, {USERS}, {USERS}, False),
        ({GROUP}, {USERS, GROUP}, {USERS}, True),
        ({SID}, {USERS}, {USERS}, True),
        (set(), {USERS}, {GROUP}, True),
        (set(), {USERS}, set(), True),
        (set(), None, {USERS}, False),
        ({SID}, None, {USERS}, True),
        ({"S-1-5-11"}, None, {USERS}, True),
        ({"S-1-5-32-546"}, None, {USERS}, None),
        ({"S-1-5-21-9-9-9-9"}, None, {USERS}, None),
    ],
)
def test_the_right_to_sign_in_is_that_of_the_account_and_its_groups(
    monkeypatch: pytest.MonkeyPatch,
    deny: set[str],
    groups: set[str] | None,
    allow: set[str],
    *,
    found: bool | None,
) -> None:
    """The groups are those of the signed-in account. Without it, a right of a group makes the fact unknown."""
    rights = Rights(deny, groups, allow)
    monkeypatch.setattr(win32security, "LsaEnumerateAccountsWithUserRight", rights.holders)
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", lambda *_: [{"SessionId": n} for n in (0, 1)])
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", rights.token)
    monkeypatch.setattr(win32security, "GetTokenInformation", rights.information)
    monkeypatch.setattr(win32security, "LookupAccountSid", look_up)
    assert account_facts._denied(SID) is found


def look_up(_server: None, sid: Any) -> tuple[str, str, int]:
    """Return Guests as a group, and no other account."""
    if win32security.ConvertSidToStringSid(sid) != "S-1-5-32-546":
        raise pywintypes.error(1332, "function", "none mapped")
    return ("Guests", "BUILTIN", win32security.SidTypeAlias)


def test_a_right_of_another_user_does_not_concern_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """By default Windows denies the logon to the account Guest only."""
    monkeypatch.setattr(account_facts, "_holders", lambda _: frozenset({"S-1-5-21-7-7-7-501"}))
    monkeypatch.setattr(account_facts, "_groups", lambda _: None)
    monkeypatch.setattr(account_facts, "_is_user", lambda _: True)
    assert account_facts._denied(SID) is False


def test_rights_that_cannot_be_read_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal of the LSA is no permission."""
    monkeypatch.setattr(win32security, "LsaEnumerateAccountsWithUserRight", refusing(5))
    assert account_facts._denied(SID) is None


@pytest.mark.parametrize(("data", "found"), [(1, True), (0, False), (None, False)])
def test_a_users_policy_against_locking_is_found(data: int | None, *, found: bool) -> None:
    """The policy lies in the user's part of the registry."""
    key = rf"{SID}\{account_facts.USER_POLICIES}"
    winreg.CreateKeyEx(winreg.HKEY_USERS, key)
    try:
        if data is not None:
            winreg.SetValueEx(
                winreg.CreateKeyEx(winreg.HKEY_USERS, key), "DisableLockWorkstation", 0, DWORD, data
            )
        assert account_facts._lock_disabled(SID) is found
    finally:
        while key:
            winreg.DeleteKey(winreg.HKEY_USERS, key)
            key = key.rpartition("\\")[0]


def test_the_policies_of_an_account_that_is_away_are_unknown() -> None:
    """Windows loads a user's part of the registry at the sign-in."""
    assert account_facts._lock_disabled("S-1-5-21-7-7-7-4711") is None


def test_filetimes_that_mean_never_are_none() -> None:
    """0 and the largest FILETIME mean never. Other values count units of 100 ns since 1601."""
    assert logon_sessions.moment(0) is None
    assert logon_sessions.moment(logon_sessions.NEVER) is None
    assert logon_sessions.moment(116444736000000000) == datetime(1970, 1, 1, tzinfo=UTC)


GUID = b"{12345678-9ABC-4DEF-8123-456789ABCDEF}"


class Disk:
    """A stand-in for manage-bde and PowerShell.

    Args:
        status: the exit code of `manage-bde -status`.
        protectors: the kinds of protectors.
        count: what GetSuspendCount prints.
        code: its exit code.
    """

    def __init__(self, status: int, protectors: set[str], count: bytes = b"", code: int = 0) -> None:
        self._status = status
        self._protectors = protectors
        self._count = count
        self._code = code

    def run(self, program: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Answer as the program does."""
        if program.name == "powershell.exe":
            assert "DriveLetter='C:'" in arguments[-1]
            return subprocess.CompletedProcess(arguments, self._code, self._count)
        if arguments[0] == "-status":
            return subprocess.CompletedProcess(arguments, self._status, b"Schutz")
        has = bool(self._protectors) if arguments[-1] == "C:" else arguments[-1] in self._protectors
        output = b"TPM und PIN:\r\n  ID: " + GUID if has else b"FEHLER: nichts gefunden"
        return subprocess.CompletedProcess(arguments, 0 if has else -1, output)


@pytest.mark.parametrize(
    ("disk", "restarts"),
    [
        (Disk(0, {"TPMAndPIN"}), 0),
        (Disk(0, {"TPMAndStartupKey"}), 0),
        (Disk(0, {"Password"}), 0),
        (Disk(0, {"TPM"}), UNLIMITED),
        (Disk(0, set()), None),
        (Disk(1, set()), UNLIMITED),
        (Disk(1, {"TPM"}), UNLIMITED),
        (Disk(1, {"TPMAndPIN"}, b"2\r\n"), 2),
        (Disk(1, {"TPMAndPIN"}, b"0\r\n"), UNLIMITED),
        (Disk(1, {"TPMAndPIN"}, b""), None),
        (Disk(1, {"TPMAndPIN"}, b"2", code=1), None),
        (Disk(-1, {"TPMAndPIN"}), None),
    ],
)
def test_bitlocker_tells_how_many_restarts_need_no_pin(
    monkeypatch: pytest.MonkeyPatch, disk: Disk, restarts: int | None
) -> None:
    """This works in every language of Windows: only exit codes, GUIDs and numbers count. An error is unknown."""
    monkeypatch.setattr(disk_facts, "_run", disk.run)
    assert disk_facts.restarts_without_pin() == restarts


@pytest.mark.parametrize(
    ("fault", "restarts"),
    [
        (FileNotFoundError(), UNLIMITED),
        (PermissionError(), None),
        (subprocess.TimeoutExpired("manage-bde", 20), None),
    ],
)
def test_a_windows_without_bitlocker_needs_no_pin(
    monkeypatch: pytest.MonkeyPatch, fault: Exception, restarts: int | None
) -> None:
    """A missing manage-bde.exe means no BitLocker. One that does not answer is unknown."""

    def fail(*_: object, **_named: object) -> None:
        raise fault

    monkeypatch.setattr(subprocess, "run", fail)
    assert disk_facts.restarts_without_pin() == restarts


class PowerPlan:
    """A stand-in for Windows' power plans.

    Args:
        seconds: until sleep; 0 for never.
        no_plan: the error code for reading the plan.
        no_value: the error code for reading the setting.
    """

    def __init__(self, seconds: int = 0, no_plan: int = 0, no_value: int = 0) -> None:
        self._seconds = seconds
        self._no_plan = no_plan
        self._no_value = no_value
        self._plan = api.Guid(1)
        self.freed: list[bool] = []

    def active(self, _root: None, place: Any) -> int:
        """Return a pointer as PowerGetActiveScheme does; the caller frees it."""
        if not self._no_plan:
            place._obj.contents = self._plan
        return self._no_plan

    def value(self, _root: None, plan: Any, group: Any, setting: Any, place: Any) -> int:
        """Return the time until sleep as PowerReadACValueIndex does."""
        assert bytes(plan.contents) == bytes(self._plan)
        assert bytes(group._obj) == uuid.UUID("238c9fa8-0aad-41ed-83f4-97be242c8f20").bytes_le
        assert bytes(setting._obj) == uuid.UUID("29f6c1db-86da-48c5-9fdb-f2b67b1f44da").bytes_le
        place._obj.value = self._seconds
        return self._no_value

    def free(self, plan: Any) -> None:
        """Record whether there was a plan to free."""
        self.freed.append(bool(plan))


def powered(patch: pytest.MonkeyPatch, plan: PowerPlan, *, mains: int = 1, battery: int = 128) -> None:
    """Replace Windows' power functions with this plan and this supply."""

    def supply(place: Any) -> int:
        place._obj.mains, place._obj.battery = mains, battery
        return 1

    patch.setattr(power_facts, "PowerGetActiveScheme", plan.active)
    patch.setattr(power_facts, "PowerReadACValueIndex", plan.value)
    patch.setattr(power_facts, "PowerReadDCValueIndex", plan.value)
    patch.setattr(power_facts, "GetSystemPowerStatus", supply)
    patch.setattr(power_facts, "LocalFree", plan.free)


@pytest.mark.parametrize(
    ("plan", "found", "freed"),
    [
        (PowerPlan(seconds=1800), True, True),
        (PowerPlan(seconds=0), False, True),
        (PowerPlan(seconds=1800, no_value=2), None, True),
        (PowerPlan(seconds=1800, no_plan=5), None, False),
    ],
)
def test_a_pc_sleeps_if_its_power_plan_has_a_time(
    monkeypatch: pytest.MonkeyPatch, plan: PowerPlan, *, found: bool | None, freed: bool
) -> None:
    """0 seconds mean never. A failed query is unknown. The plan's memory is freed."""
    powered(monkeypatch, plan)
    facts = logon_facts.facts(None)
    assert (facts.sleeps_when_idle, facts.sleeps_on_battery) == (found, False)
    assert plan.freed == [freed]


@pytest.mark.parametrize(
    ("mains", "battery", "on_battery", "sleeps_on_battery"),
    [
        (1, 128, False, False),
        (1, 8, False, True),
        (0, 1, True, True),
        (255, 255, None, None),
    ],
)
def test_a_laptop_is_told_from_a_desktop(
    monkeypatch: pytest.MonkeyPatch,
    mains: int,
    battery: int,
    *,
    on_battery: bool | None,
    sleeps_on_battery: bool | None,
) -> None:
    """The plan for the battery counts only if there is one."""
    powered(monkeypatch, PowerPlan(seconds=600), mains=mains, battery=battery)
    facts = logon_facts.facts(None)
    assert (facts.on_battery, facts.sleeps_on_battery) == (on_battery, sleeps_on_battery)


def test_a_windows_that_does_not_tell_its_power_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing function, or one that fails, is unknown."""

    def absent(*_: object) -> int:
        raise OSError

    powered(monkeypatch, PowerPlan())
    monkeypatch.setattr(power_facts, "PowerGetActiveScheme", absent)
    monkeypatch.setattr(power_facts, "GetSystemPowerStatus", absent)
    facts = logon_facts.facts(None)
    assert (facts.sleeps_when_idle, facts.sleeps_on_battery, facts.on_battery) == (None, None, None)
    monkeypatch.setattr(power_facts, "GetSystemPowerStatus", lambda _: 0)
    assert logon_facts.facts(None).on_battery is None


@pytest.mark.parametrize(
    ("states", "found"),
    [
        ([win32ts.WTSActive, win32ts.WTSListen], False),
        ([win32ts.WTSActive, win32ts.WTSShadow], True),
        ([win32ts.WTSDisconnected, win32ts.WTSConnected], False),
        ([], False),
    ],
)
def test_a_session_that_shadows_another_is_a_remote_view(
    monkeypatch: pytest.MonkeyPatch, states: list[int], *, found: bool
) -> None:
    """Any such session counts, because Windows does not say which session it views."""
    sessions = [{"SessionId": n, "WinStationName": "", "State": state} for n, state in enumerate(states)]
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", lambda *_: sessions)
    assert logon_facts.facts(None).remote_view is found


def test_sessions_that_cannot_be_listed_leave_the_remote_view_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A failed query is no fact."""
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", refusing(5))
    assert logon_facts.facts(None).remote_view is None
