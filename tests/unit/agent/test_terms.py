# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms: the times that an operator writes, the window that they mean, and covering terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from latchkey_agent.domain import receipt
from latchkey_agent.domain.model import Request, Terms
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.terms import canonical, covers, fixed, read_time, resolve, window
from tests.unit.agent.world import ADMIN, ANNA

CET = timezone(timedelta(hours=1))
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 18, 0, tzinfo=CET)
END = NOW + timedelta(hours=24)
TERMS = Terms(
    restarts=2,
    unlocks=1,
    foreign_restarts=False,
    programs=False,
    not_before=NOW,
    not_after=NOW + timedelta(hours=2),
    relock_after=600.0,
    grace=5.0,
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
        ("2026-11-24T05", "2026-11-24T05:00:00+01:00"),
        ("2026-11-24 05:00", "2026-11-24T05:00:00+01:00"),
        ("2026-11-24T05:00:00Z", "2026-11-24T06:00:00+01:00"),
        ("2026-11-24T05:00:00-05:00", "2026-11-24T11:00:00+01:00"),
    ],
)
def test_a_time_means_the_next_such_moment_on_the_pc(written: str, meant: str) -> None:
    """A time of day means its next occurrence, and a moment without offset is in the PC's zone."""
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
def test_an_invalid_time_is_refused_and_quoted(written: str) -> None:
    """An invalid time is refused, and the error quotes it and names its field."""
    with pytest.raises(Refused) as caught:
        resolve("ends", written, NOW, CET)
    assert caught.value.code == "bad_time"
    assert caught.value.places["field"] == "ends"
    assert repr(written) in str(caught.value.places["detail"])


BEYOND = f"the support session ends before that, at {END.isoformat(timespec='minutes')}"


SWAPPED = "05:00 to 22:00 means 17 hours; are the two times swapped? Write them with a date if not"


def test_a_long_window_needs_dates() -> None:
    """Two times of day mean sixteen hours at most; with dates a window may be as long as the session."""
    assert window("06:00", "22:00", NOW, END, CET) == (NOW.replace(hour=6), NOW.replace(hour=22))
    day = window("2026-11-23T05:00", "2026-11-23T22:00", NOW, END, CET)
    assert day == (NOW.replace(hour=5), NOW.replace(hour=22))


def test_two_times_of_day_mean_one_night() -> None:
    """Two times of day mean the same night before, during and after midnight."""
    night = window("22:00", "05:00", NOW, END, CET)
    assert night == (NOW.replace(hour=22), NOW.replace(day=24, hour=5))
    in_it = NOW.replace(hour=23)
    assert window("22:00", "05:00", in_it, END, CET) == night
    after_midnight = NOW.replace(day=24, hour=3)
    assert window("22:00", "05:00", after_midnight, END, CET) == night


def test_a_window_may_lie_within_one_day() -> None:
    """A window may begin and end on the same day."""
    begin, end = window("19:00", "21:00", NOW, END, CET)
    assert (begin, end) == (NOW.replace(hour=19), NOW.replace(hour=21))


def test_the_default_window_is_the_session() -> None:
    """The window is the whole session by default, and may end with it."""
    assert window(None, None, NOW, END, CET) == (NOW, END)
    assert window(None, END.isoformat(), NOW, END, CET) == (NOW, END)


def test_a_begin_alone_means_its_next_occurrence() -> None:
    """A time of day alone means its next occurrence, also beside a full date as the end."""
    later = NOW.replace(hour=22)
    assert window("22:00", None, NOW, END, CET) == (later, END)
    assert window("22:00", "2026-11-24T05:00", NOW, END, CET)[0] == later
    assert window("2026-11-23T22:00", "05:00", NOW, END, CET)[0] == later


@pytest.mark.parametrize(
    ("begin", "end", "field", "detail"),
    [
        (None, "2026-11-23T17:00", "not_after", "2026-11-23T17:00+01:00 is over"),
        (None, "2026-11-23T18:00", "not_after", "2026-11-23T18:00+01:00 is over"),
        ("2026-11-24T06:00", "05:00", "not_before", "the window would end before it begins"),
        ("2026-11-25T00:00", None, "not_before", BEYOND),
        ("2026-11-25T00:00", "2026-11-25T05:00", "not_after", BEYOND),
        (None, "2026-12-24T18:00", "not_after", BEYOND),
        ("2026-11-23T20:00", "2026-11-23T20:00", "not_before", "the window would end before it begins"),
        ("05:00", "22:00", "not_before", SWAPPED),
        ("tonight", None, "not_before", "'tonight' cannot be read"),
        ("tonight", "05:00", "not_before", "'tonight' cannot be read"),
        (None, "tomorrow", "not_after", "'tomorrow' cannot be read"),
        ("22:00", "tomorrow", "not_after", "'tomorrow' cannot be read"),
    ],
)
def test_an_impossible_window_is_refused(begin: str | None, end: str | None, field: str, detail: str) -> None:
    """A window that cannot be read, is over or ends before it begins is refused; the error names the field."""
    with pytest.raises(Refused) as caught:
        window(begin, end, NOW, END, CET)
    assert caught.value.code == "bad_time"
    assert caught.value.places == {"field": field, "detail": detail}


@pytest.mark.usefixtures("other_zone")
def test_a_time_of_day_is_the_pcs_whatever_the_zone_of_this_process_is() -> None:
    """The zone is named by the PC's clock."""
    assert resolve("ends", "17:00", NOW, CET) == NOW.replace(day=24, hour=17)
    assert resolve("ends", "22:00", NOW, CET) == NOW.replace(hour=22)
    assert window("22:00", "02:00", NOW, END, CET) == (NOW.replace(hour=22), NOW.replace(day=24, hour=2))
    night = window("17:30", "09:00", NOW - timedelta(hours=10), END, CET)
    assert night == (NOW.replace(day=22, hour=17, minute=30), NOW.replace(hour=9))


def test_one_time_of_day_as_both_ends_means_a_whole_day() -> None:
    """The window ends at the next such moment and has begun at the last one."""
    assert window("05:00", "05:00", NOW, END, CET) == (NOW.replace(hour=5), NOW.replace(day=24, hour=5))


def test_a_begin_beside_a_date_is_not_taken_for_a_night() -> None:
    """A window of more than one night begins with the first one."""
    begin, _ = window("22:00", "2026-11-25T05:00", NOW, NOW + timedelta(hours=72), CET)
    assert begin == NOW.replace(hour=22)


def test_a_window_over_the_clock_change_has_its_real_length() -> None:
    """The window over the clock change lasts eight real hours.

    Python would count seven hours between two moments in the same zone.
    """
    now = fixed(datetime(2026, 10, 24, 18, 0, tzinfo=BERLIN))
    begin, end = window("22:00", "05:00", now, now + timedelta(hours=24), BERLIN)
    assert end - begin == timedelta(hours=8)
    assert end - now == timedelta(hours=12)


def test_a_repeated_time_of_day_is_in_the_future() -> None:
    """A repeated time of day always means a moment in the future."""
    between = datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN)
    assert resolve("ends", "02:30", fixed(between), BERLIN) > fixed(between)


@given(st.datetimes(datetime(1850, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001 - the zone comes next
@example(datetime(1890, 1, 1))  # noqa: DTZ001 - the zone comes next
@example(datetime(2000, 3, 26, 2, 0))  # noqa: DTZ001 - no clock in Berlin showed this time
def test_a_fixed_moment_has_an_offset_in_whole_minutes(naive: datetime) -> None:
    """The offset of a fixed moment has whole minutes, also in Berlin before 1893."""
    moment = naive.replace(tzinfo=BERLIN)
    # Python calls a time that a change of the clocks left out unequal to all times of other zones.
    assert fixed(moment).astimezone(UTC) == moment.astimezone(UTC)
    offset = fixed(moment).utcoffset()
    assert offset is not None
    assert offset % timedelta(minutes=1) == timedelta(0)


def test_a_clock_without_offset_gets_the_systems_zone() -> None:
    """A clock without an offset gets the zone of the system."""
    assert fixed(datetime(2026, 11, 23, 18, 0)).tzinfo is not None  # noqa: DTZ001 - that is the point


def test_a_moment_is_read_in_the_pcs_zone() -> None:
    """The customer reads the time in the PC's zone, whatever offset the operator wrote."""
    moment = read_time("ends", "2026-11-24T05:00:00Z", CET)
    assert isinstance(moment, datetime)
    assert moment.utcoffset() == timedelta(hours=1)


@pytest.mark.parametrize(
    "more",
    [
        {"restarts": 3},
        {"unlocks": 2},
        {"foreign_restarts": True},
        {"programs": True},
        {"not_before": NOW - timedelta(seconds=1)},
        {"not_after": NOW + timedelta(hours=2, seconds=1)},
    ],
)
def test_terms_cover_equal_and_smaller_terms(more: dict[str, object]) -> None:
    """Terms cover equal and smaller terms, but none that exceed them in one field."""
    assert covers(TERMS, TERMS)
    assert covers(replace(TERMS, **more), TERMS)
    assert not covers(TERMS, replace(TERMS, **more))


def test_the_canonical_form_does_not_depend_on_how_a_moment_is_written() -> None:
    """The canonical form is the same for equal moments with different offsets."""
    same = replace(TERMS, not_before=NOW.astimezone(UTC), not_after=TERMS.not_after.astimezone(UTC))
    assert canonical(TERMS, ANNA, "g", "PC-07") == canonical(same, ANNA, "g", "PC-07")
    assert canonical(TERMS, ANNA, "g", "PC-07") != canonical(TERMS, ANNA, "g", "PC-08")


@pytest.mark.usefixtures("other_zone")
def test_the_canonical_form_stays_as_it_is() -> None:
    """A sealed record opens with these very bytes only, also after an update of the agent."""
    assert canonical(TERMS, ANNA, "g", "PC-07").decode().split("\n") == [
        "latchkey-terms-1",
        "g",
        "PC-07",
        "S-1-5-21-1-2-3-1001",
        "2",
        "1",
        "0",
        "0",
        "2026-11-23T17:00:00+00:00",
        "2026-11-23T19:00:00+00:00",
        "600.0",
        "5.0",
    ]


CHANGED: dict[str, Any] = {
    "means": "grant",
    "two_parties": True,
    "restarts": TERMS.restarts + 1,
    "unlocks": TERMS.unlocks + 1,
    "foreign_restarts": not TERMS.foreign_restarts,
    "programs": not TERMS.programs,
    "not_before": TERMS.not_before - timedelta(hours=1),
    "not_after": TERMS.not_after + timedelta(hours=1),
    "relock_after": TERMS.relock_after + 60.0,
    "grace": TERMS.grace + 60.0,
}


@pytest.mark.parametrize("name", Terms.__struct_fields__)
def test_every_term_is_sealed_compared_and_in_the_receipt(name: str) -> None:
    """Each term is in the sealed record's data, in the comparison of terms, and in the receipt."""
    narrow = replace(TERMS, means="arso") if name == "means" else TERMS
    wider = replace(narrow, **{name: CHANGED[name]})
    assert canonical(wider, ANNA, "g", "PC-07") != canonical(narrow, ANNA, "g", "PC-07")
    # A grant of two parties and one of one party are not wider than the other: an operator can use one of them.
    assert covers(wider, narrow) is (name != "two_parties")
    assert not covers(narrow, wider)
    request = Request(
        id="r",
        session="s",
        asked_by=ADMIN,
        account=ANNA,
        terms=TERMS,
        code="0000",
        asked_at=NOW,
        answer_by=NOW,
    )
    assert name in receipt._terms(request)
