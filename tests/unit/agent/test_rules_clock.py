# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 3 over time: a clock that is wrong, or is set, opens nothing early and prolongs nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest

from latchkey_agent.domain.clock import read
from latchkey_agent.domain.model import State
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import NO_INTERVAL, Bench
from tests.unit.agent.world import ANNA, START

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
HOUR = timedelta(hours=1)


def test_rule_03_a_clock_set_forward_opens_nothing(bench: Bench, canary: bytearray) -> None:
    """A grant for the night is not usable in the evening, whatever the clock is set to."""
    bench.lend(canary, not_before="22:00", not_after="05:00")
    bench.world.set_clock(START.replace(hour=22, minute=30))
    assert bench.code(RESTART) == "too_early"
    bench.world.now += 4 * HOUR
    bench.restart()


def test_rule_03_a_clock_set_forward_opens_nothing_after_a_restart_either(
    bench: Bench, canary: bytearray
) -> None:
    """The next boot counts the hours by which the clock ran ahead before it."""
    bench.lend(canary, not_before="22:00", not_after="05:00")
    bench.world.set_clock(START.replace(hour=22, minute=30))
    bench.wake()
    bench.world.now += timedelta(minutes=5)
    bench.reboot()
    assert bench.code(RESTART) == "too_early"
    bench.world.now += 4 * HOUR
    bench.restart()


def test_rule_03_a_clock_set_forward_ends_what_is_over(bench: Bench, canary: bytearray) -> None:
    """An end counts by a clock that runs ahead, too."""
    bench.lend(canary, not_after="20:00")
    bench.world.set_clock(START.replace(hour=20))
    assert bench.code(RESTART) == "grant_expired"
    assert bench.sealed() == set()


@pytest.mark.parametrize("restarted", [False, True])
def test_rule_03_a_clock_set_back_prolongs_nothing(
    bench: Bench, canary: bytearray, *, restarted: bool
) -> None:
    """A grant of two hours lives for two hours, also if the clock is set back by ten."""
    bench.lend(canary, not_after="20:00")
    bench.world.set_clock(START - 10 * HOUR)
    if restarted:
        bench.crash()
    bench.world.now += 2 * HOUR
    bench.wake()
    bench.effects()
    assert bench.sealed() == set()


def test_rule_03_a_clock_that_is_behind_is_named_and_nothing_is_used(bench: Bench, canary: bytearray) -> None:
    """While the clock is behind the time that was seen no grant is used and none is erased for it."""
    bench.lend(canary)
    bench.world.set_clock(START - HOUR)
    error = bench.error(RESTART)
    # Windows may set the clock right at any time.
    assert (error.code, error.retry_after) == ("clock_behind", 10.0)
    assert "17:00" in error.message
    assert "18:00" in error.message
    assert len(bench.sealed()) == 1
    bench.world.set_clock(START)
    bench.restart()


@pytest.mark.parametrize("times", [{}, {"not_before": "17:30", "not_after": "20:00"}])
def test_a_job_that_is_launched_again_finds_its_grant_while_the_clock_is_behind(
    bench: Bench, canary: bytearray, times: dict[str, Any]
) -> None:
    """Times of day count from the agent's time then, so they mean the same window."""
    grant = bench.lend(canary, restarts=1, **times)
    bench.world.set_clock(START - HOUR)
    wanted = rq.CredentialRequest(session="CHG-1", restarts=1, answer_within=60.0, **times)
    assert bench.result(wanted)["grant"]["id"] == grant
    ends = bench.result(rq.SessionStart(session="CHG-2", reason="More", ends="17:30"))["session"]["ends_at"]
    assert ends == "2026-11-24T17:30:00.000+01:00"


def test_rule_03_a_correction_up_to_the_time_that_was_seen_is_accepted(
    bench: Bench, canary: bytearray
) -> None:
    """A PC that boots three minutes slow signs in as soon as its clock is right, and is told of it."""
    permit = bench.at_logon_screen(canary)
    bench.stop()
    bench.world.set_clock(bench.world.now - timedelta(minutes=3))
    bench.world.reboot()
    bench.start()
    bench.effects()
    assert not bench.logon(lm.Peek())[0].done
    bench.wake()
    announced = bench.world.announced
    bench.world.set_clock(bench.world.now + timedelta(minutes=3))
    bench.wake()
    assert bench.world.announced == announced + 1
    assert bench.logon(lm.Peek())[0].permit == permit


def test_rule_03_the_wait_for_the_agreed_time_ends_by_itself(bench: Bench, canary: bytearray) -> None:
    """A permit that waits for its agreed time sets a deadline, and the logon screen is notified then."""
    bench.lend(canary, not_before="19:00", not_after="23:00")
    bench.world.now += HOUR
    bench.restart(within=36_000.0)
    bench.world.set_clock(START)
    bench.reboot()
    bench.wake()
    assert bench.deadline() is not None
    announced = bench.world.announced
    bench.world.set_clock(START + HOUR)
    bench.wake()
    assert bench.world.announced == announced + 1


def test_rule_14_the_interval_is_measured_by_time_that_passes(bench: Bench, canary: bytearray) -> None:
    """A clock that is set neither shortens nor prolongs the interval between restarts."""
    bench.settings.write_text("[policy]\nmin_restart_interval = 60.0\nlock_within = 0.05\n")
    bench.lend(canary, restarts=5)
    bench.world.now += timedelta(minutes=2)
    bench.restart(step="one")
    bench.reboot()
    bench.sign_in_with_permit()
    bench.world.set_clock(bench.world.now + HOUR)
    assert bench.code(RESTART) == "restart_too_soon"
    bench.world.now += timedelta(seconds=60)
    bench.restart(step="two")


def test_while_nothing_is_lent_the_clock_is_taken_as_it_is(bench: Bench, canary: bytearray) -> None:
    """A clock that was wrong before the request does not matter to the grant."""
    for wrong in (timedelta(hours=-20), timedelta(hours=30)):
        bench.world.set_clock(bench.world.now + wrong)
        bench.lend(canary)
        bench.restart()
        bench.reboot()
        bench.sign_in_with_permit()
        bench.ask(rq.SessionEnd(session="CHG-1"))
        bench.effects()


def test_rule_03_a_boot_with_a_wrong_clock_takes_back_five_minutes_at_most(
    bench: Bench, canary: bytearray
) -> None:
    """The time is journalled now and then while something is lent, so hours without an event are not forgotten."""
    bench.lend(canary, not_after="20:00")
    for _ in range(29):
        bench.world.now += timedelta(minutes=4)
        bench.wake()
    bench.world.set_clock(START)
    bench.reboot()
    bench.world.now += timedelta(minutes=8)
    bench.wake()
    bench.effects()
    assert bench.sealed() == set()


def test_the_clock_is_not_taken_while_a_customer_is_to_be_spared(bench: Bench) -> None:
    """A clock that is set forward ends neither "not today" nor the wait after a no."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.customer(cm.RequestDecline(request=request, not_today=True))
    bench.world.set_clock(START + timedelta(hours=7))
    assert bench.code(rq.CredentialRequest(session="CHG-1", restarts=1, ask_again=True)) == "not_today"
    bench.world.now += timedelta(hours=6)
    assert bench.request()


def test_the_time_of_another_boot_begins_at_the_latest_time_seen() -> None:
    """A clock of the year 2020 after a boot does not take the agent's time back."""
    state = State(seen_at=START)
    assert read(state, "boot-2", START - 1000 * HOUR, 5.0).at == START
    assert read(state, "boot-2", START + HOUR, 5.0).at == START + HOUR


def test_a_desktop_is_relocked_in_time_whatever_the_clock_says(bench: Bench, canary: bytearray) -> None:
    """A clock set back an hour after an unlock does not keep the desktop open."""
    bench.lend(canary, restarts=0, unlocks=1, relock_after=60.0)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    bench.sign_in_with_permit()
    bench.world.set_clock(START - HOUR)
    bench.world.now += timedelta(seconds=60)
    bench.wake()
    bench.effects()
    assert bench.world.open_desktops() == []


@pytest.mark.parametrize("unlocks", [1, 2])
@pytest.mark.parametrize("disk", ["well", "dead"])
def test_rule_09_an_unlocked_desktop_is_closed_at_the_agreed_end_by_either_time(
    bench: Bench, canary: bytearray, unlocks: int, disk: Literal["well", "dead"]
) -> None:
    """The end of the terms counts by a clock that runs ahead, also for the desktop of a grant that is used up."""
    bench.settings.write_text(f"[policy]\n{NO_INTERVAL}\nmax_relock_after = 28800.0\n")
    bench.lend(canary, restarts=0, unlocks=unlocks, relock_after=28800.0, not_after="22:00")
    bench.world.set_clock(bench.world.now + 3 * HOUR)
    bench.open_desktop()
    bench.world.now = START.replace(hour=21, minute=59)
    bench.wake()
    bench.effects()
    assert bench.world.open_desktops()
    assert bench.deadline() == bench.agent.core.now().at + timedelta(minutes=1)
    bench.world.disk = disk
    bench.world.now += timedelta(minutes=1)
    bench.wake()
    bench.effects()
    bench.wake()
    assert not bench.world.open_desktops()
