# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The maintenance window: no step begins outside of it, or where it could end too late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from latchkey_agent.domain import Now, evolve
from latchkey_agent.domain import events as e
from latchkey_agent.domain.evolve import KEPT_DURATIONS
from latchkey_agent.domain.model import Bounds, Requester, State
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.sessions import must_fit, needs
from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.bench import Bench, at
from tests.unit.agent.world import ADMIN, START

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
BOUNDS = Bounds(opens_at=START, closes_at=START + HOUR, limit=20 * MINUTE, spare=10 * MINUTE)
EMPTY = State()
STARTED = e.SessionStarted(
    at=START,
    session="s-1",
    name="CHG-1",
    owner=ADMIN,
    requester=Requester("", "", ""),
    reason="Monthly updates",
    ticket="",
    ends_at=START + 24 * HOUR,
)


def refusal(now: Now, bounds: Bounds = BOUNDS, state: State = EMPTY) -> Refused | None:
    """Return why the step may not begin."""
    try:
        must_fit(state, "Updates", bounds, now)
    except Refused as refused:
        return refused
    return None


def test_a_step_begins_if_it_and_its_restart_end_in_the_window() -> None:
    """From the first moment on, and to the last at which limit and restart still fit."""
    assert refusal(at(START)) is None
    assert refusal(at(START + 30 * MINUTE)) is None

    early, late = refusal(at(START - SECOND)), refusal(at(START + 30 * MINUTE + SECOND))

    assert early
    assert (early.code, early.retry_after) == ("window_not_open", 1.0)
    assert early.places == {"step": "Updates", "detail": f"it opens at {START.isoformat(timespec='minutes')}"}
    closes = (START + HOUR).isoformat(timespec="minutes")
    assert late
    assert late.code == "window_too_short"
    assert late.places == {"step": "Updates", "detail": f"it closes at {closes}, and Updates needs 30 min"}


def test_a_step_of_unknown_duration_begins_until_the_window_closes() -> None:
    """Not at the moment itself."""
    bounds = Bounds(opens_at=START, closes_at=START + HOUR)
    assert refusal(at(START + HOUR - SECOND), bounds) is None
    assert refusal(at(START + HOUR), bounds) is not None


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (Now(START, START - SECOND, 0.0), "window_not_open"),
        (Now(START - SECOND, START, 0.0), "window_not_open"),
        (Now(START, START + 31 * MINUTE, 0.0), "window_too_short"),
        (Now(START + 31 * MINUTE, START, 0.0), "window_too_short"),
    ],
)
def test_a_wrong_clock_opens_no_window_and_prolongs_none(now: Now, code: str) -> None:
    """A beginning counts by the earlier of the PC's clock and the agent's time, an end by the later."""
    refused = refusal(now)
    assert refused
    assert refused.code == code


def run_from(state: State, step: str, began: datetime, lasted: timedelta) -> State:
    """Return the state after a step that began at a moment and lasted so long."""
    state = evolve(state, e.CheckpointSet(at=began, session="s-1", step=step, state="started"))
    return evolve(state, e.CheckpointSet(at=began + lasted, session="s-1", step=step, state="done"))


def test_the_last_duration_on_this_pc_counts_where_no_limit_is_named() -> None:
    """From `started` to `done`; the limit wins, and a later run replaces the duration."""
    state = evolve(EMPTY, STARTED)
    for began, lasted in ((0, 5), (60, 7)):
        state = run_from(state, "Updates", START + began * MINUTE, lasted * MINUTE)
        assert state.durations == {"Updates": lasted * MINUTE}
    unknown = Bounds(opens_at=START, closes_at=START + HOUR, spare=MINUTE)
    assert needs(state, "Updates", unknown) == 8 * MINUTE
    assert needs(state, "Other", unknown) == MINUTE
    assert needs(state, "Updates", BOUNDS) == 30 * MINUTE


def test_the_time_between_two_jobs_is_no_duration() -> None:
    """A step that was killed and begins anew in another job counts from there; a clock set back makes none below 0."""
    state = evolve(EMPTY, STARTED)
    state = evolve(state, e.CheckpointSet(at=START, session="s-1", step="Updates", state="started"))
    assert run_from(state, "Updates", START + 6 * HOUR, 20 * MINUTE).durations == {"Updates": 20 * MINUTE}
    assert run_from(state, "Updates", START, -MINUTE).durations == {"Updates": timedelta()}


def test_a_step_that_did_not_start_has_no_duration_and_the_latest_are_kept() -> None:
    """`done` without `started` tells nothing about the time."""
    state = evolve(EMPTY, STARTED)
    state = evolve(state, e.CheckpointSet(at=START, session="s-1", step="Updates", state="done"))
    assert state.durations == {}
    for number in range(KEPT_DURATIONS + 1):
        state = run_from(state, f"{number}", START, MINUTE)
    assert list(state.durations) == [f"{number}" for number in range(1, KEPT_DURATIONS + 1)]


# --- asked through the pipe -------------------------------------------------------------------------


def begin(bench: Bench, **bounds: Any) -> rq.Checkpoint:
    """Return the request that sets a step's checkpoint within a window."""
    if not bench.state.sessions:
        bench.start_session()
    return rq.Checkpoint(session="CHG-1", step="Updates", state="started", **bounds)


def test_the_checkpoint_is_set_within_the_window_alone(bench: Bench) -> None:
    """START is 18:00. A refused step has no checkpoint; a task that only reads is refused, too."""
    night = {"not_before": "22:00", "not_after": "05:00"}
    assert bench.code(begin(bench, **night)) == "window_not_open"
    read = rq.Checkpoint(session="CHG-1", step="Updates", not_before="22:00", not_after="05:00")
    assert bench.code(read) == "window_not_open"
    assert not next(iter(bench.state.sessions.values())).checkpoints

    bench.world.now += 4 * HOUR
    answer = bench.result(begin(bench, **night))

    assert answer["opens_at"] == "2026-11-23T22:00:00.000+01:00"
    assert answer["closes_at"] == "2026-11-24T05:00:00.000+01:00"
    assert answer["checkpoints"]["Updates"]["state"] == "started"
    assert bench.code(begin(bench, **night, limit=7 * 3600.0, spare=1.0)) == "window_too_short"


def test_a_window_that_is_over_and_one_beyond_the_session_are_told(bench: Bench) -> None:
    """A date in the past has closed; a session that ends first is an error of the times."""
    over = {"not_before": "2026-11-22T22:00", "not_after": "2026-11-23T05:00"}
    assert bench.code(begin(bench, **over)) == "window_too_short"
    assert bench.code(begin(bench, not_after="2026-11-23T05:00")) == "window_too_short"
    assert bench.code(begin(bench, not_before="22:00", not_after="2026-12-24T05:00")) == "bad_time"
    assert bench.code(begin(bench, not_before="05:00", not_after="22:00")) == "bad_time"
    assert bench.result(begin(bench, not_before="2026-11-23T17:00"))["closes_at"]


@pytest.mark.parametrize(
    ("zone", "begins", "hours"),
    [
        # Clocks go back at 03:00 on 25 October 2026: the night has an hour more.
        ("Europe/Berlin", datetime(2026, 10, 24, 22, tzinfo=ZoneInfo("Europe/Berlin")), 8),
        # Clocks go forward at 02:00 on 28 March 2027: an hour less.
        ("Europe/Berlin", datetime(2027, 3, 27, 22, tzinfo=ZoneInfo("Europe/Berlin")), 6),
        ("America/New_York", datetime(2026, 11, 23, 22, tzinfo=ZoneInfo("America/New_York")), 7),
    ],
)
def test_the_window_is_a_night_of_the_pc(bench: Bench, zone: str, begins: datetime, hours: int) -> None:
    """22:00 to 05:00 in the PC's zone, whatever that night's length is."""
    bench.world.zone = ZoneInfo(zone)
    bench.world.now = begins.astimezone(UTC) - MINUTE
    night = {"not_before": "22:00", "not_after": "05:00"}
    assert bench.code(begin(bench, **night)) == "window_not_open"

    bench.world.now += MINUTE
    assert bench.result(begin(bench, **night, limit=hours * 3600.0))
    assert bench.code(begin(bench, **night, limit=hours * 3600.0 + 1)) == "window_too_short"


def test_a_night_that_is_over_is_not_the_next_one(bench: Bench) -> None:
    """Times of day that come again only after the session mean the night that has passed within it."""
    bench.start_session()
    session = next(iter(bench.state.sessions.values()))
    bench.world.now += 11 * HOUR + MINUTE
    assert session.ends_at < bench.world.now + 24 * HOUR
    assert bench.code(begin(bench, not_before="22:00", not_after="05:00")) == "window_too_short"


@pytest.mark.parametrize("written", ["02:30", "2027-03-28T02:30"])
def test_an_hour_that_does_not_exist_is_read_as_the_next_one(bench: Bench, written: str) -> None:
    """02:30 in the night in which clocks go from 02:00 to 03:00 means 03:30."""
    bench.world.zone = ZoneInfo("Europe/Berlin")
    bench.world.now = datetime(2027, 3, 28, 0, tzinfo=UTC)
    answer = bench.result(begin(bench, not_after=written))
    assert datetime.fromisoformat(answer["closes_at"]).astimezone(UTC) == datetime(
        2027, 3, 28, 1, 30, tzinfo=UTC
    )
