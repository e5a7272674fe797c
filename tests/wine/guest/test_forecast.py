# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of an unattended logon is found, and nothing else."""

from __future__ import annotations

import subprocess
import winreg
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import win32net

from latchkey_agent.domain.model import Account
from latchkey_agent.ports import LogonFacts
from latchkey_agent.windows import (
    forecast,
    logon_sessions,
)


@pytest.fixture
def provider(hklm: Any) -> None:
    """Our credential provider is registered."""
    hklm(rf"{forecast._PROVIDERS}\{forecast.PROVIDER}")


def test_a_pc_without_the_provider_signs_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not registered is as bad as excluded."""
    assert forecast.facts(None).provider_excluded


@pytest.mark.usefixtures("provider")
def test_nothing_stands_in_the_way_of_a_plain_pc() -> None:
    """What is not found is not claimed."""
    assert forecast.facts(None) == LogonFacts()


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("fact", "key", "name", "data", "kind"),
    [
        ("logon_banner", forecast._POLICIES, "LegalNoticeText", "Nur mit Erlaubnis", winreg.REG_SZ),
        ("logon_banner", forecast._WINLOGON, "LegalNoticeCaption", "Hinweis", winreg.REG_SZ),
        ("passwordless_only", forecast._PASSWORDLESS, "DevicePasswordLessBuildVersion", 2, winreg.REG_DWORD),
        ("passwordless_only", forecast._AUTHENTICATION, "EnablePasswordlessExperience", 1, winreg.REG_DWORD),
        ("provider_excluded", forecast._POLICIES, "ExcludedCredentialProviders",
         "{60B78E88-EAD8-445C-9CFD-0B87F74EA6CD}," + forecast.PROVIDER.upper(), winreg.REG_SZ),
        ("provider_excluded", rf"{forecast._PROVIDERS}\{forecast.PROVIDER}", "Disabled", 1, winreg.REG_DWORD),
        ("ctrl_alt_del", forecast._POLICIES, "DisableCAD", 0, winreg.REG_DWORD),
        ("fast_startup", forecast._POWER, "HiberbootEnabled", 1, winreg.REG_DWORD),
        ("provider_excluded", forecast._OWN_POLICY, "DisableCredentialProvider", 1, winreg.REG_DWORD),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_found_and_nothing_else(
    hklm: Any, fact: str, key: str, name: str, data: object, kind: int
) -> None:  # fmt: skip
    """Each policy shows as its one fact."""
    hklm(key, name, data, kind)
    assert forecast.facts(None)._asdict() == {**LogonFacts()._asdict(), fact: True}


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(("data", "found"), [("", False), ("  ", False), ("x", True)])
def test_an_empty_banner_is_none(hklm: Any, data: str, found: bool) -> None:  # noqa: FBT001
    """Windows shows no banner without a text."""
    hklm(forecast._POLICIES, "LegalNoticeCaption", data)
    assert forecast.facts(None).logon_banner is found


def test_online_accounts_are_told_apart() -> None:
    """A Microsoft and an Entra account are; a domain's is not."""
    kinds = {"local": False, "domain": False, "microsoft": True, "entra": True}
    found = {
        kind: forecast.facts(Account("S-1-5-21-7-7-7-1", "x", "Y", kind)).microsoft_or_entra  # type: ignore[arg-type]
        for kind in kinds
    }
    assert found == kinds


def test_age_of_a_password_tells_when_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the domain's longest age of 42 days and an age of 40, two days are left."""
    monkeypatch.setattr(win32net, "NetUserModalsGet", lambda *_: {"max_passwd_age": 42 * 86400})
    found = forecast._by_age({"flags": 0, "password_age": 40 * 86400})
    assert found is not None
    assert abs(found - datetime.now(UTC) - timedelta(days=2)) < timedelta(seconds=5)


@pytest.mark.usefixtures("provider")
def test_a_policy_on_the_keys_goes_before_the_setting(hklm: Any) -> None:
    """Where the policy says that Ctrl+Alt+Del is not wanted, Winlogon's own setting does not count."""
    hklm(forecast._WINLOGON, "DisableCAD", 0, winreg.REG_DWORD)
    assert forecast.facts(None).ctrl_alt_del
    hklm(forecast._POLICIES, "DisableCAD", 1, winreg.REG_DWORD)
    assert not forecast.facts(None).ctrl_alt_del


@pytest.mark.parametrize(
    ("told", "hours"),
    [
        (b"\xff" * 21, b""),
        (None, b""),
        (b"\x00" * 21, b"\x00" * 21),
        (b"\xff" * 20 + b"\x7f", b"\xff" * 20 + b"\x7f"),
    ],
)
def test_logon_hours_are_told_where_there_are_any(told: bytes | None, hours: bytes) -> None:
    """An account that may sign in at every hour has none."""
    assert forecast._logon_hours({"logon_hours": told}) == hours


def test_moments_that_mean_never_are_none() -> None:
    """0 and the largest FILETIME are no moments; others count 100 ns since 1601."""
    assert logon_sessions.moment(0) is None
    assert logon_sessions.moment(logon_sessions.NEVER) is None
    assert logon_sessions.moment(116444736000000000) == datetime(1970, 1, 1, tzinfo=UTC)


GUID = b"{12345678-9ABC-4DEF-8123-456789ABCDEF}"


@pytest.mark.parametrize(
    ("protecting", "protectors", "found"),
    [
        (True, {"TPMAndPIN"}, True),
        (True, {"Password"}, True),
        (True, {"TPM"}, False),
        (False, {"TPMAndPIN"}, False),
    ],
)
def test_a_pin_before_windows_is_found_while_protection_is_on(
    monkeypatch: pytest.MonkeyPatch, *, protecting: bool, protectors: set[str], found: bool
) -> None:
    """In every language of Windows: only exit codes and GUIDs are read of what manage-bde says."""

    def manage_bde(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        if arguments[0] == "-status":
            return subprocess.CompletedProcess(arguments, int(not protecting), b"Schutz")
        has = arguments[-1] in protectors
        told = b"TPM und PIN:\r\n  ID: " + GUID if has else b"FEHLER: nichts gefunden"
        return subprocess.CompletedProcess(arguments, 0 if has else -1, told)

    monkeypatch.setattr(forecast, "_manage_bde", manage_bde)
    assert forecast._pre_boot_pin() is found


def test_a_windows_without_bitlocker_asks_for_no_pin() -> None:
    """The home edition, and Wine, have no manage-bde.exe."""
    assert not forecast._pre_boot_pin()
