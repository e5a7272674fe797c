# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the facts that may prevent an unattended logon. Reads policies, never changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pywintypes
import win32ts

from latchkey_agent.domain import LogonFacts

from . import account_facts, disk_facts, logon_policies, power_facts
from .logon_policies import Reading, settle
from .windows_sessions import WTS_SHADOW

if TYPE_CHECKING:
    from latchkey_agent.domain import Account


def facts(account: Account | None) -> LogonFacts:
    """Return the facts about the PC and the account; None for each that cannot be read.

    Args:
        account: the account; None for the PC alone.
    """
    found: dict[str, list[Reading]] = {}
    for reading in _readings(account):
        found.setdefault(reading.fact, []).append(reading)
    settled = [settle(readings) for readings in found.values()]
    values: dict[str, Any] = {reading.fact: reading.value for reading in settled}
    return LogonFacts(**values, places=tuple((reading.fact, reading.place) for reading in settled))


def _readings(account: Account | None) -> Iterator[Reading]:
    yield from logon_policies.readings()
    yield from power_facts.readings()
    yield Reading("restarts_without_pin", disk_facts.restarts_without_pin(), disk_facts.PLACE)
    yield Reading("remote_view", _viewed_remotely(), "WTSEnumerateSessions")
    if account is not None:
        yield from account_facts.readings(account)


def _viewed_remotely() -> bool | None:
    try:
        return any(s["State"] == WTS_SHADOW for s in win32ts.WTSEnumerateSessions(0))
    except pywintypes.error:
        return None
