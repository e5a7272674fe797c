# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 9 of the design, at the agent's pipes: a logon with a permit ends locked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from latchkey_agent.domain.transitions import PermitState
from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import ANNA, BEN

# --- 9: a logon with a permit ends locked ------------------------------------------------------


def test_rule_09_the_desktop_is_locked_at_once(bench: Bench, canary: bytearray) -> None:
    """As soon as the logon is reported, without anybody asking."""
    bench.waiting(canary)
    bench.sign_in_with_permit()
    assert bench.world.open_desktops() == []
    assert next(iter(bench.state.permits.values())).closing == "locked"


@pytest.mark.parametrize("fails", ["silently", "with an error"])
def test_rule_09_what_cannot_be_locked_is_disconnected(bench: Bench, canary: bytearray, fails: str) -> None:
    """Whether the lock is not to be seen, or cannot even be asked for."""
    bench.waiting(canary)
    bench.world.lock_works = False
    if fails == "with an error":
        bench.world.broken.add("lock")
    bench.sign_in_with_permit()
    assert bench.world.open_desktops() == []
    assert next(iter(bench.state.permits.values())).closing == "disconnected"


def test_rule_09_what_can_be_neither_locked_nor_disconnected_is_tried_again(
    bench: Bench, canary: bytearray
) -> None:
    """The permit is not finished, nothing else begins, and the next try succeeds."""
    permit = bench.waiting(canary)
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
    """The logon is reported before Windows lists the session: it is not taken for one that is gone."""
    permit = bench.waiting(canary)
    bench.redeem()
    bench.report(permit)
    assert bench.state.permits[permit].closing is None
    bench.world.now += timedelta(seconds=30)
    bench.world.sign_in(ANNA)
    assert bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_a_session_that_is_still_locked_is_not_taken_for_locked_again(
    bench: Bench, canary: bytearray
) -> None:
    """The logon is reported before Windows unlocks the session that was there: it is locked when it opens."""
    permit = bench.waiting(canary)
    bench.world.sign_in(ANNA, locked=True)
    bench.redeem()
    bench.report(permit)
    assert bench.state.permits[permit].closing is None
    bench.world.sign_in(ANNA)
    assert bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_a_session_that_never_appears_does_not_hold_the_pc_up(
    bench: Bench, canary: bytearray
) -> None:
    """Somebody who signed out at once is gone after a while."""
    permit = bench.waiting(canary)
    bench.redeem()
    bench.report(permit)
    bench.world.now += timedelta(minutes=3)
    assert bench.effects()
    assert bench.state.permits[permit].closing == "gone"


def test_rule_09_a_logon_that_nobody_reports_is_locked(bench: Bench, canary: bytearray) -> None:
    """The logon screen died after the logon; Windows tells of the session."""
    bench.waiting(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_a_logon_at_the_end_of_its_permit_is_locked(bench: Bench, canary: bytearray) -> None:
    """Redeemed in the last second, signed in after it: the permit is still known."""
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


def test_rule_09_a_logon_that_was_given_up_for_lost_is_locked(bench: Bench, canary: bytearray) -> None:
    """A logon that takes longer than anybody thought is locked when it is reported."""
    bench.waiting(canary)
    permit, _ = bench.redeem()
    bench.world.now += timedelta(hours=1)
    bench.wake()
    assert bench.state.permits[permit].state is PermitState.REFUSED
    bench.world.sign_in(ANNA)
    assert bench.report(permit)
    assert bench.world.open_desktops() == []


def test_rule_09_a_logon_that_was_given_up_and_is_never_reported_is_locked(
    bench: Bench, canary: bytearray
) -> None:
    """The agent died with the late report: it finds the desktop, but takes none of the next day for it."""
    bench.waiting(canary)
    permit, _ = bench.redeem()
    bench.world.now += timedelta(minutes=20)
    bench.wake()
    bench.kill()
    bench.world.sign_in(ANNA)
    bench.start()
    bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_the_customers_own_desktop_of_the_next_morning_stays_open(
    bench: Bench, canary: bytearray
) -> None:
    """A logon of the night came to nothing: who signs in by hand hours later, or after a restart, is not locked out."""
    bench.waiting(canary)
    bench.redeem()
    bench.world.now += timedelta(minutes=20)
    bench.wake()
    bench.world.now += timedelta(minutes=10)
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops()


def test_rule_09_a_logon_on_a_disk_that_fails_is_locked(bench: Bench, canary: bytearray) -> None:
    """Nothing can be journalled any more: the desktop is locked all the same, and noted later."""
    permit = bench.waiting(canary)
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
    """The agent is killed after the password is out; when it is back it finds the open desktop."""
    bench.waiting(canary)
    bench.redeem()
    bench.kill()
    bench.world.sign_in(ANNA)
    bench.start()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_a_kill_at_any_touch_leaves_no_desktop_open(place: Path, canary: bytearray) -> None:
    """Cut the power of the agent at each touch of logon and lock: when it is back the desktop is closed."""

    def prepare(bench: Bench) -> None:
        bench.waiting(canary)
        bench.redeem()
        bench.world.sign_in(ANNA)

    def report(bench: Bench) -> None:
        bench.report(next(iter(bench.state.permits)))

    for cut in cuts(place, prepare, report):
        cut.bench.effects()
        assert cut.bench.world.open_desktops() == []


def test_rule_09_an_unlocked_desktop_is_locked_again(bench: Bench, canary: bytearray) -> None:
    """After the time asked for; a clock that is set back makes it sooner, never later."""
    for jump in (timedelta(seconds=600), timedelta(days=-1)):
        bench.lend(canary, restarts=0, unlocks=1)
        bench.world.sign_in(ANNA, locked=True)
        bench.unlock(relock_after=600.0)
        bench.sign_in_with_permit()
        assert bench.world.open_desktops()
        bench.world.now += jump
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
    """Ending the session, giving the grant back, or taking the agent off the PC closes what an unlock holds open."""
    bench.lend(canary, restarts=0, unlocks=unlocks)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    bench.sign_in_with_permit()
    bench.ask(end)
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_nobody_elses_desktop_is_touched(bench: Bench, canary: bytearray) -> None:
    """Another account's desktop stays as it is."""
    bench.waiting(canary)
    bench.world.sign_in(BEN, session_id=2)
    bench.sign_in_with_permit()
    assert [s.account for s in bench.world.open_desktops()] == [BEN]
