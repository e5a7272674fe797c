# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the agent tells in which way a desktop was closed."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from latchkey_agent.core.effect_runner import EffectRunner
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import SignIn

ACCOUNT = Account("S-1-5-21-1", "PC", "anna")


def closing(looks: Iterator[SignIn]) -> str | None:
    """What one look at the sessions says; each reading of them takes the next of `looks`."""
    sessions = SimpleNamespace(signed_in=lambda: [next(looks)])
    core: Any = SimpleNamespace(computer=SimpleNamespace(sessions=sessions))
    permit: Any = SimpleNamespace(account=ACCOUNT)
    how: str | None = EffectRunner(core)._closed(permit)
    return how


def test_a_lock_between_two_readings_is_no_disconnection() -> None:
    """A screen that locks while the agent looks is open still or locked, never disconnected."""
    unlocked = SignIn(1, ACCOUNT, console=True, active=True, locked=False)
    locked = unlocked._replace(locked=True)
    assert closing(iter([unlocked, locked])) is None
    assert closing(iter([locked, locked])) == "locked"
    assert closing(iter([unlocked._replace(active=False)])) == "disconnected"
