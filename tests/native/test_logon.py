# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider does what LogonUI expects of it when the agent has a permit."""

from __future__ import annotations

import msgspec
import pytest

from lab.wine.logon_ui import LOGON, RETURN_CREDENTIAL, S_OK, UNLOCK, LogonScreen, unprotect
from latchkey_agent.protocol.logon_messages import Peek, Redeem, ReportResult
from tests.native.built import BarePC
from tests.native.programs import (
    CHANGE_PASSWORD,
    CREDUI,
    E_INVALIDARG,
    E_NOTIMPL,
    NOT_FINISHED,
    PLAP,
    FakeAgent,
)
from tests.native.scene import OTHER, PERMIT, SID, USERS, said_by, take, unloaded_within

REFUSALS = [
    (0xC000006D, 0xC000006A),  # STATUS_LOGON_FAILURE, STATUS_WRONG_PASSWORD
    (0xC000006D, 0xC0000064),  # STATUS_NO_SUCH_USER
    (0xC000006E, 0xC0000072),  # STATUS_ACCOUNT_RESTRICTION, STATUS_ACCOUNT_DISABLED
    (0xC000006F, 0),  # STATUS_INVALID_LOGON_HOURS
    (0xC0000070, 0),  # STATUS_INVALID_WORKSTATION
    (0xC0000071, 0),  # STATUS_PASSWORD_EXPIRED
    (0xC0000193, 0),  # STATUS_ACCOUNT_EXPIRED
    (0xC0000224, 0),  # STATUS_PASSWORD_MUST_CHANGE
    (0xC0000234, 0),  # STATUS_ACCOUNT_LOCKED_OUT
    (0xC000005E, 0),  # STATUS_NO_LOGON_SERVERS
    (0xC000015B, 0),  # STATUS_LOGON_TYPE_NOT_GRANTED
]


# --- the way of a permit


@pytest.mark.parametrize(
    ("usage", "action", "message_type"), [(LOGON, "restart", 2), (LOGON, "unlock", 2), (UNLOCK, "unlock", 7)]
)
def test_a_permit_signs_in_without_a_click(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, usage: int, action: str, message_type: int
) -> None:
    """The agent's event leads to an enumeration, one redeeming, LSA's structure and a report."""
    screen.begin(usage, users=USERS)
    assert screen("count", 0)["count"] == 0
    agent.has_permit(msgspec.structs.replace(PERMIT, action=action), canary)
    changed = screen("changed", 0, 5000)
    # At least: a late question finds that LogonUI was notified again meanwhile.
    assert (changed["calls"] >= 1, changed["context_right"]) == (True, 1)
    assert screen.tile().items() >= {"count": 1, "default": 0, "auto_logon": 1}.items()
    assert screen("at", 0, 0)["hr"] == S_OK
    assert screen("sid", 0)["sid"] == SID
    assert screen("select", 0)["auto_logon"] == 1
    assert screen("serialize", 0)["response"] == RETURN_CREDENTIAL
    packed = screen("unpack", 0)
    assert unprotect(packed.pop("protected")) == canary
    assert packed == {
        "package": 9, "provider_right": 1, "type": message_type, "luid": 0,
        "domain_at": 64, "domain": "PC", "user_at": 68, "user": "ada", "protected_at": 74,
    }  # fmt: skip
    assert screen("report", 0, 0, 0)["status_text"] is None
    assert said_by(agent) == [Redeem(permit="T-1"), ReportResult(permit="T-1", status=0, substatus=0)]
    assert screen.end() == {"left": 0, "kept_events": 0, "kept_users": 0}


def test_a_permit_that_is_older_than_the_logon_screen_is_seen(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """After a restart the agent may be ready before LogonUI is."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    assert screen("changed", 0, 5000)["calls"] >= 1
    assert screen.tile()["count"] == 1


def test_an_agent_that_starts_after_the_logon_screen_is_seen(
    no_agent: None, screen: LogonScreen, pc: BarePC, canary: bytearray
) -> None:
    """After a restart LogonUI is usually ready before the agent is."""
    screen.begin(users=USERS)
    assert screen("count", 0)["count"] == 0
    with FakeAgent(pc) as agent:
        agent.has_permit(PERMIT, canary)
        assert screen("changed", 0, 5000)["calls"] >= 1
        assert take(screen)["response"] == RETURN_CREDENTIAL
        screen("unpack", 0)


def test_the_logon_screen_is_notified_three_times_of_one_permit(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """Its first enumeration may come too early; endless ones would empty the password box."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    calls = 0
    while calls < 3:
        before, calls = calls, screen("changed", 0, 5000)["calls"]
        assert calls > before
    assert calls == 3
    assert screen("changed", 0, 1500)["calls"] == 3
    agent.has_permit(msgspec.structs.replace(PERMIT, permit="T-2"), canary)
    assert screen("changed", 0, 20_000)["calls"] > 3


def test_the_permit_is_redeemed_once(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """A second GetSerialization, a new enumeration and a new provider get nothing for it."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    assert take(screen)["response"] == RETURN_CREDENTIAL
    screen("unpack", 0)
    again = screen("serialize", 0)
    assert (again["response"], again["status_text"]) == (NOT_FINISHED, None)
    assert screen("select", 0)["auto_logon"] == 0
    assert screen("count", 0)["count"] == 0
    screen.begin(users=USERS, slot=1)
    assert screen("count", 1)["count"] == 0
    assert agent.requests().count(Redeem(permit="T-1")) == 1


def test_two_providers_share_one_permit(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """LogonUI may hold several providers; both notify it, one signs in."""
    screen.begin(users=USERS, slot=0)
    screen.begin(users=USERS, slot=1)
    agent.has_permit(PERMIT, canary)
    for slot in (0, 1):
        assert screen("changed", slot, 5000)["context_right"] == 1
        assert screen.tile(slot)["count"] == 1
        screen("at", slot, 0)
    responses = [screen("serialize", slot)["response"] for slot in (0, 1)]
    assert responses == [RETURN_CREDENTIAL, NOT_FINISHED]
    screen("unpack", 0)
    assert agent.requests().count(Redeem(permit="T-1")) == 1


# --- accounts


@pytest.mark.parametrize(
    ("kind", "user", "domain", "known_as", "packed"),
    [
        ("local", "ada", "PC", r"PC\ada", ("PC", "ada")),
        ("domain", "ada", "CORP", r"CORP\ada", ("CORP", "ada")),
        ("domain", "Adélaïde 😀", "FÖRDE", "-", ("FÖRDE", "Adélaïde 😀")),
        ("microsoft", "ada", "PC", r"MicrosoftAccount\ada@example.com", ("MicrosoftAccount", "ada@example.com")),
        ("microsoft", "ada@example.com", "MicrosoftAccount", "-", ("MicrosoftAccount", "ada@example.com")),
        ("entra", "AdaLovelace", "AzureAD", r"AzureAD\ada@corp.example", ("AzureAD", "ada@corp.example")),
        ("entra", "ada@corp.example", "AzureAD", r"AzureAD\AdaLovelace", ("AzureAD", "ada@corp.example")),
    ],
)  # fmt: skip
def test_each_kind_of_account_is_packed_in_its_form(
    screen: LogonScreen,
    agent: FakeAgent,
    canary: bytearray,
    kind: str,
    user: str,
    domain: str,
    known_as: str,
    packed: tuple[str, str],
) -> None:
    """Local and domain accounts by their names, online accounts by the name they sign in with."""
    agent.has_permit(msgspec.structs.replace(PERMIT, kind=kind, user=user, domain=domain), canary)
    screen.begin(users={SID: known_as.replace(" ", "_")})
    assert take(screen)["response"] == RETURN_CREDENTIAL
    fields = screen("unpack", 0)
    assert (fields["domain"], fields["user"]) == packed
    assert unprotect(fields["protected"]) == canary


@pytest.mark.parametrize("kind", ["microsoft", "entra"])
def test_an_online_account_without_a_known_name_has_no_tile(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, kind: str
) -> None:
    """Windows would refuse the local name, which counts as a wrong password."""
    agent.has_permit(msgspec.structs.replace(PERMIT, kind=kind), canary)
    screen.begin(users={SID: "-"})
    assert screen("count", 0)["count"] == 0


@pytest.mark.parametrize("users", [{}, {OTHER: r"PC\bob"}, {SID + "0": r"PC\ada"}])
def test_a_user_without_a_tile_has_no_credential(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, users: dict[str, str]
) -> None:
    """The logon screen stays as it is, and the permit stays usable."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=users)
    assert screen("changed", 0, 300)["calls"] == 0
    assert screen("count", 0).items() >= {"count": 0, "default": -1, "auto_logon": 0}.items()
    assert screen("at", 0, 0)["hr"] == E_INVALIDARG
    assert set(agent.requests()) == {Peek()}


# --- the result from LSA


def test_success_is_reported_and_nothing_is_said(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """LogonUI shows no message; the agent knows that the permit is used."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    take(screen)
    screen("unpack", 0)
    assert screen("report", 0, 0, 0).items() >= {"hr": S_OK, "icon": 0, "status_text": None}.items()
    assert said_by(agent)[-1] == ReportResult(permit="T-1", status=0, substatus=0)


@pytest.mark.parametrize(("status", "substatus"), REFUSALS)
def test_a_refusal_is_reported_and_nothing_is_tried_again(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, status: int, substatus: int
) -> None:
    """Not with the same permit, and with no other one for a quarter of an hour."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    take(screen)
    screen("unpack", 0)
    agent.command("event", "reset")
    calls = screen("changed", 0, 0)["calls"]
    said = screen("report", 0, status, substatus)
    assert said["icon"] == 1
    assert "Windows refused" in said["status_text"]
    assert said_by(agent)[-1] == ReportResult(permit="T-1", status=status, substatus=substatus)
    assert screen("changed", 0, 0)["calls"] == calls + 1
    for permit in ("T-1", "T-2"):
        agent.has_permit(msgspec.structs.replace(PERMIT, permit=permit), canary)
        assert screen("count", 0)["count"] == 0
    screen("windows", "clock", 15 * 60 * 1000)
    assert screen.tile()["count"] == 1
    agent.has_permit(PERMIT, canary)
    assert screen("count", 0)["count"] == 0


def test_a_result_of_nothing_is_not_reported(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """Only a credential that was handed over has a result, and it has one result."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    screen.tile()
    screen("at", 0, 0)
    screen("report", 0, 0xC000006D, 0)
    screen("serialize", 0)
    screen("unpack", 0)
    screen("report", 0, 0, 0)
    screen("report", 0, 0, 0)
    assert said_by(agent) == [Redeem(permit="T-1"), ReportResult(permit="T-1", status=0)]


# --- where the provider stays away


@pytest.mark.parametrize("usage", [0, CHANGE_PASSWORD, CREDUI, PLAP, 99])
def test_other_usage_scenarios_are_not_implemented(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, usage: int
) -> None:
    """LogonUI's later calls show nothing and do not reach the agent."""
    agent.has_permit(PERMIT, canary)
    screen("create", 0)
    assert screen("use", 0, usage)["hr"] == E_NOTIMPL
    screen("users", 0, SID, r"PC\ada")
    screen("advise", 0)
    assert screen("changed", 0, 300)["calls"] == 0
    assert screen("count", 0)["count"] == 0
    assert agent.requests() == []


@pytest.mark.parametrize(("where", "value"), [("clean_boot", 1), ("clean_boot", 2), ("remote_session", 1)])
def test_safe_mode_and_remote_sessions_have_no_provider(screen: LogonScreen, where: str, value: int) -> None:
    """Safe mode is for repair; a person at a remote logon screen is not the customer at the PC."""
    screen("windows", where, value)
    screen("create", 0)
    assert [screen("use", 0, usage)["hr"] for usage in (LOGON, UNLOCK)] == [E_NOTIMPL, E_NOTIMPL]


@pytest.mark.parametrize(
    ("kind", "data", "result"),
    [("REG_DWORD", "1", E_NOTIMPL), ("REG_DWORD", "0", S_OK), ("REG_SZ", "1", E_NOTIMPL), ("REG_SZ", "no", E_NOTIMPL)],
)  # fmt: skip
def test_the_policy_switches_it_off(
    screen: LogonScreen, pc: BarePC, kind: str, data: str, result: str
) -> None:
    """A value of the wrong type counts, too: an administrator meant it."""
    key = r"HKLM\SOFTWARE\Policies\Latchkey"
    pc.run("add", key, "/v", "DisableCredentialProvider", "/t", kind, "/d", data, "/f", program="reg")
    try:
        screen("create", 0)
        assert screen("use", 0, LOGON)["hr"] == result
    finally:
        pc.run("delete", key, "/f", program="reg")
    assert screen("use", 0, LOGON)["hr"] == S_OK


def test_the_dll_goes_when_logonui_is_done(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """After UnAdvise and the last Release nothing keeps it: no object, no class object, no thread."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    assert screen("unload")["loaded"] == 1
    screen("hold")
    screen.end()
    assert screen("unload")["loaded"] == 1
    screen("let_go")
    unloaded_within(screen, 5)
