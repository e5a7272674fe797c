# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing grows, nothing stays, and it is fast."""

from __future__ import annotations

import msgspec
import pytest

from lab.wine.logon_ui import LOGON, UNLOCK, LogonScreen
from tests.native import bench
from tests.native.built import BarePC
from tests.native.programs import FakeAgent
from tests.native.scene import USERS, unloaded_within

ALONE, IDLE, WHOLE = 9_700, 200, 100
"""Rounds without an agent, with one that has no permit, and with a whole logon each."""


def rounds(
    pc: BarePC, screen: LogonScreen, password: bytearray, alone: int, idle: int, whole: int
) -> dict[str, int]:
    """Let providers come and go; return the resources of the process afterwards."""
    screen("rounds", 0, alone, LOGON, 1)
    with FakeAgent(pc) as agent:
        agent.has_none()
        assert screen("rounds", 0, idle, LOGON, 1)["good"] == 0
        agent.has_permit(msgspec.structs.replace(bench.COUNTED, action="unlock"), password)
        assert screen("rounds", 0, whole, UNLOCK, 3)["good"] == whole
    unloaded_within(screen, 10)
    return screen("usage")


@pytest.mark.timeout(900)
def test_ten_thousand_rounds_leave_no_handle_no_memory_and_no_thread(
    no_agent: None, pc: BarePC, screen: LogonScreen, canary: bytearray
) -> None:
    """Each round gives its resources back before the next."""
    screen.begin(users=USERS)
    screen.end()
    before = rounds(pc, screen, canary, 100, 50, 50)
    after = rounds(pc, screen, canary, ALONE, IDLE, WHOLE)
    assert after["threads"] <= before["threads"]
    # Wine's RPC keeps a handful when its connection to the service manager was renewed.
    assert after["handles"] - before["handles"] < 10
    assert after["heap_blocks"] - before["heap_blocks"] < 10
    assert after["heap_bytes"] - before["heap_bytes"] < 1000


def test_the_search_for_the_password_finds_it_where_it_is(
    pc: object, screen: LogonScreen, canary: bytearray
) -> None:
    """A quarter of it, anywhere in the heap, is enough to be found."""
    screen.expects_password = True
    screen("plant", bytes(canary[8:16]).hex())
    assert screen("memory")["places"] >= 1
    screen("forget")
    assert screen("memory")["places"] == 0


def test_a_permit_is_redeemed_soon_after_the_event(no_agent: None, pc: BarePC) -> None:
    """On a busy computer too; the figure itself, with its goal of 50 ms, is a benchmark's."""
    assert bench.milliseconds(pc, 20) < 500
