# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's reading of the sessions after it closed a desktop."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from latchkey_agent.core.desktops import DesktopCloser, Target
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import SignIn
from tests.unit.agent.bench import at
from tests.unit.agent.world import BOOT, START

ACCOUNT = Account("S-1-5-21-1", "PC", "anna")


def closing(readings: Iterator[SignIn]) -> str | None:
    """Return how the desktop was closed; each reading of the sessions takes the next of `readings`."""
    sessions = SimpleNamespace(signed_in=lambda: [next(readings)])
    core: Any = SimpleNamespace(computer=SimpleNamespace(sessions=sessions), now=lambda: at(START))
    closer, target = DesktopCloser(core), Target("p", ACCOUNT.sid, 1, since=BOOT)
    return closer._closed(target, closer._sessions(target))


def test_a_lock_between_two_readings_is_no_disconnection() -> None:
    """A screen that locks between two readings counts as open or locked, never as disconnected."""
    unlocked = SignIn(1, ACCOUNT, console=True, active=True, locked=False)
    locked = unlocked._replace(locked=True)
    assert closing(iter([unlocked, locked])) is None
    assert closing(iter([locked, locked])) == "locked"
    assert closing(iter([unlocked._replace(active=False)])) == "disconnected"
