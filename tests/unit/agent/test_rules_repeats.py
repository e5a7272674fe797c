# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules 13 and 14 of the design, at the agent's pipes: repeated jobs and restart loops."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from latchkey_agent.domain.evolve import KEPT_CALLS
from latchkey_agent.domain.transitions import PermitState
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage.journal import JournalUnavailableError
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import OPERATOR, SECOND_OPERATOR

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
INTERVAL = "min_restart_interval = 60.0"


# --- 13: launched again ------------------------------------------------------------------------


def test_rule_13_a_job_that_is_launched_twice_does_nothing_twice(bench: Bench, canary: bytearray) -> None:
    """The second job finds the session, the request, the grant and the restart, and changes nothing."""
    bench.lend(canary)
    bench.restart(step="one")
    again = [
        bench.ask(rq.SessionStart(session="CHG-1", reason="Monthly updates")),
        bench.ask(rq.CredentialRequest(session="CHG-1", restarts=2)),
        bench.ask(rq.CredentialApply(session="CHG-1", action="restart", step="one")),
    ]
    assert [answer.changed for answer in again] == [False, False, False]
    assert (len(bench.state.requests), len(bench.state.permits)) == (1, 1)
    assert len(bench.world.restarts) == 1


def test_rule_13_a_step_that_restarted_is_not_restarted_again(bench: Bench, canary: bytearray) -> None:
    """A job that died after a successful restart finds that restart done."""
    bench.lend(canary)
    permit = bench.restart(step="one")
    bench.reboot()
    bench.sign_in_with_permit()
    assert bench.restart(step="one") == permit
    assert len(bench.world.restarts) == 1


def test_rule_13_an_unlock_is_not_taken_for_the_steps_restart(bench: Bench, canary: bytearray) -> None:
    """One step may both restart and unlock, each once."""
    bench.lend(canary, unlocks=1)
    restart = bench.restart(step="one")
    bench.reboot()
    bench.sign_in_with_permit()
    assert bench.unlock(step="one") != restart


def test_rule_13_an_open_request_is_not_asked_twice(bench: Bench) -> None:
    """A repeated request finds the one that is still open."""
    bench.start_session()
    assert bench.request() == bench.request()


def test_rule_13_two_jobs_at_once_restart_once(bench: Bench, canary: bytearray) -> None:
    """Two uses during one slow check of the password lead to one restart with one permit."""
    bench.lend(canary)
    inside, go_on = bench.slow_check()
    permits: list[str] = []
    threads = [threading.Thread(target=lambda: permits.append(bench.restart())) for _ in range(2)]
    threads[0].start()
    assert inside.wait(10)
    threads[1].start()
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert permits == [next(iter(bench.state.permits))] * 2
    assert len(bench.world.restarts) == 1


def test_rule_13_a_job_that_was_killed_anywhere_goes_on(place: Path, canary: bytearray) -> None:
    """After a power cut at any touch of a use, the job restarts once or its grant is rejected."""

    def apply(bench: Bench) -> str:
        return bench.restart(step="one")

    for cut in cuts(place, lambda bench: bench.lend(canary), apply):
        if cut.bench.sealed():
            permit = apply(cut.bench)
            assert cut.bench.world.restarts == [""]
            assert list(cut.bench.state.permits) == [permit]
        else:
            # The power cut hit the check of the password: rule 6 overrides rule 13.
            assert cut.bench.code(RESTART) == "grant_rejected"


def test_rule_13_an_unrecorded_restart_starts_once(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The permit of an unrecorded restart stays valid when Windows refuses the repeated restart."""

    def fails(_numbers: list[int]) -> None:
        raise JournalUnavailableError("the disk does not answer")

    bench.lend(canary)
    with monkeypatch.context() as patched:
        patched.setattr(bench.agent.core.journal, "done", fails)
        permit = bench.restart()
    bench.world.refuses_restart = "a restart is scheduled already"
    assert bench.effects()
    assert bench.state.permits[permit].state is PermitState.ISSUED
    bench.world.refuses_restart = ""
    bench.reboot()
    assert bench.sign_in_with_permit() == canary


@pytest.mark.parametrize("peer", [OPERATOR, SECOND_OPERATOR], ids=["its own", "another's"])
def test_rule_13_no_other_calls_push_out_the_call_of_a_use(
    bench: Bench, canary: bytearray, peer: Peer
) -> None:
    """A use that is repeated after hundreds of other calls is still known."""
    bench.lend(canary)
    restart = replace(RESTART, idempotency_key="k")
    bench.result(restart)
    bench.reboot()
    bench.sign_in_with_permit()
    bench.world.now += timedelta(minutes=5)
    bench.ask(rq.SessionStart(session="CHG-2", reason="Help"), peer)
    for number in range(KEPT_CALLS + 1):
        step = rq.Checkpoint(session="CHG-2", step=f"{number}", state="done", idempotency_key=f"{number}")
        assert bench.ask(step, peer).changed
    assert bench.result(restart)["use"]["permit"] == next(iter(bench.state.permits))
    assert len(bench.world.restarts) == 1
    assert len(bench.state.calls) <= 2 * KEPT_CALLS


# --- 14: a restart loop ends -------------------------------------------------------------------


def test_rule_14_no_two_restarts_within_the_interval(place: Path, canary: bytearray) -> None:
    """A second restart within the policy's interval is refused with the remaining seconds."""
    bench = Bench(place, policy=INTERVAL)
    bench.lend(canary)
    bench.restart(step="one")
    bench.reboot()
    bench.sign_in_with_permit()
    bench.world.now += timedelta(seconds=59)
    error = bench.error(rq.CredentialApply(session="CHG-1", action="restart", step="two"))
    assert (error.code, error.retry_after) == ("restart_too_soon", 1.0)
    bench.world.now += timedelta(seconds=1)
    bench.restart(step="two")
    bench.stop()


def test_rule_14_the_interval_counts_from_when_the_pc_was_back(place: Path, canary: bytearray) -> None:
    """The interval starts when the PC is back, so a long warning does not use it up."""
    bench = Bench(place, policy=INTERVAL)
    bench.lend(canary, grace=3600.0)
    bench.restart(step="one", within=7200.0)
    bench.world.now += timedelta(hours=1)
    bench.reboot()
    bench.sign_in_with_permit()
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart", step="two")) == "restart_too_soon"
    bench.stop()


def test_rule_14_a_pc_that_restarts_by_itself_uses_at_most_what_was_lent(
    place: Path, canary: bytearray
) -> None:
    """A restart loop gets only the agreed number of permits; the interval is for restarts of the agent."""
    bench = Bench(place, policy=INTERVAL)
    bench.lend(canary, restarts=2, foreign_restarts=True)
    used = []
    for pause in (90, 30, 30, 30, 90, 90, 90):
        bench.world.now += timedelta(seconds=pause)
        bench.reboot()
        used.append(bench.logon(lm.Peek())[0].done)
        if used[-1]:
            bench.sign_in_with_permit()
    assert used == [True, True, False, False, False, False, False]
    assert bench.sealed() == set()
    bench.stop()


def test_rule_14_an_agent_that_crashes_in_a_loop_restarts_the_pc_once(
    bench: Bench, canary: bytearray
) -> None:
    """The agent asks for the restart after each crash, but Windows restarts once."""
    bench.lend(canary)
    bench.restart()
    for _ in range(5):
        bench.crash()
        bench.effects()
    assert len(bench.world.restarts) == 1


@pytest.mark.parametrize("foreign", [False, True])
def test_a_restart_that_outlasts_its_permit_costs_one_use(
    bench: Bench, canary: bytearray, *, foreign: bool
) -> None:
    """A restart that comes back too late counts as the job's own and costs no second use."""
    grant = bench.lend(canary, restarts=3, foreign_restarts=foreign)
    permit = bench.restart(within=600.0)
    bench.world.now += timedelta(minutes=15)
    bench.reboot()
    assert (
        bench.result(rq.ApplyWait(session="CHG-1", permit=permit))["use"]["error"]["code"]
        == "logon_did_not_happen"
    )
    assert list(bench.state.permits) == [permit]
    assert bench.state.grants[grant].left.restarts == 2
