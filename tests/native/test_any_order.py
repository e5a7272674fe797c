# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A logon screen that calls the provider in any order."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from lab.simulated.logon_habits import at_random
from lab.wine.logon_play import OURS, LogonUI
from lab.wine.logon_ui import LOGON, UNLOCK, LogonScreen
from latchkey_agent.protocol.logon_messages import Redeem, ReportResult
from tests.native.programs import FakeAgent
from tests.native.scene import PERMIT, SID, USERS, said_by, unloaded_within


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


def test_a_permit_signs_in_once_whatever_the_habits(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """LogonUIs of random habits, one after the other in one process."""
    # To play a failure again, put the seed that it printed here.
    seed = secrets.randbits(32)
    chance = random.Random(seed)  # noqa: S311 - it must be repeatable
    for number in range(8):
        habits, locked = at_random(chance), chance.random() < 0.5
        print(f"seed {seed}, {number}: {habits}, locked: {locked}")
        permit = f"T-{number}"
        is_early, action = chance.random() < 0.5, "unlock" if locked else "restart"
        answer = msgspec.structs.replace(PERMIT, permit=permit, action=action)
        if is_early:
            agent.has_permit(answer, canary)
        logon_ui = LogonUI(screen, USERS, habits, locked=locked)
        logon_ui.show()
        if not is_early:
            agent.has_permit(answer, canary)
        assert signs_in(logon_ui)
        agent.has_none()
        logon_ui.close()
        assert said_by(agent) == [Redeem(permit=permit), ReportResult(permit=permit, status=0)]
    unloaded_within(screen, 10)


def signs_in(logon_ui: LogonUI) -> bool:
    """Play LogonUI until our tile has signed in; a rival's logon is refused."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        if logon_ui.submit() is not None and logon_ui.submitted is not None:
            is_ours = logon_ui.submitted == OURS
            logon_ui.unpack()
            logon_ui.look(0)
            logon_ui.report(0 if is_ours else 0xC000006D)
            if is_ours:
                return True
        logon_ui.look(500)
    return False
