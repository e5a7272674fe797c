# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A logon screen that calls the provider in any order."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lab.wine.logon_ui import LOGON, UNLOCK, LogonScreen
from latchkey_agent.protocol.logon_messages import Redeem
from tests.native.programs import FakeAgent
from tests.native.scene import PERMIT, SID, unloaded_within


@pytest.mark.parametrize("seed", range(4))
def test_calls_in_any_order_are_survived(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray, seed: int
) -> None:
    """Two providers, random calls: the process lives, and no permit is redeemed twice."""
    chance = random.Random(seed)  # noqa: S311 - it must be repeatable
    rare: list[Callable[[int], tuple[Any, ...]]] = [
        lambda s: ("use", s, chance.choice([UNLOCK, 0, 4])), lambda s: ("users", s), lambda s: ("unadvise", s),
        lambda s: ("at", s, 7), lambda s: ("drop", s), lambda s: ("release", s), lambda s: ("deselect", s),
        lambda s: ("field", s, chance.randrange(6)), lambda s: ("descriptor", s, chance.randrange(6)),
        lambda s: ("report", s, chance.choice([0, 0xC000006D]), 0), lambda s: ("unload",), lambda s: ("sid", s),
    ]  # fmt: skip
    usual: list[Callable[[int], tuple[Any, ...]]] = [
        lambda s: ("create", s), lambda s: ("use", s, LOGON), lambda s: ("users", s, SID, r"PC\ada"),
        lambda s: ("advise", s), lambda s: ("count", s), lambda s: ("at", s, 0), lambda s: ("select", s),
        lambda s: ("serialize", s), lambda s: ("unpack", s),
    ]  # fmt: skip
    for number in range(40):
        agent.has_permit(msgspec.structs.replace(PERMIT, permit=f"T-{number}"), canary)
        screen("windows", "clock", 15 * 60 * 1000)
        # Mostly in the usual order, mostly on the same slot.
        for step in range(30):
            call = chance.choice(rare) if chance.random() < 0.3 else usual[step % len(usual)]
            screen(*call(int(chance.random() > 0.8)))
    redeemed = [request.permit for request in agent.requests() if isinstance(request, Redeem)]
    assert len(redeemed) == len(set(redeemed)) > 0
    for slot in (0, 1):
        screen("unpack", slot)
        screen("release", slot)
    unloaded_within(screen, 10)
