# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the time from the agent's event to the credential for LSA.

python -m tests.native.bench     prints the figure as one JSON object
"""

from __future__ import annotations

import statistics

import msgspec

from lab import canary
from lab.wine.logon_ui import LogonScreen
from latchkey_agent.protocol.frames import wipe
from tests.native.built import BarePC
from tests.native.programs import FakeAgent
from tests.native.scene import PERMIT, USERS

COUNTED = msgspec.structs.replace(PERMIT, permit="T-########")
"""The stand-in for the agent numbers these permits itself."""


def milliseconds(pc: BarePC, samples: int) -> float:
    """Return the median of whole logons: event, peek, LogonUI notified, peek, redeem, packed."""
    password = canary.make()
    with LogonScreen(pc) as screen, FakeAgent(pc) as agent:
        screen.begin(users=USERS)
        screen.end()
        agent.has_permit(COUNTED, password)
        wipe(password)
        agent.command("event", "reset")
        times: list[int] = [
            time for _ in range(0, samples, 20) for time in screen("timed", 0, 20)["microseconds"]
        ]
    assert -1 not in times, "a logon without a credential"
    return statistics.median(times) / 1000
