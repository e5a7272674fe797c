# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hours of the week in which an account may sign in, as Windows keeps them.

A map has a bit for each hour of the week in UTC, the lowest of the first byte for Sunday 0:00 to 0:59
(USER_INFO_3.usri3_logon_hours, Microsoft Learn). An empty one allows every hour.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

HOUR = timedelta(hours=1)
DAY = 24
ALWAYS = b""


def shut_hours(hours: bytes, now: datetime) -> list[datetime]:
    """Return the start of each of the next 24 hours, the present one included, in which the account may not sign in."""
    first = now.replace(minute=0, second=0, microsecond=0)
    following = (first + number * HOUR for number in range(DAY))
    return [hour for hour in following if not _allowed(hours, hour)]


def spans(beginnings: list[datetime]) -> str:
    """Return hours as text, each consecutive run as `HH:MM to HH:MM`."""
    runs: list[list[datetime]] = []
    for hour in beginnings:
        if runs and hour - runs[-1][-1] == HOUR:
            runs[-1].append(hour)
        else:
            runs.append([hour])
    return ", ".join(f"{run[0]:%H:%M} to {run[-1] + HOUR:%H:%M}" for run in runs)


def _allowed(hours: bytes, moment: datetime) -> bool:
    if not hours:
        return True
    utc = moment.astimezone(UTC)
    number = utc.isoweekday() % 7 * DAY + utc.hour
    return bool(hours[number // 8] >> number % 8 & 1)
