# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts that may prevent an unattended logon."""

from __future__ import annotations

import subprocess
import uuid
import winreg
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import win32net
import win32ts

from latchkey_agent.domain.model import Account
from latchkey_agent.ports import LogonFacts
from latchkey_agent.windows.ports import logon_facts
from latchkey_agent.windows.win32 import api, logon_sessions

from .conftest import refusing


@pytest.fixture
def provider(hklm: Any) -> None:
    """Register Latchkey's credential provider."""
    hklm(rf"{logon_facts._PROVIDERS}\{logon_facts.PROVIDER}")


def test_a_missing_provider_counts_as_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that is not registered cannot sign the customer in."""
    assert logon_facts.facts(None).provider_excluded


@pytest.mark.plain
@pytest.mark.usefixtures("provider")
def test_a_pc_with_default_settings_has_no_facts() -> None:
    """No fact prevents an unattended logon."""
    assert logon_facts.facts(None) == LogonFacts()


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(
    ("fact", "key", "name", "data", "kind"),
    [
        ("logon_banner", logon_facts._POLICIES, "LegalNoticeText", "Nur mit Erlaubnis", winreg.REG_SZ),
        ("logon_banner", logon_facts._WINLOGON, "LegalNoticeCaption", "Hinweis", winreg.REG_SZ),
        ("passwordless_only", logon_facts._PASSWORDLESS, "DevicePasswordLessBuildVersion", 2, winreg.REG_DWORD),
        ("passwordless_only", logon_facts._AUTHENTICATION, "EnablePasswordlessExperience", 1, winreg.REG_DWORD),
        ("provider_excluded", logon_facts._POLICIES, "ExcludedCredentialProviders",
         "{60B78E88-EAD8-445C-9CFD-0B87F74EA6CD}," + logon_facts.PROVIDER.upper(), winreg.REG_SZ),
        ("provider_excluded", rf"{logon_facts._PROVIDERS}\{logon_facts.PROVIDER}", "Disabled", 1, winreg.REG_DWORD),
        ("ctrl_alt_del", logon_facts._POLICIES, "DisableCAD", 0, winreg.REG_DWORD),
        ("fast_startup", logon_facts._POWER, "HiberbootEnabled", 1, winreg.REG_DWORD),
        ("provider_excluded", logon_facts._OWN_POLICY, "DisableCredentialProvider", 1, winreg.REG_DWORD),
    ],
)  # fmt: skip
def test_each_policy_sets_its_own_fact(
    hklm: Any, fact: str, key: str, name: str, data: object, kind: int
) -> None:  # fmt: skip
    """No other fact changes."""
    before = logon_facts.facts(None)._asdict()
    hklm(key, name, data, kind)
    assert logon_facts.facts(None)._asdict() == {**before, fact: True}


@pytest.mark.usefixtures("provider")
@pytest.mark.parametrize(("data", "found"), [("", False), ("  ", False), ("x", True)])
def test_an_empty_banner_is_no_obstacle(hklm: Any, data: str, found: bool) -> None:  # noqa: FBT001
    """A banner without a text does not count, because Windows does not show it."""
    hklm(logon_facts._POLICIES, "LegalNoticeCaption", data)
    assert logon_facts.facts(None).logon_banner is found


def test_online_accounts_are_recognized() -> None:
    """A Microsoft and an Entra account are online accounts. A domain account is not."""
    kinds = {"local": False, "domain": False, "microsoft": True, "entra": True}
    found = {
        kind: logon_facts.facts(Account("S-1-5-21-7-7-7-1", "x", "Y", kind)).microsoft_or_entra  # type: ignore[arg-type]
        for kind in kinds
    }
    assert found == kinds


def test_the_age_of_a_password_gives_its_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password of 40 days expires in two days if the maximum age is 42 days."""
    monkeypatch.setattr(win32net, "NetUserModalsGet", lambda *_: {"max_passwd_age": 42 * 86400})
    found = logon_facts._expiry_from_age({"flags": 0, "password_age": 40 * 86400})
    assert found is not None
    assert abs(found - datetime.now(UTC) - timedelta(days=2)) < timedelta(seconds=5)


@pytest.mark.plain
@pytest.mark.usefixtures("provider")
def test_the_policy_for_ctrl_alt_del_overrides_the_setting(hklm: Any) -> None:
    """If the policy does not require Ctrl+Alt+Del, Winlogon's own setting does not count."""
    hklm(logon_facts._WINLOGON, "DisableCAD", 0, winreg.REG_DWORD)
    assert logon_facts.facts(None).ctrl_alt_del
    hklm(logon_facts._POLICIES, "DisableCAD", 1, winreg.REG_DWORD)
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
    assert logon_facts._logon_hours({"logon_hours": stored}) == hours


def test_filetimes_that_mean_never_are_none() -> None:
    """0 and the largest FILETIME mean never. Other values count units of 100 ns since 1601."""
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
def test_a_pre_boot_pin_is_found_while_protection_is_on(
    monkeypatch: pytest.MonkeyPatch, *, protecting: bool, protectors: set[str], found: bool
) -> None:
    """This works in every language of Windows: only exit codes and GUIDs of manage-bde count."""

    def manage_bde(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        if arguments[0] == "-status":
            return subprocess.CompletedProcess(arguments, int(not protecting), b"Schutz")
        has = arguments[-1] in protectors
        output = b"TPM und PIN:\r\n  ID: " + GUID if has else b"FEHLER: nichts gefunden"
        return subprocess.CompletedProcess(arguments, 0 if has else -1, output)

    monkeypatch.setattr(logon_facts, "_manage_bde", manage_bde)
    assert logon_facts._pre_boot_pin() is found


def test_a_windows_without_bitlocker_needs_no_pin() -> None:
    """The Home edition and Wine lack manage-bde.exe."""
    assert not logon_facts._pre_boot_pin()


class PowerPlan:
    """A stand-in for Windows' power plans.

    Args:
        seconds: until sleep on mains power; 0 for never.
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


def powered(patch: pytest.MonkeyPatch, plan: PowerPlan) -> None:
    """Replace Windows' power functions with this plan."""
    patch.setattr(logon_facts, "PowerGetActiveScheme", plan.active)
    patch.setattr(logon_facts, "PowerReadACValueIndex", plan.value)
    patch.setattr(logon_facts, "LocalFree", plan.free)


@pytest.mark.parametrize(
    ("plan", "found", "freed"),
    [
        (PowerPlan(seconds=1800), True, True),
        (PowerPlan(seconds=0), False, True),
        (PowerPlan(seconds=1800, no_value=2), False, True),
        (PowerPlan(seconds=1800, no_plan=5), False, False),
    ],
)
def test_a_pc_sleeps_if_its_power_plan_has_a_time(
    monkeypatch: pytest.MonkeyPatch, plan: PowerPlan, *, found: bool, freed: bool
) -> None:
    """0 seconds mean never. A failed query is no fact. The plan's memory is freed."""
    powered(monkeypatch, plan)
    assert logon_facts.facts(None).sleeps_when_idle is found
    assert plan.freed == [freed]


def test_a_windows_without_power_plans_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing function is no fact."""

    def absent(*_: object) -> int:
        raise OSError

    plan = PowerPlan()
    powered(monkeypatch, plan)
    monkeypatch.setattr(logon_facts, "PowerGetActiveScheme", absent)
    assert not logon_facts._sleeps()


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


def test_sessions_that_cannot_be_listed_are_no_remote_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed query is no fact."""
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", refusing(5))
    assert not logon_facts.facts(None).remote_view
