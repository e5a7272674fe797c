# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The repeated hour of the clock change, compared with the zone database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from latchkey_agent.windows.win32.repeated_hour import RepeatedHour

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "America/St_Johns")
STEP = timedelta(minutes=10)


class Once(tzinfo):
    """A zone that knows only the second pass of the repeated hour, as win32timezone does."""

    def __init__(self, name: str) -> None:
        self._zone = ZoneInfo(name)

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the offset of the second pass."""
        assert moment is not None
        assert moment.tzinfo is None
        return moment.replace(tzinfo=self._zone, fold=1).utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Return the daylight saving of the second pass."""
        return moment.replace(tzinfo=self._zone, fold=1).dst() if moment else None

    def tzname(self, moment: datetime | None) -> str | None:
        """Return the name of the second pass."""
        return moment.replace(tzinfo=self._zone, fold=1).tzname() if moment else None


def changes(name: str) -> list[datetime]:
    """Return the moments of a year, in UTC, at which the zone's offset changes, else one moment."""
    zone, first = ZoneInfo(name), datetime(2026, 1, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=hour) for hour in range(365 * 24)]
    found = [
        h for h in hours if h.astimezone(zone).utcoffset() != (h + STEP * 6).astimezone(zone).utcoffset()
    ]
    return found or [first]


@pytest.mark.parametrize("name", ZONES)
def test_every_moment_around_a_change_has_its_offset(name: str) -> None:
    """Each moment around a change has the offset and the fold of the zone database."""
    zone, known = RepeatedHour(Once(name)), ZoneInfo(name)
    for change in changes(name):
        for number in range(-30, 36):
            moment = change + number * STEP
            here = moment.astimezone(zone)
            assert here.utcoffset() == moment.astimezone(known).utcoffset(), moment
            assert here.astimezone(UTC) == moment
            assert here.fold == moment.astimezone(known).fold


@pytest.mark.parametrize("name", ZONES)
def test_every_wall_clock_time_around_a_change_is_the_first_pass(name: str) -> None:
    """A wall clock time without a fold means the first pass, as in the zone database."""
    zone, known = RepeatedHour(Once(name)), ZoneInfo(name)
    for change in changes(name):
        for number in range(-30, 36):
            wall = (change + number * STEP).astimezone(known).replace(tzinfo=None, fold=0)
            assert wall.replace(tzinfo=zone).utcoffset() == wall.replace(tzinfo=known).utcoffset(), wall


def test_the_ends_of_the_calendar_have_an_offset() -> None:
    """The first and the last moment of the calendar have an offset."""
    zone = RepeatedHour(Once("Europe/Berlin"))
    assert datetime.max.replace(tzinfo=zone).utcoffset() == timedelta(hours=1)
    assert zone.utcoffset(None) is None
    summer = datetime(2026, 7, 1, tzinfo=zone)
    assert (summer.dst(), summer.tzname()) == (timedelta(hours=1), "CEST")
