# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hours in which an account may sign in, and the forecast's finding about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from lab.simulated.account_model import Lockout
from lab.simulated.windows_model import READY, Windows
from latchkey_agent.domain.forecast import forecast
from latchkey_agent.domain.logon_hours import ALWAYS, shut_hours, spans
from latchkey_agent.domain.model import Account

BERLIN = timezone(timedelta(hours=1))
MONDAY = datetime(2026, 11, 23, 21, 30, tzinfo=BERLIN)
ANNA = Account("S-1-5-21-7-7-7-1001", "anna", "PC", "local")


def week(*allowed: int) -> bytes:
    """Return a map in which these hours of the week, counted from Sunday 0:00 UTC, are allowed."""
    return sum(1 << number for number in allowed).to_bytes(21, "little")


def test_an_account_without_a_map_has_no_shut_hours() -> None:
    """An account without restrictions has no shut hours."""
    assert shut_hours(ALWAYS, MONDAY) == []
    assert shut_hours(week(*range(168)), MONDAY) == []


def test_hours_are_those_of_utc_and_the_week_begins_on_sunday() -> None:
    """Monday 21:30 in Berlin belongs to hour 44 of the week, counted in UTC from Sunday."""
    all_but = [number for number in range(168) if number != 44]
    assert shut_hours(week(*all_but), MONDAY) == [MONDAY.replace(minute=0)]
    assert MONDAY.replace(minute=0) not in shut_hours(week(44), MONDAY)


def test_an_hour_begins_with_its_first_second() -> None:
    """The present hour is named by its beginning, whatever second it is."""
    now = MONDAY.replace(second=59, microsecond=999_999)
    assert shut_hours(week(), now)[:2] == [MONDAY.replace(minute=0), MONDAY.replace(hour=22, minute=0)]


@pytest.mark.usefixtures("other_zone")
def test_the_hours_do_not_depend_on_the_zone_of_this_process() -> None:
    """Windows keeps them in UTC, and the moment names its own offset."""
    assert MONDAY.replace(minute=0) not in shut_hours(week(44), MONDAY)


def test_the_week_ends_on_saturday() -> None:
    """The map starts again after the last hour of Saturday."""
    saturday = datetime(2026, 11, 28, 23, 59, tzinfo=UTC)
    assert shut_hours(week(*range(167)), saturday) == [saturday.replace(minute=0)]
    assert len(shut_hours(week(167), saturday)) == 23


def test_spans_join_hours_that_follow_each_other() -> None:
    """Consecutive hours are joined into one span."""
    hours = [MONDAY.replace(hour=hour, minute=0) for hour in (1, 2, 5)]
    assert spans(hours) == "01:00 to 03:00, 05:00 to 06:00"
    assert spans([]) == ""


@pytest.mark.parametrize(
    ("hours", "found"),
    [
        (ALWAYS, []),
        (week(), [("stops", "logon_hours")]),
        (week(*(number for number in range(168) if 6 <= number % 24 < 17)), [("warns", "logon_hours")]),
    ],
)
def test_the_forecast_names_the_shut_hours(hours: bytes, found: list[tuple[str, str]]) -> None:
    """Some shut hours warn, and a wholly shut week stops the logon; the hours are local."""
    findings = forecast(READY._replace(logon_hours=hours), ANNA, [], MONDAY)
    assert [(finding.severity, finding.code) for finding in findings] == found
    if found[:1] == [("warns", "logon_hours")]:
        assert "from 21:00 to 07:00, 18:00 to 21:00." in findings[0].evidence


def test_the_lab_stores_logon_hours_as_windows_does() -> None:
    """An account of the simulated PC with daytime hours is shut out at night."""
    windows = Windows("PC", "Europe/Berlin", Lockout(), lambda *_: None)
    record = windows.accounts.add("anna", bytearray(b"x\0"))
    record.hours = frozenset(range(7, 18))
    hours = windows.logon_facts(record).logon_hours
    assert hours is not None
    shut = shut_hours(hours, windows.clock.now())
    assert sorted(hour.hour for hour in shut) == [*range(7), *range(18, 24)]
