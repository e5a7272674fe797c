# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider in every LogonUI: each of its habits (`lab.simulated.logon_habits`) is met here."""

from __future__ import annotations

import time

import msgspec
import pytest

from lab.simulated.logon_habits import Habits
from lab.wine.logon_play import OURS, RIVAL, LogonUI
from lab.wine.logon_ui import LOGON, RETURN_CREDENTIAL, UNLOCK, LogonScreen, unprotect
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol.logon_messages import LogonAnswer, Peek, Redeem, ReportResult
from tests.native.programs import E_NOTIMPL, NOT_FINISHED, FakeAgent
from tests.native.scene import PERMIT, USERS, said_by, unloaded_within

UNLOCKS = msgspec.structs.replace(PERMIT, action="unlock")
WRONG_PASSWORD = 0xC000006D
NOTHING_KEPT = {"left": 0, "kept_events": 0, "kept_users": 0}
OWN, IN_ALL = 3, 6
"""The most notifications of a permit by one provider and by all of a process (limits.h)."""


def shown(screen: LogonScreen, habits: Habits, *, locked: bool = False) -> LogonUI:
    """Return a LogonUI of these habits, shown."""
    logon_ui = LogonUI(screen, USERS, habits, locked=locked)
    logon_ui.show()
    return logon_ui


def until_default(logon_ui: LogonUI, slot: int = OURS) -> None:
    """Let LogonUI follow the provider's notifications until a tile logs on by itself."""
    ends = time.monotonic() + 20
    while logon_ui.default != slot and time.monotonic() < ends:
        logon_ui.look(500)
    assert logon_ui.default == slot


def signs_in(logon_ui: LogonUI, canary: bytearray) -> int:
    """Let our tile log on; return the type of LSA's message."""
    answer = logon_ui.submit()
    assert answer is not None
    assert (answer["response"], logon_ui.submitted) == (RETURN_CREDENTIAL, OURS)
    packed = logon_ui.unpack()
    assert unprotect(packed["protected"]) == canary
    logon_ui.report(0)
    return int(packed["type"])


# --- which usage scenario a locked PC asks with


@pytest.mark.parametrize(("combined", "usage", "message_type"), [(True, LOGON, 2), (False, UNLOCK, 7)])
def test_an_unlock_works_in_both_usage_scenarios(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, usage: int, message_type: int, *, combined: bool
) -> None:
    """A locked PC asks with CPUS_LOGON from Windows 10 on; the provider packs as the scenario says."""
    logon_ui = shown(screen, Habits(combined=combined), locked=True)
    assert logon_ui.usage == usage
    agent.has_permit(UNLOCKS, canary)
    until_default(logon_ui)
    assert signs_in(logon_ui, canary) == message_type
    assert said_by(agent) == [Redeem(permit="T-1"), ReportResult(permit="T-1", status=0)]


def test_a_restart_opens_no_lock(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """CPUS_UNLOCK_WORKSTATION is a lock for certain: a restart's permit has no tile there, and stays whole."""
    logon_ui = shown(screen, Habits(combined=False), locked=True)
    agent.has_permit(PERMIT, canary)
    assert not logon_ui.look(1000)
    assert screen("count", OURS)["count"] == 0
    assert set(agent.requests()) == {Peek()}
    screen("use", OURS, LOGON)
    assert screen.tile()["count"] == 1


# --- the provider made anew, and one count for each change


@pytest.mark.parametrize("renews", [True, False])
@pytest.mark.parametrize("advises_first", [True, False])
def test_one_count_after_a_change_is_enough(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, *, renews: bool, advises_first: bool
) -> None:
    """By the provider that announced the change or by a new one, whatever the order of its preparation."""
    logon_ui = shown(screen, Habits(renews=renews, advises_first=advises_first))
    agent.has_permit(PERMIT, canary)
    until_default(logon_ui)
    signs_in(logon_ui, canary)
    assert agent.requests().count(Redeem(permit="T-1")) == 1
    assert logon_ui.close() == NOTHING_KEPT
    unloaded_within(screen, 10)


def test_providers_made_anew_do_not_notify_without_end(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """A permit that LogonUI does not use: the process is notified six times in all, ever more rarely.

    Each notification leads to a new provider, and each empties the box in which a person may be typing.
    """
    logon_ui = shown(screen, Habits())
    agent.has_permit(PERMIT, canary)
    began, changes = time.monotonic(), []
    while time.monotonic() < began + 25:
        if logon_ui.look(500):
            changes.append(time.monotonic() - began)
    assert OWN < len(changes) <= IN_ALL
    assert changes[-1] - changes[0] > 3
    # The permit is whole, and the tile is there for a click.
    signs_in(logon_ui, canary)


def test_an_enumeration_that_the_agent_missed_is_not_counted(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """An agent slower than LogonUI waits, three times: the same provider notifies LogonUI again."""
    logon_ui = shown(screen, Habits(renews=False))
    agent.has_permit(PERMIT, canary)
    answer = frames.encode(codec.encode_logon(PERMIT))
    agent.on("peek", answer, delay=600)
    for _ in range(OWN):
        assert logon_ui.look(15_000)
        assert logon_ui.default is None
    agent.on("peek", answer)
    until_default(logon_ui)
    signs_in(logon_ui, canary)


def test_a_tile_outlives_its_provider(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """LogonUI makes a new provider while LSA checks the password: the refusal is reported, nothing tried again."""
    logon_ui = shown(screen, Habits())
    agent.has_permit(PERMIT, canary)
    until_default(logon_ui)
    logon_ui.submit()
    logon_ui.unpack()
    screen("unadvise", OURS)
    screen.make(OURS, LOGON)
    screen.set_users(USERS)
    screen("advise", OURS)
    assert "Windows refused" in logon_ui.report(WRONG_PASSWORD)["status_text"]
    agent.has_permit(msgspec.structs.replace(PERMIT, permit="T-2"), canary)
    assert not logon_ui.look(1000)
    assert screen("count", OURS)["count"] == 0
    assert said_by(agent) == [Redeem(permit="T-1"), ReportResult(permit="T-1", status=WRONG_PASSWORD)]


def test_another_usage_scenario_silences_the_same_provider(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """Somebody changes the password: no redraw empties its boxes; back at the logon the permit is announced."""
    logon_ui = shown(screen, Habits())
    assert screen("use", OURS, 3)["hr"] == E_NOTIMPL
    agent.has_permit(PERMIT, canary)
    assert not logon_ui.look(1500)
    screen("use", OURS, LOGON)
    until_default(logon_ui)


def test_advise_comes_again(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """UnAdvise and Advise, also twice: only the last one is called."""
    logon_ui = shown(screen, Habits(renews=False))
    for word in ("unadvise", "unadvise", "advise", "advise"):
        screen(word, OURS)
    agent.has_permit(PERMIT, canary)
    until_default(logon_ui)
    signs_in(logon_ui, canary)
    assert logon_ui.close() == NOTHING_KEPT


# --- selecting


@pytest.mark.parametrize("selects", [True, False])
def test_the_tile_logs_on_selected_or_not(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, *, selects: bool
) -> None:
    """It wants to log on by its count and by its selection; both together redeem once."""
    logon_ui = shown(screen, Habits(selects=selects))
    agent.has_permit(PERMIT, canary)
    until_default(logon_ui)
    assert logon_ui.select()
    assert screen("select", OURS)["auto_logon"] == 1
    assert logon_ui.take()["response"] == RETURN_CREDENTIAL
    assert screen("select", OURS)["auto_logon"] == 0
    logon_ui.unpack()
    assert screen("serialize", OURS)["response"] == NOT_FINISHED
    logon_ui.report(0)
    assert said_by(agent) == [Redeem(permit="T-1"), ReportResult(permit="T-1", status=0)]


# --- other programs


def test_a_provider_without_events_is_taken(screen: LogonScreen, agent: FakeAgent) -> None:
    """Advise may answer E_NOTIMPL (ICredentialProvider::Advise on learn.microsoft.com), of a tile as well."""
    logon_ui = shown(screen, Habits(rival="idle"))
    assert screen("advise", RIVAL)["hr"] == E_NOTIMPL
    assert screen("count", RIVAL).items() >= {"count": 1, "auto_logon": 0}.items()
    assert screen("at", RIVAL, 0)["advised"] == E_NOTIMPL
    assert screen("sid", RIVAL)["sid"] is None
    assert logon_ui.default is None


def test_a_rival_that_waits_for_a_click_changes_nothing(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """A default that logs on by itself goes before one that does not (GetCredentialCount on learn.microsoft.com)."""
    logon_ui = shown(screen, Habits(rival="idle"))
    agent.has_permit(PERMIT, canary)
    until_default(logon_ui)
    signs_in(logon_ui, canary)


@pytest.mark.parametrize("renews", [True, False])
def test_a_rival_that_logs_on_first_costs_no_permit(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, *, renews: bool
) -> None:
    """Its logon is refused, and ours comes at the next notification: redeemed once, reported once."""
    agent.has_permit(PERMIT, canary)
    logon_ui = shown(screen, Habits(rival="logs_on", renews=renews))
    assert logon_ui.default == RIVAL
    logon_ui.submit()
    assert logon_ui.unpack()["provider_right"] == 0
    logon_ui.report(WRONG_PASSWORD)
    assert said_by(agent) == []
    until_default(logon_ui)
    signs_in(logon_ui, canary)
    assert said_by(agent) == [Redeem(permit="T-1"), ReportResult(permit="T-1", status=0)]


def test_the_result_of_a_rivals_logon_is_not_taken_for_ours(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """LogonUI tells our tile, too: no report, no pause, and the permit signs in."""
    logon_ui = shown(screen, Habits(rival="logs_on"))
    agent.has_permit(PERMIT, canary)
    while not screen.tile(OURS)["count"]:
        time.sleep(0.1)
    screen("at", OURS, 0)
    logon_ui.default = RIVAL
    logon_ui.submit()
    logon_ui.unpack()
    screen("report", OURS, WRONG_PASSWORD, 0)
    logon_ui.report(WRONG_PASSWORD)
    assert said_by(agent) == []
    until_default(logon_ui)
    signs_in(logon_ui, canary)


def test_a_filter_that_hides_the_provider_costs_no_permit(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """LogonUI does not make a provider that ICredentialProviderFilter::Filter forbids: the agent is not asked."""
    logon_ui = shown(screen, Habits(filtered=True))
    agent.has_permit(PERMIT, canary)
    logon_ui.look(1000)
    assert logon_ui.submit() is None
    assert agent.requests() == []
    # The filter allows it at the next logon screen.
    again = shown(screen, Habits())
    until_default(again)
    signs_in(again, canary)


def test_an_empty_user_array_is_survived(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """With "Don't display last signed-in" on: no tile, no redraw, no redeeming; Microsoft's sample crashes there."""
    logon_ui = shown(screen, Habits(users_hidden=True))
    agent.has_permit(PERMIT, canary)
    assert not logon_ui.look(1500)
    assert screen("count", OURS).items() >= {"count": 0, "default": -1, "auto_logon": 0}.items()
    assert said_by(agent) == []
    assert logon_ui.close() == NOTHING_KEPT


def test_an_agent_without_a_permit_is_not_waited_for(screen: LogonScreen, agent: FakeAgent) -> None:
    """The event may be set by any program: LogonUI is not notified of nothing."""
    agent.on("peek", frames.encode(codec.encode_logon(LogonAnswer(done=False))))
    agent.command("event", "set")
    assert not shown(screen, Habits()).look(1000)
