# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hour that comes twice, against the zone database's own answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from latchkey_agent.windows.win32.repeated_hour import RepeatedHour

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "America/St_Johns")
STEP = timedelta(minutes=10)


class Once(tzinfo):
    """A zone that takes the repeated hour for standard time, as win32timezone does."""

    def __init__(self, name: str) -> None:
        self._zone = ZoneInfo(name)

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the second pass's offset."""
        assert moment is not None
        assert moment.tzinfo is None
        return moment.replace(tzinfo=self._zone, fold=1).utcoffset()

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Return the second pass's."""
        return moment.replace(tzinfo=self._zone, fold=1).dst() if moment else None

    def tzname(self, moment: datetime | None) -> str | None:
        """Return the second pass's."""
        return moment.replace(tzinfo=self._zone, fold=1).tzname() if moment else None


def changes(name: str) -> list[datetime]:
    """Return the moments of a year, in UTC, around which a zone's offset changes; one moment where none does."""
    zone, first = ZoneInfo(name), datetime(2026, 1, 1, tzinfo=UTC)
    hours = [first + timedelta(hours=hour) for hour in range(365 * 24)]
    found = [
        h for h in hours if h.astimezone(zone).utcoffset() != (h + STEP * 6).astimezone(zone).utcoffset()
    ]
    return found or [first]


@pytest.mark.parametrize("name", ZONES)
def test_every_moment_around_a_change_is_what_it_is(name: str) -> None:
    """There and back, with the offset of the zone database."""
    zone, known = RepeatedHour(Once(name)), ZoneInfo(name)
    for change in changes(name):
        for number in range(-30, 36):
            moment = change + number * STEP
            here = moment.astimezone(zone)
            assert here.utcoffset() == moment.astimezone(known).utcoffset(), moment
            assert here.astimezone(UTC) == moment
            assert here.fold == moment.astimezone(known).fold


@pytest.mark.parametrize("name", ZONES)
def test_every_wall_clock_around_a_change_means_what_it_says(name: str) -> None:
    """What people write has no fold: the first pass is meant. One that no clock shows is left to the zone."""
    zone, known = RepeatedHour(Once(name)), ZoneInfo(name)
    for change in changes(name):
        for number in range(-30, 36):
            wall = (change + number * STEP).astimezone(known).replace(tzinfo=None, fold=0)
            assert wall.replace(tzinfo=zone).utcoffset() == wall.replace(tzinfo=known).utcoffset(), wall


def test_the_calendar_has_an_end() -> None:
    """Its first and last moments have an offset, too."""
    zone = RepeatedHour(Once("Europe/Berlin"))
    assert datetime.max.replace(tzinfo=zone).utcoffset() == timedelta(hours=1)
    assert zone.utcoffset(None) is None
    summer = datetime(2026, 7, 1, tzinfo=zone)
    assert (summer.dst(), summer.tzname()) == (timedelta(hours=1), "CEST")
