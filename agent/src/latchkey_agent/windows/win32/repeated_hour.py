# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Corrects the hour that occurs twice when daylight saving time ends.

win32timezone treats both occurrences as standard time, because its `utcoffset`
ignores `fold` (PEP 495). Every time in the first occurrence is an hour wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

NEAR = timedelta(hours=20)
"""More than the largest offset from UTC (14 hours), and less than the time between two changes of any zone."""


class RepeatedHour(tzinfo):
    """A time zone that is also right in the repeated hour.

    Args:
        zone: the time zone to correct; it treats the repeated hour as standard time.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the offset from UTC.

        In the repeated hour it is the offset before the change for `fold` 0, and the one after it for `fold` 1.
        """
        if moment is None:
            return None
        wall = moment.replace(tzinfo=None)
        after, before = self._offset(wall), self._offset(wall, -NEAR)
        is_repeated = before > after and self._offset(wall, after - before) == before
        return before if is_repeated and not moment.fold else after

    def fromutc(self, moment: datetime) -> datetime:
        """Return a UTC time in this zone, with its `fold`."""
        utc = moment.replace(tzinfo=None)
        walls = (utc + self._offset(utc, -NEAR), utc + self._offset(utc, NEAR))
        for local in (wall.replace(tzinfo=self, fold=fold) for fold in (0, 1) for wall in walls):
            if local.replace(tzinfo=None) - (self.utcoffset(local) or timedelta()) == utc:
                return local
        # No local time matches: the rules of the zone are inconsistent.
        return super().fromutc(moment)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Return the zone's own value."""
        return self._zone.dst(moment and moment.replace(tzinfo=None))

    def tzname(self, moment: datetime | None) -> str | None:
        """Return the zone's own value."""
        return self._zone.tzname(moment and moment.replace(tzinfo=None))

    def _offset(self, wall: datetime, by: timedelta = timedelta()) -> timedelta:
        """Return the zone's offset at a local time, shifted by `by`."""
        try:
            there = wall + by
        except OverflowError:
            # The shifted time is outside the range of datetime.
            there = wall
        return self._zone.utcoffset(there) or timedelta()
