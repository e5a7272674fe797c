# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The times of a request as moments in UTC, resolved in the PC's time zone as the PC does it.

A signature covers moments, so the controller resolves `22:00` before it signs. The PC does the same for an unsigned
request (`latchkey_agent/domain/terms.py`), and refuses a signed one whose moments it would take otherwise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING

from ._answers import ErrorView
from ._failure import agent_failure

if TYPE_CHECKING:
    from collections.abc import Mapping

_UTC = timezone.utc  # noqa: UP017 - Python 3.10 runs ansible-core 2.16
_DAY = timedelta(days=1)
_LONGEST_NIGHT = timedelta(hours=16)
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


@dataclass(frozen=True)
class PcTimes:
    """The PC's time.

    Attributes:
        now: the present moment, by the PC's clock.
        offsets: the PC's offsets from UTC in minutes, by the moments from which they count, in their order.
    """

    now: datetime
    offsets: tuple[tuple[datetime, int], ...]

    def moment(self, text: str) -> datetime | None:
        """Return the moment that a text names; a time of day names its next occurrence. None: it names none."""
        written = _read(text)
        if isinstance(written, time):
            return self._next(written)
        return None if written is None else self._in_utc(written)

    def window(
        self, not_before: str | None, not_after: str | None, begun: datetime, ends_at: datetime
    ) -> tuple[datetime | None, datetime | None]:
        """Return the beginning and the end of the terms; None for a text that names no moment.

        Args:
            not_before: as the task has it; None for the beginning `begun`.
            not_after: as the task has it; None for the end of the session, `ends_at`.
            begun: a moment that has passed on the PC.
            ends_at: the end of the session.

        Raises:
            Failure: `bad_time`: two times of day mean more than 16 hours, so they may be swapped.
        """
        until = None if not_after is None else _read(not_after)
        end = ends_at if not_after is None else self.moment(not_after)
        if not_before is None:
            return min(begun, end or begun), end
        since = _read(not_before)
        if not (isinstance(since, time) and isinstance(until, time) and end is not None):
            return self.moment(not_before), end
        begin = self._last(since, end)
        if since != until and end - begin > _LONGEST_NIGHT:
            raise _swapped(since, until, end - begin)
        return begin, end

    def _next(self, clock: time) -> datetime:
        """Return the first moment after now with this time of day at the PC."""
        today = self._at_pc(self.now).date()
        first = self._in_utc(datetime.combine(today, clock))
        return first if first > self.now else self._in_utc(datetime.combine(today + _DAY, clock))

    def _last(self, clock: time, end: datetime) -> datetime:
        """Return the last moment before the end with this time of day at the PC."""
        day = self._at_pc(end).date()
        same_day = self._in_utc(datetime.combine(day, clock))
        return same_day if same_day < end else self._in_utc(datetime.combine(day - _DAY, clock))

    def _at_pc(self, moment: datetime) -> datetime:
        """Return the time of the PC's clock at a moment, without an offset."""
        minutes = self.offsets[0][1]
        for since, offset in self.offsets:
            if since <= moment:
                minutes = offset
        return (moment.astimezone(_UTC) + timedelta(minutes=minutes)).replace(tzinfo=None)

    def _in_utc(self, written: datetime) -> datetime:
        """Return the moment at which the PC's clock shows this time; of two such moments the first.

        A time that a change of the offset leaves out counts by the offset before it, as in PEP 495 with `fold` 0.
        """
        if written.tzinfo is not None:
            return written.astimezone(_UTC)
        minutes = self.offsets[0][1]
        for since, offset in self.offsets[1:]:
            change = since.replace(tzinfo=None) + timedelta(minutes=max(minutes, offset))
            if written < change:
                break
            minutes = offset
        return (written - timedelta(minutes=minutes)).replace(tzinfo=_UTC)


def pc_times(now: datetime, offsets: Mapping[str, int]) -> PcTimes:
    """Return the PC's time from a challenge's offsets.

    Raises:
        ValueError: the offsets are none.
    """
    known = sorted(
        (datetime.fromisoformat(since).astimezone(_UTC), offset) for since, offset in offsets.items()
    )
    if not known:
        raise ValueError("it has no offset")
    return PcTimes(now, tuple(known))


def in_utc(moment: datetime) -> str:
    """Return a moment as a signed text writes it."""
    return moment.astimezone(_UTC).isoformat()


def _read(text: str) -> datetime | time | None:
    if (found := _TIME_OF_DAY.fullmatch(text.strip())) is not None:
        return time(int(found[1]), int(found[2]), int(found[3] or "0"))
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if len(text.strip()) > len("2026-11-23") else None


def _swapped(since: time, until: time, length: timedelta) -> Exception:
    """Return the failure with which the PC answers an unsigned request of this kind."""
    written = f"{since:%H:%M} to {until:%H:%M} means {length / timedelta(hours=1):.0f} hours"
    return agent_failure(
        ErrorView(
            code="bad_time",
            message=f"not_before is not a usable time: {written}; are the two times swapped? Write them with a date "
            "if not.",
            hint='Write "22:00", "2026-11-23T22:00" or "2026-11-23T22:00:00+01:00"; the end must be after the '
            "start.",
        )
    )
