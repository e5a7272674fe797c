# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart that the agent began goes on although its permit is void: it is told, and known as the agent's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from latchkey_agent.domain import LogonFacts
from latchkey_agent.domain.evolve import AT_ONCE, KEPT_SESSIONS
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, CUSTOMER

Act = Callable[[Bench], object]


def told(bench: Bench) -> list[tuple[str, str]]:
    """Return kind and detail of the customer's notices, in order."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [(notice.kind, notice.detail) for notice in snapshot.notices]


def restarts_told(bench: Bench) -> list[str]:
    """Return the details of the notices about restarts."""
    return [detail for kind, detail in told(bench) if kind == "restarted"]


def push_out(bench: Bench) -> None:
    """Start and end more sessions than the state keeps."""
    for number in range(KEPT_SESSIONS + AT_ONCE + 1):
        bench.result(rq.SessionStart(session=f"N{number}", reason="x"))
        bench.result(rq.SessionEnd(session=f"N{number}"))


def windows_signs_in(bench: Bench) -> None:
    """Let Windows sign the customer in by itself, and the agent see it."""
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()


# --- it is not forgotten -----------------------------------------------------------------------


def test_rule_10_a_void_restart_is_told_however_many_sessions_follow(bench: Bench, canary: bytearray) -> None:
    """An operator ends the session during the warning and starts many others: the restart is told all the same."""
    bench.lend(canary, restarts=1, grace=300.0)
    bench.restart()
    bench.result(rq.SessionEnd(session="CHG-1"))
    push_out(bench)
    bench.reboot()
    assert restarts_told(bench) == ["begun"]


def test_rule_09_a_desktop_after_a_void_restart_is_locked_however_many_sessions_follow(
    bench: Bench, canary: bytearray
) -> None:
    """Sessions before and after the boot push the void permit out of no state; once it is settled they do."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary, restarts=1, grace=300.0)
    permit = bench.restart()
    bench.result(rq.SessionEnd(session="CHG-1"))
    push_out(bench)
    bench.reboot()
    push_out(bench)
    windows_signs_in(bench)
    assert bench.world.open_desktops() == []
    push_out(bench)
    assert permit not in bench.state.permits


@pytest.mark.parametrize("refused", [False, True])
def test_a_void_restart_that_cannot_come_is_forgotten(
    bench: Bench, canary: bytearray, *, refused: bool
) -> None:
    """Windows refused the restart, or the account was seen after it: its session makes way for newer ones."""
    bench.lend(canary, restarts=1)
    bench.world.refuses_restart = "no" if refused else ""
    permit = bench.restart()
    bench.result(rq.SessionEnd(session="CHG-1"))
    if not refused:
        bench.reboot()
        windows_signs_in(bench)
    push_out(bench)
    assert permit not in bench.state.permits


# --- a further restart does not end it ---------------------------------------------------------


def revoke(bench: Bench) -> None:
    """The customer revokes."""
    assert bench.revoke()


def pause(bench: Bench) -> None:
    """The customer pauses."""
    assert bench.customer(cm.GrantPause(grant=next(reversed(bench.state.grants)))).done


@pytest.mark.parametrize("boots", [1, 2, 3])
@pytest.mark.parametrize("void", [revoke, pause])
def test_rule_09_a_desktop_that_windows_opens_after_further_restarts_is_locked(
    bench: Bench, canary: bytearray, void: Act, boots: int
) -> None:
    """An update restarts the PC again after a void restart: the desktop that Windows opens itself is closed."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary, restarts=1, grace=300.0)
    bench.restart()
    void(bench)
    for _ in range(boots):
        bench.world.now += timedelta(minutes=5)
        bench.reboot()
    windows_signs_in(bench)
    assert bench.world.open_desktops() == []
    assert restarts_told(bench) == ["begun"]


def test_rule_09_only_the_first_desktop_after_void_restarts_is_locked(
    bench: Bench, canary: bytearray
) -> None:
    """Once the account has been seen, no later boot locks its desktop again."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary, restarts=1)
    bench.restart()
    bench.revoke()
    bench.reboot()
    windows_signs_in(bench)
    bench.reboot()
    windows_signs_in(bench)
    assert bench.world.open_desktops()


# --- it is none by others ----------------------------------------------------------------------


def pause_and_resume(bench: Bench) -> None:
    """The customer pauses and resumes during the warning."""
    grant = next(reversed(bench.state.grants))
    assert bench.customer(cm.GrantPause(grant=grant)).done
    assert bench.customer(cm.GrantPause(grant=grant, pause=False)).done


def outlast(bench: Bench) -> None:
    """A program holds the restart up until the permit's time is over."""
    bench.world.now += timedelta(seconds=61)
    bench.wake()


def end_session(bench: Bench) -> None:
    """The operator ends the session of the restart."""
    bench.result(rq.SessionEnd(session="CHG-1"))


@pytest.mark.parametrize("void", [pause_and_resume, outlast, end_session, pause])
def test_rule_10_a_restart_of_the_agents_own_is_none_by_others(
    bench: Bench, canary: bytearray, void: Act
) -> None:
    """A void restart of the agent's own signs nobody in: neither its own grant nor another session's is used."""
    other = bench.lend(canary, restarts=1, session="CHG-2", foreign_restarts=True)
    own = bench.lend(canary, restarts=2, foreign_restarts=True)
    bench.restart(within=60.0)
    void(bench)
    bench.reboot()
    bench.effects()
    assert not bench.logon(lm.Peek())[0].done
    assert restarts_told(bench) == ["begun"]
    assert bench.state.grants[own].left.restarts == 1
    after = bench.state.grants[other]
    assert after.left.restarts == 1
    assert [omitted.why for omitted in after.omitted] == ["own_restart"]
    receipts = bench.customer(cm.OwnReceipts(), peer=CUSTOMER).receipts
    [text] = [r.text for r in receipts if r.request == after.request]
    assert "Restart begun by the agent without a sign-in" in text


def test_a_restart_by_others_after_the_agents_own_is_one_by_others(bench: Bench, canary: bytearray) -> None:
    """The agent's own restart is over: the next one is by others, and signs in where it was agreed."""
    bench.lend(canary, restarts=2, foreign_restarts=True)
    bench.restart()
    pause_and_resume(bench)
    bench.reboot()
    bench.reboot()
    assert bench.sign_in_with_permit() == canary


def test_a_restart_that_windows_refused_is_none_of_the_agents_own(bench: Bench, canary: bytearray) -> None:
    """Windows refused the agent's restart: the next one is by others."""
    bench.world.refuses_restart = "no"
    bench.lend(canary, restarts=2, foreign_restarts=True)
    bench.restart()
    bench.reboot()
    assert bench.sign_in_with_permit() == canary


# --- the first look at its account's session ---------------------------------------------------


@pytest.mark.parametrize("auto_logon", [True, None, False])
def test_rule_09_each_look_at_the_sessions_knows_of_windows_own_sign_in(
    bench: Bench, canary: bytearray, *, auto_logon: bool | None
) -> None:
    """An unlock's redeem is the first to see the desktop that Windows opened after a void restart: it is closed."""
    bench.lend(canary, restarts=2, unlocks=2)
    bench.restart()
    pause_and_resume(bench)
    bench.reboot()
    bench.world.facts = LogonFacts(auto_logon=auto_logon)
    # Windows lists the sign-in as locked at first, and the notice of it is on its way.
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    waiting = bench.logon(lm.Peek())[0]
    bench.world.sign_in(ANNA)
    answer, secret = bench.logon(lm.Redeem(permit=waiting.permit))
    assert not answer.done
    assert not secret
    bench.agent.sessions_changed()
    bench.effects()
    assert bool(bench.world.open_desktops()) == (auto_logon is False)


# --- a logon without a result ------------------------------------------------------------------


def give_up(bench: Bench) -> str:
    """Redeem the permit, and let the logon screen die before its report; return the permit's id."""
    permit, _ = bench.redeem()
    bench.world.now += timedelta(hours=14)
    bench.wake()
    return permit


def test_rule_10_a_sign_in_by_hand_after_a_lost_logon_is_told_as_not_known(
    bench: Bench, canary: bytearray
) -> None:
    """The customer signs in hours after a logon without a result: nothing says that IT signed them in."""
    bench.at_logon_screen(canary, not_after="20:00")
    permit = give_up(bench)
    bench.world.summoned.clear()
    for _ in range(2):
        # Windows is slow to lock, and reports more than one change meanwhile.
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
    assert bench.events().count("account_seen") == 1
    bench.effects()
    assert "anna" in bench.world.summoned
    assert bench.world.open_desktops() == []
    assert ("locked", "unknown") in told(bench)
    assert "used" not in [kind for kind, _ in told(bench)]
    assert bench.state.permits[permit].logged_on_at is None
    receipts = bench.customer(cm.OwnReceipts(), peer=CUSTOMER).receipts
    assert "result not known" in receipts[0].text
    windows_signs_in(bench)
    assert bench.world.open_desktops(), "the second sign-in is the customer's own"


def test_rule_10_a_report_after_the_desktop_of_a_lost_logon_was_closed_is_told(
    bench: Bench, canary: bytearray
) -> None:
    """The logon screen reports the logon at last: it was one, and its desktop is closed no second time."""
    bench.at_logon_screen(canary)
    permit = give_up(bench)
    windows_signs_in(bench)
    assert bench.world.open_desktops() == []
    bench.world.now += timedelta(minutes=5)
    assert bench.report(permit)
    assert ("used", "restart") in told(bench)
    seen = bench.state.permits[permit]
    assert seen.logged_on_at == seen.closed_at
    windows_signs_in(bench)
    assert bench.world.open_desktops()


@pytest.mark.parametrize("auto_logon", [True, False])
def test_rule_09_a_desktop_that_windows_opens_after_a_lost_logon_is_locked(
    bench: Bench, canary: bytearray, *, auto_logon: bool
) -> None:
    """The PC goes down during the logon after our restart, and Windows signs in by itself: that desktop is closed."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.facts = LogonFacts(auto_logon=auto_logon)
    bench.power_cut()
    bench.reboot()
    windows_signs_in(bench)
    assert bool(bench.world.open_desktops()) == (not auto_logon)
    assert (("locked", "by_itself") in told(bench)) == auto_logon


def test_a_lost_unlock_closes_no_desktop_of_a_later_boot(bench: Bench, canary: bytearray) -> None:
    """An unlock restarts nothing: the desktop that Windows opens after a boot is none of its own."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    give_up(bench)
    bench.reboot()
    windows_signs_in(bench)
    assert bench.world.open_desktops()
