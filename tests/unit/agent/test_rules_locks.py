# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 9 of the design, at the agent's pipes: a logon with a permit ends locked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from latchkey_agent.domain.transitions import PermitState
from latchkey_agent.ports import SignIn
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import ANNA, BEN, LOGON

# --- 9: a logon with a permit ends locked ------------------------------------------------------


def test_rule_09_the_desktop_is_locked_at_once(bench: Bench, canary: bytearray) -> None:
    """The reported logon alone makes the agent lock the desktop."""
    bench.at_logon_screen(canary)
    bench.sign_in_with_permit()
    assert bench.world.open_desktops() == []
    assert next(iter(bench.state.permits.values())).closing == "locked"


@pytest.mark.parametrize("fails", ["silently", "with an error"])
def test_rule_09_what_cannot_be_locked_is_disconnected(bench: Bench, canary: bytearray, fails: str) -> None:
    """A session is disconnected if the lock has no effect or fails with an error."""
    bench.at_logon_screen(canary)
    bench.world.lock_works = False
    if fails == "with an error":
        bench.world.broken.add("lock")
    bench.sign_in_with_permit()
    assert bench.world.open_desktops() == []
    assert next(iter(bench.state.permits.values())).closing == "disconnected"


def test_rule_09_a_failed_lock_and_disconnection_are_retried(bench: Bench, canary: bytearray) -> None:
    """The agent retries the lock, and no new use starts before the lock succeeds."""
    permit = bench.at_logon_screen(canary)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.sign_in_with_permit()
    assert bench.state.permits[permit].closing is None
    assert (
        bench.code(rq.CredentialApply(session="CHG-1", action="restart", step="next"))
        == "restart_in_progress"
    )
    bench.world.lock_works = True
    assert bench.effects()
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_a_session_that_appears_late_is_locked(bench: Bench, canary: bytearray) -> None:
    """A session that Windows lists only after the logon report is still locked."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit)
    assert bench.state.permits[permit].closing is None
    bench.world.now += timedelta(seconds=30)
    bench.world.sign_in(ANNA)
    assert bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_a_session_unlocked_after_the_report_is_locked(bench: Bench, canary: bytearray) -> None:
    """A session that Windows unlocks only after the logon report is locked once it opens."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA, locked=True)
    bench.report(permit)
    assert bench.state.permits[permit].closing is None
    bench.world.sign_in(ANNA)
    assert bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_a_session_that_does_not_appear_holds_up_no_further_use(
    bench: Bench, canary: bytearray
) -> None:
    """A desktop that has not appeared after three minutes is still awaited, and a further restart is possible."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit)
    bench.world.now += timedelta(minutes=3)
    assert not bench.effects()
    assert bench.state.permits[permit].owes_lock
    bench.restart()
    bench.reboot()
    assert bench.state.permits[permit].closing == "gone"


def test_rule_09_a_desktop_that_appears_after_minutes_is_locked(bench: Bench, canary: bytearray) -> None:
    """A first sign-in can take minutes; the desktop is locked whenever it appears."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit)
    bench.world.now += timedelta(minutes=4)
    bench.effects()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


def late_desktop(bench: Bench, canary: bytearray) -> str:
    """Let a session stay locked for two minutes after a logon with a permit; return the permit's id."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA, locked=True)
    bench.report(permit)
    bench.world.now += timedelta(minutes=2)
    bench.effects()
    assert bench.state.permits[permit].closing == "locked"
    return permit


@pytest.mark.parametrize("crash", [False, True])
def test_rule_09_a_desktop_that_opens_after_it_counted_as_locked_is_locked_once(
    bench: Bench, canary: bytearray, *, crash: bool
) -> None:
    """A first sign-in of more than two minutes, listed as locked; a later unlock by hand stays open."""
    late_desktop(bench, canary)
    if crash:
        bench.crash()
    for expected in (0, 1):
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
        assert len(bench.world.open_desktops()) == expected
    assert bench.agent.core.duties.all() == ()


def test_rule_09_a_late_desktop_is_locked_although_windows_fails_first(
    bench: Bench, canary: bytearray
) -> None:
    """Windows neither locks nor disconnects, or does not list the sessions: the agent tries again."""
    late_desktop(bench, canary)
    bench.world.sign_in(ANNA)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.agent.sessions_changed()
    bench.world.lock_works = True
    bench.world.broken.add("sessions")
    bench.wake()
    assert bench.world.open_desktops()
    bench.world.broken.clear()
    bench.wake()
    assert bench.world.open_desktops() == []


def test_rule_09_a_late_desktop_whose_session_is_gone_is_forgotten(bench: Bench, canary: bytearray) -> None:
    """The customer's next sign-in is their own, and so is the one of another boot."""
    late_desktop(bench, canary)
    bench.world.signed_in.clear()
    bench.agent.sessions_changed()
    assert bench.agent.core.duties.all() == ()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.world.open_desktops()


def test_rule_09_a_session_that_is_gone_before_it_was_open_leaves_no_late_duty(
    bench: Bench, canary: bytearray
) -> None:
    """It was seen locked, and then the customer signed out: their next sign-in stays open."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA, locked=True)
    bench.report(permit)
    bench.world.signed_in.clear()
    bench.effects()
    assert bench.state.permits[permit].closing == "gone"
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.world.open_desktops()


def test_rule_09_a_late_desktop_does_not_close_what_an_unlock_opens(bench: Bench, canary: bytearray) -> None:
    """The unlock's own duty takes over, until its agreed time is over."""
    bench.lend(canary, restarts=1, unlocks=1, relock_after=60.0)
    permit = bench.restart()
    bench.reboot()
    bench.redeem()
    bench.world.sign_in(ANNA, locked=True)
    bench.report(permit)
    bench.world.now += timedelta(minutes=2)
    bench.effects()
    bench.unlock()
    bench.sign_in_with_permit()
    assert bench.world.open_desktops()
    bench.world.now += timedelta(seconds=60)
    bench.wake()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_a_late_desktop_holds_up_no_removal(bench: Bench, canary: bytearray) -> None:
    """It may never open, so erasing everything does not wait for it."""
    late_desktop(bench, canary)
    assert bench.agent.core.duties.all()
    assert bench.ask(rq.EraseAll()).outcome == "done"


def test_rule_09_a_late_desktop_of_a_damaged_journal_is_locked(bench: Bench, canary: bytearray) -> None:
    """The duty stands outside of the journal, and becomes a late one there, too."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.kill()
    bench.journal.write_bytes(b"damaged" * 1000)
    bench.start()
    bench.world.sign_in(ANNA, locked=True)
    bench.agent.sessions_changed()
    bench.world.now += timedelta(minutes=2)
    bench.agent.sessions_changed()
    assert bench.agent.core.duties.is_late(permit)
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.world.open_desktops() == []


def test_rule_09_a_logon_that_nobody_reports_is_locked(bench: Bench, canary: bytearray) -> None:
    """The session change from Windows is enough when the logon screen dies before its report."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_a_logon_at_the_end_of_its_permit_is_locked(bench: Bench, canary: bytearray) -> None:
    """A permit redeemed in its last second still locks the logon that follows."""
    bench.lend(canary, not_after="20:00")
    bench.restart(within=60.0)
    bench.reboot()
    bench.world.now += timedelta(seconds=59)
    permit, _ = bench.redeem()
    bench.world.now += timedelta(seconds=30)
    bench.wake()
    bench.world.sign_in(ANNA)
    bench.report(permit)
    assert bench.world.open_desktops() == []


def test_rule_09_a_late_logon_is_locked(bench: Bench, canary: bytearray) -> None:
    """A logon reported after the agent had given it up is locked."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.world.now += timedelta(hours=1)
    bench.wake()
    assert bench.state.permits[permit].state is PermitState.REFUSED
    bench.world.sign_in(ANNA)
    assert bench.report(permit)
    assert bench.world.open_desktops() == []


def test_rule_09_a_late_logon_without_a_report_is_locked(bench: Bench, canary: bytearray) -> None:
    """A restarted agent locks the desktop of a given-up logon whose report was lost."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.world.now += timedelta(minutes=20)
    bench.wake()
    bench.kill()
    bench.world.sign_in(ANNA)
    bench.start()
    bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_a_logon_without_a_result_locks_the_next_desktop_once(
    bench: Bench, canary: bytearray
) -> None:
    """However late a desktop appears after a logon without a result, it is locked; the next one stays open."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.now += timedelta(hours=5)
    bench.wake()
    for expected in (0, 1):
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
        bench.effects()
        assert len(bench.world.open_desktops()) == expected


def test_rule_09_a_logon_on_a_disk_that_fails_is_locked(bench: Bench, canary: bytearray) -> None:
    """A dead disk does not prevent the lock, and the journal records the logon later."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.disk = "dead"
    bench.world.sign_in(ANNA)
    bench.report(permit)
    bench.agent.sessions_changed()
    assert bench.world.open_desktops() == []
    bench.world.disk = "well"
    bench.wake()
    bench.effects()
    assert bench.state.permits[permit].state is PermitState.LOGGED_ON


def test_rule_09_a_logon_while_the_agent_was_dead_is_locked(bench: Bench, canary: bytearray) -> None:
    """An agent killed after handing out the password locks the open desktop at its next start."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.kill()
    bench.world.sign_in(ANNA)
    bench.start()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_a_kill_at_any_touch_leaves_no_desktop_open(place: Path, canary: bytearray) -> None:
    """A power cut at any touch of logon and lock leaves no desktop open after the next start."""

    def prepare(bench: Bench) -> None:
        bench.at_logon_screen(canary)
        bench.redeem()
        bench.world.sign_in(ANNA)

    def report(bench: Bench) -> None:
        bench.report(next(iter(bench.state.permits)))

    for cut in cuts(place, prepare, report):
        cut.bench.effects()
        assert cut.bench.world.open_desktops() == []


def test_rule_09_an_unlocked_desktop_is_locked_again(bench: Bench, canary: bytearray) -> None:
    """The desktop is locked after the agreed time, which a clock that is set does not change."""
    for jump in (timedelta(), timedelta(days=-1), timedelta(hours=5)):
        bench.lend(canary, restarts=0, unlocks=1, relock_after=300.0)
        bench.world.sign_in(ANNA, locked=True)
        bench.unlock()
        bench.sign_in_with_permit()
        bench.world.set_clock(bench.world.now + jump)
        bench.world.now += timedelta(seconds=299)
        bench.wake()
        bench.effects()
        assert bench.world.open_desktops()
        bench.world.now += timedelta(seconds=1)
        bench.wake()
        bench.effects()
        assert bench.world.open_desktops() == []
        bench.ask(rq.SessionEnd(session="CHG-1"))
        bench.effects()
        bench.world.set_clock(bench.world.now - jump)


@pytest.mark.parametrize(("away", "left"), [(20, 40), (60, 0), (600, 0)])
def test_rule_09_an_unlock_gets_no_new_time_from_an_agent_that_was_away(
    bench: Bench, canary: bytearray, away: int, left: int
) -> None:
    """Without a report the agreed time counts from the moment at which the password left the agent."""
    bench.lend(canary, restarts=0, unlocks=1, relock_after=60.0)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock(within=900.0)
    bench.redeem()
    bench.kill()
    bench.world.sign_in(ANNA)
    bench.world.now += timedelta(seconds=away)
    bench.start()
    bench.agent.sessions_changed()
    if left:
        bench.world.now += timedelta(seconds=left - 1)
        bench.wake()
        bench.effects()
        assert bench.world.open_desktops()
        bench.world.now += timedelta(seconds=1)
    bench.wake()
    bench.effects()
    assert bench.world.open_desktops() == []


@pytest.mark.parametrize("unlocks", [1, 2], ids=["used up", "still lent"])
@pytest.mark.parametrize(
    "end", [rq.SessionEnd(session="CHG-1"), rq.CredentialRevoke(session="CHG-1"), rq.EraseAll()]
)
def test_rule_09_an_unlocked_desktop_is_locked_at_the_end(
    bench: Bench, canary: bytearray, end: rq.ControlRequest, unlocks: int
) -> None:
    """Ending the session, revoking the grant or erasing everything locks an unlocked desktop."""
    bench.lend(canary, restarts=0, unlocks=unlocks)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    bench.sign_in_with_permit()
    bench.ask(end)
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_the_desktop_of_another_account_stays_open(bench: Bench, canary: bytearray) -> None:
    """The desktop of another account stays open."""
    bench.at_logon_screen(canary)
    bench.world.sign_in(BEN, session_id=2)
    bench.sign_in_with_permit()
    assert [s.account for s in bench.world.open_desktops()] == [BEN]


# --- a session that leaves the PC's screen ------------------------------------------------------

REMOTE = SignIn(2, ANNA, console=False, active=True, locked=False)


def unlock_a_disconnected_session(bench: Bench, canary: bytearray) -> str:
    """Unlock through a logon screen with a session of its own: Windows connects the account's session to the screen.

    "WTSGetActiveConsoleSessionId" and "WTSRegisterSessionNotification", Microsoft Learn: WTS_CONSOLE_CONNECT and
    WTS_REMOTE_CONNECT tell that a session moves between the PC's screen and a remote desktop; its number stays.
    """
    bench.lend(canary, restarts=0, unlocks=2, relock_after=600.0)
    bench.world.signed_in = [REMOTE._replace(active=False, locked=True)]
    permit, screen = bench.unlock(), LOGON._replace(session_id=3)
    answer, _ = bench.logon(lm.Redeem(permit=permit), screen)
    assert answer.done
    bench.world.signed_in = [REMOTE._replace(console=True)]
    bench.logon(lm.ReportResult(permit=permit, status=0, substatus=0), screen)
    bench.agent.sessions_changed()
    bench.effects()
    return permit


@pytest.mark.parametrize("crash", [False, True])
def test_rule_09_a_desktop_that_moves_to_a_remote_session_is_locked_once(
    bench: Bench, canary: bytearray, *, crash: bool
) -> None:
    """The customer takes the open desktop over from home: it is locked at the agreed time, and not again."""
    permit = unlock_a_disconnected_session(bench, canary)
    bench.world.signed_in = [REMOTE]
    bench.agent.sessions_changed()
    if crash:
        bench.crash()
    assert bench.world.open_desktops()
    bench.world.now += timedelta(seconds=600)
    bench.wake()
    assert bench.effects()
    assert bench.world.open_desktops() == []
    assert (bench.state.permits[permit].closing, bench.agent.core.duties.all()) == ("locked", ())
    bench.world.signed_in = [REMOTE]
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops()


def test_rule_09_a_moved_desktop_is_locked_although_the_disk_fails(bench: Bench, canary: bytearray) -> None:
    """Without a journal the duty knows the session, too."""
    unlock_a_disconnected_session(bench, canary)
    bench.world.signed_in = [REMOTE]
    bench.agent.sessions_changed()
    bench.kill()
    bench.journal.write_bytes(b"damaged" * 1000)
    bench.start()
    assert bench.world.open_desktops() == []
    assert bench.agent.core.duties.all() == ()


def test_rule_09_a_duty_follows_no_session_while_its_own_is_there(bench: Bench, canary: bytearray) -> None:
    """Another desktop of the account that is open is not taken for the one that the logon opens."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.world.signed_in = [
        SignIn(1, ANNA, console=False, active=True, locked=True),
        SignIn(5, ANNA, console=True, active=True, locked=False),
    ]
    bench.agent.sessions_changed()
    assert [(duty.permit, duty.windows_session) for duty in bench.agent.core.duties.all()] == [(permit, 1)]
