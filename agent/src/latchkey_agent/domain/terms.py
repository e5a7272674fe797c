# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Terms: their window, their comparison, and the times that an operator writes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo

from .model import Account, Terms
from .refusal import Refused

LONGEST_NIGHT = timedelta(hours=16)
"""The longest window that two times of day may mean: a longer one is more likely a night with its times swapped."""
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")


def fixed(moment: datetime) -> datetime:
    """Return the same moment with a plain offset of whole minutes.

    Python compares and subtracts two moments of one time zone by their wall
    clocks, which is an hour wrong over a change of daylight saving time; and
    the journal keeps offsets in minutes.
    """
    offset = (moment.utcoffset() or timedelta()) // timedelta(minutes=1)
    return moment.astimezone(timezone(timedelta(minutes=offset)))


def read_time(field: str, text: str, zone: tzinfo) -> datetime | time:
    """Read an ISO 8601 moment (without offset it is in `zone`), or a time of day.

    Raises:
        Refused: `bad_time`.
    """
    if (found := _TIME_OF_DAY.fullmatch(text.strip())) is not None:
        hour, minute, second = found.groups(default="0")
        return time(int(hour), int(minute), int(second))
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refused("bad_time", field=field, detail=f"{text!r} cannot be read") from None
    if len(text.strip()) <= len("2026-11-23"):
        raise Refused("bad_time", field=field, detail=f"{text!r} has no time of day")
    return _here(field, text, moment, zone)


def _here(field: str, text: str, moment: datetime, zone: tzinfo) -> datetime:
    """Return the moment in the PC's zone; Python's calendar has the years 1 to 9999."""
    try:
        aware = moment if moment.tzinfo else moment.replace(tzinfo=zone)
        return fixed(aware.astimezone(zone))
    except OverflowError:
        raise Refused("bad_time", field=field, detail=f"{text!r} is beyond the calendar") from None


def resolve(field: str, text: str, now: datetime, zone: tzinfo) -> datetime:
    """Return the moment that `text` names; a time of day names its next occurrence."""
    return _moment(read_time(field, text, zone), now, zone)


def _moment(written: datetime | time, now: datetime, zone: tzinfo) -> datetime:
    return written if isinstance(written, datetime) else _next(written, now, zone)


def window(
    not_before: str | None, not_after: str | None, now: datetime, ends_at: datetime, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Return the window (not before, not after) that the operator wrote.

    Two times of day name one night: the end is the next such moment, and the
    beginning the last one before that end. So a job that is launched again
    in the middle of its window means the same window. A window of more than `LONGEST_NIGHT` needs dates.

    Raises:
        Refused: `bad_time`.
    """
    begin, end = span(not_before, not_after, now, ends_at, zone)
    if end <= now:
        raise Refused("bad_time", field="not_after", detail=f"{end.isoformat(timespec='minutes')} is over")
    return begin, end


def span(
    not_before: str | None,
    not_after: str | None,
    now: datetime,
    ends_at: datetime,
    zone: tzinfo,
    *,
    started_at: datetime | None = None,
) -> tuple[datetime, datetime]:
    """Return the window like `window`, also one that is over.

    `started_at`: the start of the session. A time of day that comes again only after the session is the one that has
    passed within it.

    Raises:
        Refused: `bad_time`.
    """
    until = None if not_after is None else read_time("not_after", not_after, zone)
    end = ends_at if until is None else _moment(until, now, zone)
    if end > ends_at and started_at is not None and isinstance(until, time):
        passed = _last(until, end, zone)
        end = passed if passed > started_at else end
    too_long = f"the support session ends before that, at {ends_at.isoformat(timespec='minutes')}"
    if end > ends_at:
        raise Refused("bad_time", field="not_after", detail=too_long)
    if not_before is None:
        return min(now, end), end
    since = read_time("not_before", not_before, zone)
    begin = _begin(since, until, now, end, zone)
    _not_swapped(since, until, end - begin)
    if begin >= end:
        detail = too_long if until is None else "the window would end before it begins"
        raise Refused("bad_time", field="not_before", detail=detail)
    return begin, end


def _not_swapped(since: datetime | time, until: datetime | time | None, length: timedelta) -> None:
    """Raise Refused (`bad_time`) if two times of day mean a long day. One time as both ends means a whole one."""
    if not (isinstance(since, time) and isinstance(until, time)) or since == until or length <= LONGEST_NIGHT:
        return
    written = f"{since:%H:%M} to {until:%H:%M} means {length / timedelta(hours=1):.0f} hours"
    detail = f"{written}; are the two times swapped? Write them with a date if not"
    raise Refused("bad_time", field="not_before", detail=detail)


def _begin(
    written: datetime | time, until: datetime | time | None, now: datetime, end: datetime, zone: tzinfo
) -> datetime:
    if isinstance(written, time) and isinstance(until, time):
        return _last(written, end, zone)
    return _moment(written, now, zone)


def _next(clock: time, now: datetime, zone: tzinfo) -> datetime:
    """Return the first moment after now with this time of day."""
    today = now.astimezone(zone).date()
    first = fixed(datetime.combine(today, clock, zone))
    return first if first > now else fixed(datetime.combine(today + timedelta(days=1), clock, zone))


def _last(clock: time, end: datetime, zone: tzinfo) -> datetime:
    """Return the last moment before the end with this time of day."""
    day = end.astimezone(zone).date()
    same_day = fixed(datetime.combine(day, clock, zone))
    return same_day if same_day < end else fixed(datetime.combine(day - timedelta(days=1), clock, zone))


def covers(agreed: Terms, asked: Terms) -> bool:
    """Tell whether the agreed terms allow everything that is asked.

    A grant of one party is weaker than one of two, and an operator without a sealing key cannot use one of two.
    """
    return (
        (agreed.has_secret or not asked.has_secret)
        and (agreed.two_parties == asked.two_parties or not asked.has_secret)
        and agreed.restarts >= asked.restarts
        and agreed.unlocks >= asked.unlocks
        and agreed.foreign_restarts >= asked.foreign_restarts
        and agreed.programs >= asked.programs
        and agreed.not_before <= asked.not_before
        and agreed.not_after >= asked.not_after
        and agreed.relock_after >= asked.relock_after
        and agreed.grace >= asked.grace
    )


def canonical(terms: Terms, account: Account, grant: str, device: str) -> bytes:
    """Return the associated data of a sealed record: its terms, account, grant and PC.

    One value is one line, so no value can be read as a part of another: names
    and ids hold no control characters.
    """
    lines = (
        "latchkey-terms-1",
        grant,
        device,
        account.sid,
        str(terms.restarts),
        str(terms.unlocks),
        str(int(terms.foreign_restarts)),
        str(int(terms.programs)),
        terms.not_before.astimezone(UTC).isoformat(),
        terms.not_after.astimezone(UTC).isoformat(),
        repr(float(terms.relock_after)),
        repr(float(terms.grace)),
        # Records from before there was a choice of means have no line for it.
        *(() if terms.has_secret else (terms.means,)),
        *(("two parties",) if terms.two_parties else ()),
    )
    return "\n".join(lines).encode()
