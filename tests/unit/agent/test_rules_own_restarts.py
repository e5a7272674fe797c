# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart that the agent began goes on although its permit is void: it is told."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from latchkey_agent.domain import LogonFacts
from latchkey_agent.domain.evolve import AT_ONCE, KEPT_SESSIONS
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA

Act = Callable[[Bench], object]


def told(bench: Bench) -> list[tuple[str, str]]:
    """Return kind and detail of the customer's notices, in order."""
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    return [(notice.kind, notice.detail) for notice in snapshot.notices]


def restarts_told(bench: Bench) -> list[str]:
    """Return the details of the notices about restarts."""
    return [detail for kind, detail in told(bench) if kind == "restarted"]


def push_out(bench: Bench) -> None:
    """Start and end more sessions than the state keeps."""
    for number in range(KEPT_SESSIONS + AT_ONCE + 1):
        bench.result(rq.SessionStart(session=f"N{number}", reason="x"))
        bench.result(rq.SessionEnd(session=f"N{number}"))


def windows_signs_in(bench: Bench) -> None:
    """Let Windows sign the customer in by itself, and the agent see it."""
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()


# --- it is not forgotten -----------------------------------------------------------------------


def test_rule_10_a_void_restart_is_told_however_many_sessions_follow(bench: Bench, canary: bytearray) -> None:
    """An operator ends the session during the warning and starts many others: the restart is told all the same."""
    bench.lend(canary, restarts=1, grace=300.0)
    bench.restart()
    bench.result(rq.SessionEnd(session="CHG-1"))
    push_out(bench)
    bench.reboot()
    assert restarts_told(bench) == ["begun"]


def test_rule_09_a_desktop_after_a_void_restart_is_locked_however_many_sessions_follow(
    bench: Bench, canary: bytearray
) -> None:
    """Sessions before and after the boot push the void permit out of no state; once it is settled they do."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary, restarts=1, grace=300.0)
    permit = bench.restart()
    bench.result(rq.SessionEnd(session="CHG-1"))
    push_out(bench)
    bench.reboot()
    push_out(bench)
    windows_signs_in(bench)
    assert bench.world.open_desktops() == []
    push_out(bench)
    assert permit not in bench.state.permits


@pytest.mark.parametrize("refused", [False, True])
def test_a_void_restart_that_cannot_come_is_forgotten(
    bench: Bench, canary: bytearray, *, refused: bool
) -> None:
    """Windows refused the restart, or the account was seen after it: its session makes way for newer ones."""
    bench.lend(canary, restarts=1)
    bench.world.refuses_restart = "no" if refused else ""
    permit = bench.restart()
    bench.result(rq.SessionEnd(session="CHG-1"))
    if not refused:
        bench.reboot()
        windows_signs_in(bench)
    push_out(bench)
    assert permit not in bench.state.permits


# --- a further restart does not end it ---------------------------------------------------------


def revoke(bench: Bench) -> None:
    """The customer revokes."""
    assert bench.revoke()


def pause(bench: Bench) -> None:
    """The customer pauses."""
    assert bench.customer(cm.GrantPause(grant=next(reversed(bench.state.grants)))).done


@pytest.mark.parametrize("boots", [1, 2, 3])
@pytest.mark.parametrize("void", [revoke, pause])
def test_rule_09_a_desktop_that_windows_opens_after_further_restarts_is_locked(
    bench: Bench, canary: bytearray, void: Act, boots: int
) -> None:
    """An update restarts the PC again after a void restart: the desktop that Windows opens itself is closed."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary, restarts=1, grace=300.0)
    bench.restart()
    void(bench)
    for _ in range(boots):
        bench.world.now += timedelta(minutes=5)
        bench.reboot()
    windows_signs_in(bench)
    assert bench.world.open_desktops() == []
    assert restarts_told(bench) == ["begun"]


def test_rule_09_only_the_first_desktop_after_void_restarts_is_locked(
    bench: Bench, canary: bytearray
) -> None:
    """Once the account has been seen, no later boot locks its desktop again."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary, restarts=1)
    bench.restart()
    bench.revoke()
    bench.reboot()
    windows_signs_in(bench)
    bench.reboot()
    windows_signs_in(bench)
    assert bench.world.open_desktops()
