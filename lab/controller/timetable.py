# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a schedule: AWX's checks of an rrule, and its next time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dateutil.rrule import rruleset, rrulestr

if TYPE_CHECKING:
    from datetime import datetime

_START = re.compile(r"DTSTART(?:;TZID=([^:]+))?:(\d{8}T\d{6})(Z?)")


def rrule_errors(text: str) -> list[str]:
    """Return AWX's errors of an rrule (SchedulePreviewSerializer.validate_rrule)."""
    errors = []
    starts = _START.findall(text)
    rules = re.findall(r"RULE:\S*", text)
    if not starts:
        errors.append("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
    if len(starts) > 1:
        errors.append("Multiple DTSTART is not supported.")
    if any(not zone and not utc for zone, _, utc in starts):
        errors.append("DTSTART cannot be a naive datetime.  Specify ;TZINFO= or YYYYMMDDTHHMMSSZZ.")
    if not rules:
        errors.append("One or more rule required in rrule.")
    errors += [error for rule in rules for error in _rule_errors(rule)]
    if not errors:
        try:
            _rules(text)
        except (ValueError, KeyError) as fault:
            errors.append(f"rrule parsing failed validation: {fault}")
    return errors


def _rule_errors(rule: str) -> list[str]:
    errors = []
    if "INTERVAL" not in rule:
        errors.append(f"INTERVAL required in rrule: {rule}")
    if "SECONDLY" in rule:
        errors.append(f"SECONDLY is not supported: {rule}")
    if "COUNT" in rule and "UNTIL" in rule:
        errors.append(f"RRULE may not contain both COUNT and UNTIL: {rule}")
    return errors


def next_time(text: str, after: datetime) -> datetime | None:
    """Return the first time of a checked rrule after a moment; None if there is none."""
    zone = _START.search(text)
    found = _rules(text).after(after.astimezone(ZoneInfo((zone and zone[1]) or "UTC")))
    return found if found is None else found.astimezone(after.tzinfo)


def _rules(text: str) -> rruleset:
    # AWX accepts the parts of an rrule separated by spaces; dateutil wants lines.
    return rrulestr("\n".join(text.split()), tzids=ZoneInfo, forceset=True)
