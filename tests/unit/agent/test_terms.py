# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms: what an operator writes as a time, which window it means, what covers what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from latchkey_agent.domain.model import Terms
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.terms import canonical, covers, fixed, read_time, resolve, window
from tests.unit.agent.world import ANNA

CET = timezone(timedelta(hours=1))
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=CET)
END = NOW + timedelta(hours=24)
TERMS = Terms(
    restarts=2, unlocks=1, foreign_restarts=False, not_before=NOW, not_after=NOW + timedelta(hours=2)
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("22:00", "2026-11-23T22:00:00+01:00"),
        ("22:00:30", "2026-11-23T22:00:30+01:00"),
        ("18:00", "2026-11-24T18:00:00+01:00"),
        ("05:00", "2026-11-24T05:00:00+01:00"),
        ("00:00", "2026-11-24T00:00:00+01:00"),
        (" 05:00 ", "2026-11-24T05:00:00+01:00"),
        ("2026-11-24T05:00", "2026-11-24T05:00:00+01:00"),
        ("2026-11-24 05:00", "2026-11-24T05:00:00+01:00"),
        ("2026-11-24T05:00:00Z", "2026-11-24T06:00:00+01:00"),
        ("2026-11-24T05:00:00-05:00", "2026-11-24T11:00:00+01:00"),
    ],
)
def test_a_time_means_the_next_such_moment_on_the_pc(written: str, meant: str) -> None:
    """A time of day is the next one, a moment without offset is in the PC's zone."""
    assert resolve("ends", written, NOW, CET) == datetime.fromisoformat(meant)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "24:00",
        "5:00",
        "tomorrow",
        "2026-11-24",
        "20261124",
        "2026-13-01T00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_what_is_no_time_is_refused_and_quoted(written: str) -> None:
    """Also a day without a time, and what lies beyond the calendar."""
    with pytest.raises(Refused) as caught:
        resolve("ends", written, NOW, CET)
    assert caught.value.code == "bad_time"
    assert caught.value.places["field"] == "ends"
    assert repr(written) in str(caught.value.places["detail"])


def test_two_times_of_day_name_one_night() -> None:
    """Before it, in it and after it: the window around the next such end."""
    night = window("22:00", "05:00", NOW, END, CET)
    assert night == (NOW.replace(hour=22), NOW.replace(day=24, hour=5))
    in_it = NOW.replace(hour=23)
    assert window("22:00", "05:00", in_it, END, CET) == night
    after_midnight = NOW.replace(day=24, hour=3)
    assert window("22:00", "05:00", after_midnight, END, CET) == night


def test_a_window_of_one_day_begins_on_that_day() -> None:
    """The last beginning before the end may be on the same day."""
    begin, end = window("19:00", "21:00", NOW, END, CET)
    assert (begin, end) == (NOW.replace(hour=19), NOW.replace(hour=21))


def test_without_times_a_window_is_all_of_the_session() -> None:
    """From now until the session ends; a later end is cut to that."""
    assert window(None, None, NOW, END, CET) == (NOW, END)
    assert window(None, "2026-12-24T18:00", NOW, END, CET) == (NOW, END)


def test_a_beginning_alone_is_the_next_such_moment() -> None:
    """With an end that is a moment, too."""
    later = NOW.replace(hour=22)
    assert window("22:00", None, NOW, END, CET) == (later, END)
    assert window("22:00", "2026-11-24T05:00", NOW, END, CET)[0] == later
    assert window("2026-11-23T22:00", "05:00", NOW, END, CET)[0] == later


@pytest.mark.parametrize(
    ("begin", "end", "field"),
    [
        (None, "2026-11-23T17:00", "not_after"),
        ("2026-11-24T06:00", "05:00", "not_before"),
        ("2026-11-25T00:00", None, "not_before"),
    ],
)
def test_a_window_that_cannot_be_is_refused(begin: str | None, end: str, field: str) -> None:
    """Over already, or ending before it begins."""
    with pytest.raises(Refused) as caught:
        window(begin, end, NOW, END, CET)
    assert (caught.value.code, caught.value.places["field"]) == ("bad_time", field)


def test_the_night_of_the_clock_change_has_its_real_length() -> None:
    """In Berlin the night to 2026-10-25 has an hour more; Python would not count it in one zone."""
    now = fixed(datetime(2026, 10, 24, 18, 0, tzinfo=BERLIN))
    begin, end = window("22:00", "05:00", now, now + timedelta(hours=24), BERLIN)
    assert end - begin == timedelta(hours=8)
    assert end - now == timedelta(hours=12)


def test_a_time_that_is_twice_in_a_night_is_the_next_one() -> None:
    """Between the two half past twos the next one is tomorrow's: never a moment that is over."""
    between = datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN)
    assert resolve("ends", "02:30", fixed(between), BERLIN) > fixed(between)


@given(st.datetimes(datetime(1850, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - the zone comes next
def test_a_fixed_moment_is_the_same_moment_in_whole_minutes(naive: datetime) -> None:
    """In Berlin, too, whose offset before 1893 had seconds."""
    moment = naive.replace(tzinfo=BERLIN)
    assert fixed(moment) == moment
    offset = fixed(moment).utcoffset()
    assert offset is not None
    assert offset % timedelta(minutes=1) == timedelta(0)


def test_a_clock_without_offset_is_taken_for_the_systems_own() -> None:
    """Nothing crashes over it."""
    assert fixed(datetime(2026, 11, 23, 18, 0)).tzinfo is not None  # noqa: DTZ001 - that is the point


def test_a_moment_is_read_in_the_pcs_zone() -> None:
    """The customer reads their own time, whatever offset the operator wrote."""
    moment = read_time("ends", "2026-11-24T05:00:00Z", CET)
    assert isinstance(moment, datetime)
    assert moment.utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(
    "more",
    [
        {"restarts": 3},
        {"unlocks": 2},
        {"foreign_restarts": True},
        {"not_before": NOW - timedelta(seconds=1)},
        {"not_after": NOW + timedelta(hours=2, seconds=1)},
    ],
)
def test_terms_cover_what_asks_for_no_more(more: dict[str, object]) -> None:
    """They cover themselves, and less; not one thing more."""
    assert covers(TERMS, TERMS)
    assert covers(replace(TERMS, **more), TERMS)
    assert not covers(TERMS, replace(TERMS, **more))


def test_the_canonical_form_does_not_depend_on_how_a_moment_is_written() -> None:
    """The journal gives the same moments back with another offset."""
    same = replace(TERMS, not_before=NOW.astimezone(UTC), not_after=TERMS.not_after.astimezone(UTC))
    assert canonical(TERMS, ANNA, "g", "PC-07") == canonical(same, ANNA, "g", "PC-07")
    assert canonical(TERMS, ANNA, "g", "PC-07") != canonical(TERMS, ANNA, "g", "PC-08")
