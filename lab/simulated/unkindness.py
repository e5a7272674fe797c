# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unkind settings of a simulated PC that a correct job survives: each alone, and several at once.

A row names fields of `Settings` and switches of `Faults`, which explain them. What a job cannot survive without the
customer's further agreement is no row: a second restart by Windows Update needs `foreign_restarts`, and a sign-in by
Windows itself leaves nothing to redeem.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from lab.computer import Faults

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKIND: dict[str, dict[str, object]] = {
    "a first sign-in that is not listed": {"desktop_seconds": 2.0},
    "a first sign-in that is listed as locked": {"desktop_seconds": 2.0, "desktop_listed": "locked"},
    "a first sign-in that is listed as open": {"desktop_seconds": 2.0, "desktop_listed": "open"},
    "a clock that is behind at boot": {"clock_error": timedelta(hours=-1)},
    "session numbers that change": {"session_numbers": "changing"},
    "late notices of sessions": {"notice_seconds": 0.7},
    "a slow lock": {"lock_seconds": 1.0},
    "a slow logon": {"logon_seconds": 1.5},
    "an agent that starts after WinRM": {"agent_start_delay": 4.0},
    "WinRM that starts after the agent": {"listener_start_delay": 4.0},
    "an agent that stops before WinRM": {"agent_stops_first": 2.0},
    "Receives that end with fault 995": {"listener_aborts": True},
    "503 after the boot": {"unavailable_seconds": 3.0},
    "401 after the boot": {"rejecting_seconds": 3.0},
    "two shells for each user": {"shells_per_user": 2},
}
"""Name -> fields of `Settings` and `Faults`."""

_SWITCHES = {switch.name for switch in fields(Faults)}


class Unkindness(NamedTuple):
    """Rows of `UNKIND` put together: the settings of a new PC, and the switches to set on it."""

    settings: dict[str, object]
    faults: dict[str, object]

    def switch_on(self, faults: Faults) -> None:
        """Set the switches on a PC."""
        for name, value in self.faults.items():
            setattr(faults, name, value)


def unkind(names: Iterable[str]) -> Unkindness:
    """Return the rows of these names put together; of two values for one field the later row's counts."""
    merged = {field: value for name in names for field, value in UNKIND[name].items()}
    faults = {name: value for name, value in merged.items() if name in _SWITCHES}
    return Unkindness({n: v for n, v in merged.items() if n not in _SWITCHES}, faults)
