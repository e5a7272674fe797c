# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hour that comes twice when daylight saving time ends, in zones that know it only once.

win32timezone takes the whole of it for standard time (its `utcoffset` does not
read `fold`, PEP 495): every moment of the first pass is an hour wrong.
"""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

NEAR = timedelta(hours=20)
"""More than any zone is away from UTC (14 hours), and less than any has between two changes."""


class RepeatedHour(tzinfo):
    """A zone whose moments are right in that hour, too.

    Args:
        zone: takes the repeated hour for standard time.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        """Return the offset: the one before the change in the first pass (`fold` 0), the one after it in the second."""
        if moment is None:
            return None
        wall = moment.replace(tzinfo=None)
        after, before = self._offset(wall), self._offset(wall, -NEAR)
        is_repeated = before > after and self._offset(wall, after - before) == before
        return before if is_repeated and not moment.fold else after

    def fromutc(self, moment: datetime) -> datetime:
        """Return a moment of UTC in this zone, with its `fold`."""
        utc = moment.replace(tzinfo=None)
        walls = (utc + self._offset(utc, -NEAR), utc + self._offset(utc, NEAR))
        for local in (wall.replace(tzinfo=self, fold=fold) for fold in (0, 1) for wall in walls):
            if local.replace(tzinfo=None) - (self.utcoffset(local) or timedelta()) == utc:
                return local
        # No wall clock shows it: the zone contradicts itself.
        return super().fromutc(moment)

    def dst(self, moment: datetime | None) -> timedelta | None:
        """Return what the zone says."""
        return self._zone.dst(moment and moment.replace(tzinfo=None))

    def tzname(self, moment: datetime | None) -> str | None:
        """Return what the zone says."""
        return self._zone.tzname(moment and moment.replace(tzinfo=None))

    def _offset(self, wall: datetime, by: timedelta = timedelta()) -> timedelta:
        """Return the offset that the zone gives for a wall clock, moved `by` so much."""
        try:
            there = wall + by
        except OverflowError:
            # Beyond the calendar's end.
            there = wall
        return self._zone.utcoffset(there) or timedelta()
