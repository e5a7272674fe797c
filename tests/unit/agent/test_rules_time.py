# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 3, the agent's time alone: each bound at its moment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from latchkey_agent.domain import Now, clock
from latchkey_agent.domain import events as e
from latchkey_agent.domain.decision import Decision
from latchkey_agent.domain.model import Asking, ClockBase, State
from tests.unit.agent.bench import Bench, at
from tests.unit.agent.world import START

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
EMPTY = State()


@pytest.mark.parametrize(("asked", "minutes"), [(1, 1), (2, 2), (3, 4), (10, 512), (11, 720), (1000, 720)])
def test_the_wait_after_a_window_without_a_yes_doubles_up_to_half_a_day(asked: int, minutes: int) -> None:
    """One minute at first, twelve hours at most."""
    assert clock.wait_ends(Asking(last_at=START, without_yes=asked)) == START + minutes * MINUTE


def test_a_customer_is_spared_until_the_moment_and_no_longer() -> None:
    """Both "not today" and the wait of an account spare the customer; each ends at its moment."""
    quiet = replace(EMPTY, quiet={"S-1": START + MINUTE})
    asking = replace(EMPTY, asking={"S-1 S-2": Asking(last_at=START, without_yes=1)})
    for state in (quiet, asking):
        assert clock.is_spared(state, START + MINUTE - SECOND)
        assert not clock.is_spared(state, START + MINUTE)
    assert not clock.is_spared(EMPTY, START)


@pytest.mark.parametrize("ahead", [SECOND, -SECOND])
def test_a_clock_that_differs_by_a_second_is_taken_anew_while_nothing_is_lent(ahead: timedelta) -> None:
    """A smaller difference is no entry, and none is made while a customer is spared."""
    now = Now(START, START + ahead, 7.0)
    assert clock.take(EMPTY, now) == Decision((e.ClockTaken(at=START + ahead, up=7.0),))
    assert clock.take(EMPTY, now._replace(wall=START + ahead * 0.9)) == Decision()
    assert clock.take(replace(EMPTY, quiet={"S-1": START + MINUTE}), now) == Decision()


def test_the_time_is_noted_every_five_minutes_while_something_is_lent(
    bench: Bench, canary: bytearray
) -> None:
    """Neither before that nor while nothing is lent; a clock is not taken anew then."""
    bench.lend(canary)
    state = replace(bench.state, seen_at=START)
    noted = START + 5 * MINUTE
    assert clock.see(state, at(noted)) == Decision((e.TimeSeen(at=noted),))
    assert clock.see(state, at(noted - SECOND)) == Decision()
    assert clock.see(replace(EMPTY, seen_at=START), at(noted)) == Decision()
    assert clock.see(replace(state, seen_at=None), at(noted)) == Decision()
    assert clock.take(state, Now(START, START + MINUTE, 0.0)) == Decision()


@pytest.mark.parametrize("lends", [False, True])
def test_a_clock_that_is_set_forward_is_noted_at_once(
    bench: Bench, canary: bytearray, *, lends: bool
) -> None:
    """From a minute on, and so is its way back; also while a customer is only to be spared, but not otherwise."""
    if lends:
        bench.lend(canary)
    state = replace(bench.state, seen_at=START, quiet={"S-1": START + 60 * MINUTE})
    noted = Decision((e.TimeSeen(at=START + SECOND, clock_ahead=60.0),))
    forward = Now(START + SECOND, START + SECOND + MINUTE, 0.0)
    assert clock.see(state, forward) == noted
    assert clock.see(state, forward._replace(wall=forward.wall - SECOND)) == Decision()
    assert clock.see(state, Now(START + SECOND, START - 60 * MINUTE, 0.0)) == Decision()
    if not lends:
        assert clock.see(replace(state, quiet={}), forward) == Decision()
    back = replace(state, clock_ahead=MINUTE)
    assert clock.see(back, forward) == Decision()
    assert clock.see(back, at(START + SECOND)) == Decision((e.TimeSeen(at=START + SECOND),))
    later = at(START + 5 * MINUTE)
    assert clock.see(state, later) == (Decision((e.TimeSeen(at=later.at),)) if lends else Decision())


def test_the_wait_that_is_left_ends_with_the_later_of_both_waits() -> None:
    """After windows without a yes, and after "later"."""
    held = Asking(held_until=START + 3 * MINUTE)
    both = replace(held, last_at=START, without_yes=1)
    longer = replace(held, last_at=START, without_yes=3)
    assert [clock.wait_left(asking, START + MINUTE) for asking in (Asking(), held, both, longer)] == [
        timedelta(),
        2 * MINUTE,
        2 * MINUTE,
        3 * MINUTE,
    ]
    assert clock.wait_left(held, START + 4 * MINUTE) == timedelta()
    assert clock.wait_ends(Asking()) is None


def test_an_open_request_keeps_the_clock_from_being_taken_anew(bench: Bench) -> None:
    """A request has a beginning and an end, too."""
    bench.start_session()
    bench.request()
    assert clock.take(bench.state, Now(START, START + MINUTE, 0.0)) == Decision()


def test_an_open_desktop_keeps_the_clock_from_being_taken_anew(bench: Bench, canary: bytearray) -> None:
    """A permit that is not settled has a deadline, also after its grant has ended."""
    bench.at_logon_screen(canary, restarts=1)
    bench.redeem()
    state = replace(bench.state, grants={})
    assert clock.take(state, Now(START, START + MINUTE, 0.0)) == Decision()
    assert clock.take(replace(state, permits={}), Now(START, START + MINUTE, 0.0)) != Decision()


def test_within_a_boot_only_its_own_seconds_count() -> None:
    """In another boot the PC's clock counts; neither goes back behind the time that was seen."""
    state = replace(EMPTY, clock=ClockBase("boot-1", START, 100.0), seen_at=START)
    assert clock.read(state, "boot-1", START + 60 * MINUTE, 160.0).at == START + MINUTE
    assert clock.read(state, "boot-2", START + 60 * MINUTE, 160.0).at == START + 60 * MINUTE
    seen = replace(state, seen_at=START + 2 * MINUTE)
    assert clock.read(seen, "boot-1", START, 160.0) == Now(START + 2 * MINUTE, START, 160.0)
    assert clock.read(seen, "boot-1", START, 280.0).at == START + 3 * MINUTE


def test_in_another_boot_its_seconds_count_from_the_latest_time_seen() -> None:
    """It began after that time, whatever its clock says; a clock that ran ahead before is taken back."""
    state = replace(EMPTY, clock=ClockBase("boot-1", START, 100.0), seen_at=START)
    assert clock.read(state, "boot-2", START - 60 * MINUTE, 60.0).at == START + MINUTE
    ahead = replace(state, clock_ahead=10 * MINUTE)
    assert clock.read(ahead, "boot-2", START + 15 * MINUTE, 60.0).at == START + 5 * MINUTE
    assert clock.read(EMPTY, "boot-2", START, 60.0) == Now(START, START, 60.0)


def test_ends_count_by_the_later_clock_and_beginnings_by_the_earlier() -> None:
    """A clock that is set forward opens nothing, and one that is set back prolongs nothing."""
    for now in (Now(START, START + MINUTE, 0.0), Now(START + MINUTE, START, 0.0)):
        assert (now.ends, now.opens) == (START + MINUTE, START)


def test_a_clock_is_behind_after_a_minute() -> None:
    """Two clocks never run equally fast."""
    assert not Now(START, START - MINUTE, 0.0).is_behind
    assert Now(START, START - MINUTE - SECOND, 0.0).is_behind
