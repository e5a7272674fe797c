# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast finds each obstacle to an unattended logon, and no other."""

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
    """Registers the credential provider."""
    hklm(rf"{logon_facts._PROVIDERS}\{logon_facts.PROVIDER}")


def test_a_missing_provider_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that is not registered counts like an excluded one."""
    assert logon_facts.facts(None).provider_excluded


@pytest.mark.plain
@pytest.mark.usefixtures("provider")
def test_a_pc_with_default_settings_has_no_obstacle() -> None:
    """The forecast finds no obstacle on a PC with default settings."""
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
def test_each_obstacle_is_found_alone(
    hklm: Any, fact: str, key: str, name: str, data: object, kind: int
) -> None:  # fmt: skip
    """Each policy changes exactly one fact."""
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
    """Microsoft and Entra accounts are online accounts; a domain account is not."""
    kinds = {"local": False, "domain": False, "microsoft": True, "entra": True}
    found = {
        kind: logon_facts.facts(Account("S-1-5-21-7-7-7-1", "x", "Y", kind)).microsoft_or_entra  # type: ignore[arg-type]
        for kind in kinds
    }
    assert found == kinds


def test_the_age_of_a_password_gives_its_expiry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password 40 days old under a limit of 42 days expires in two days."""
    monkeypatch.setattr(win32net, "NetUserModalsGet", lambda *_: {"max_passwd_age": 42 * 86400})
    found = logon_facts._by_age({"flags": 0, "password_age": 40 * 86400})
    assert found is not None
    assert abs(found - datetime.now(UTC) - timedelta(days=2)) < timedelta(seconds=5)


@pytest.mark.plain
@pytest.mark.usefixtures("provider")
def test_a_policy_on_the_keys_goes_before_the_setting(hklm: Any) -> None:
    """A policy about Ctrl+Alt+Del overrides Winlogon's own setting."""
    hklm(logon_facts._WINLOGON, "DisableCAD", 0, winreg.REG_DWORD)
    assert logon_facts.facts(None).ctrl_alt_del
    hklm(logon_facts._POLICIES, "DisableCAD", 1, winreg.REG_DWORD)
    assert not logon_facts.facts(None).ctrl_alt_del


@pytest.mark.parametrize(
    ("bits", "hours"),
    [
        (b"\xff" * 21, b""),
        (None, b""),
        (b"\x00" * 21, b"\x00" * 21),
        (b"\xff" * 20 + b"\x7f", b"\xff" * 20 + b"\x7f"),
    ],
)
def test_logon_hours_are_returned_if_restricted(bits: bytes | None, hours: bytes) -> None:
    """An account without restricted logon hours has none."""
    assert logon_facts._logon_hours({"logon_hours": bits}) == hours


def test_filetimes_that_mean_never_are_none() -> None:
    """0 and the largest FILETIME mean never; others count 100 ns since 1601."""
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
    """A BitLocker PIN is found in every language of Windows, by manage-bde's exit codes and GUIDs."""

    def manage_bde(*arguments: str) -> subprocess.CompletedProcess[bytes]:
        if arguments[0] == "-status":
            return subprocess.CompletedProcess(arguments, int(not protecting), b"Schutz")
        has = arguments[-1] in protectors
        output = b"TPM und PIN:\r\n  ID: " + GUID if has else b"FEHLER: nichts gefunden"
        return subprocess.CompletedProcess(arguments, 0 if has else -1, output)

    monkeypatch.setattr(logon_facts, "_manage_bde", manage_bde)
    assert logon_facts._pre_boot_pin() is found


def test_a_windows_without_bitlocker_has_no_pin() -> None:
    """Windows Home and Wine, which lack manage-bde.exe, have no BitLocker PIN."""
    assert not logon_facts._pre_boot_pin()


class PowerPlan:
    """Replaces Windows' power plans: `seconds` until sleep on mains power, or error codes."""

    def __init__(self, seconds: int = 0, no_plan: int = 0, no_value: int = 0) -> None:
        self._seconds = seconds
        self._no_plan = no_plan
        self._no_value = no_value
        self._plan = api.Guid(1)
        self.freed: list[bool] = []

    def active(self, _root: None, place: Any) -> int:
        """Answer as PowerGetActiveScheme does: a pointer that the caller frees."""
        if not self._no_plan:
            place._obj.contents = self._plan
        return self._no_plan

    def value(self, _root: None, plan: Any, group: Any, setting: Any, place: Any) -> int:
        """Answer as PowerReadACValueIndex does, for the one setting that is meant."""
        assert bytes(plan.contents) == bytes(self._plan)
        assert bytes(group._obj) == uuid.UUID("238c9fa8-0aad-41ed-83f4-97be242c8f20").bytes_le
        assert bytes(setting._obj) == uuid.UUID("29f6c1db-86da-48c5-9fdb-f2b67b1f44da").bytes_le
        place._obj.value = self._seconds
        return self._no_value

    def free(self, plan: Any) -> None:
        """Record whether there was a plan to free."""
        self.freed.append(bool(plan))


def powered(patch: pytest.MonkeyPatch, plan: PowerPlan) -> None:
    """Give Windows this power plan."""
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
def test_the_power_plan_decides_whether_the_pc_sleeps(
    monkeypatch: pytest.MonkeyPatch, plan: PowerPlan, *, found: bool, freed: bool
) -> None:
    """A plan with 0 seconds never sleeps, a failed query is not a finding, and the plan is freed."""
    powered(monkeypatch, plan)
    assert logon_facts.facts(None).sleeps_when_idle is found
    assert plan.freed == [freed]


def test_a_windows_without_power_plans_does_not_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Windows without power plans has no finding."""

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
    """Any session that shadows another counts as a remote view: Windows does not name the shadowed one."""
    sessions = [{"SessionId": n, "WinStationName": "", "State": state} for n, state in enumerate(states)]
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", lambda *_: sessions)
    assert logon_facts.facts(None).remote_view is found


def test_sessions_that_cannot_be_listed_are_no_remote_view(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed list of sessions does not count as a remote view."""
    monkeypatch.setattr(win32ts, "WTSEnumerateSessions", refusing(5))
    assert not logon_facts.facts(None).remote_view
