# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that is sent again: it is known by its key, runs once and reports the same change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from latchkey_agent.domain.evolve import KEPT_CALLS
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import ANNA

if TYPE_CHECKING:
    from pathlib import Path

START = rq.SessionStart(session="CHG-1", reason="Monthly updates", idempotency_key="start")
ASK = rq.CredentialRequest(session="CHG-1", restarts=2, idempotency_key="ask")
CHECKPOINT = rq.Checkpoint(session="CHG-1", step="one", state="done", idempotency_key="checkpoint")
RESTART = rq.CredentialApply(session="CHG-1", action="restart", step="one", idempotency_key="restart")
REVOKE = rq.CredentialRevoke(session="CHG-1", idempotency_key="revoke")
END = rq.SessionEnd(session="CHG-1", idempotency_key="end")
ERASE = rq.EraseAll(idempotency_key="erase")


def prepared(bench: Bench, request: rq.ControlRequest, password: bytearray) -> None:
    """Bring the PC to the state in which this request comes next."""
    if request in {ASK, CHECKPOINT}:
        bench.start_session()
    elif request is not START:
        bench.lend(password)


def result_of(answer: ans.Answer) -> Any:
    """Return an answer's result without the state before a checkpoint."""
    assert answer.outcome == "done", answer
    assert isinstance(answer.result, dict)
    return {name: value for name, value in answer.result.items() if name != "before"}


@pytest.mark.parametrize("crash", [False, True], ids=["", "with a crash between"])
@pytest.mark.parametrize(
    "request_", [START, ASK, CHECKPOINT, RESTART, REVOKE, END, ERASE], ids=lambda r: r.call
)
def test_a_repeated_call_reports_its_change_and_runs_once(
    bench: Bench, canary: bytearray, request_: rq.ControlRequest, *, crash: bool
) -> None:
    """A repeated call returns the first result as a change and adds no event."""
    prepared(bench, request_, canary)
    first = bench.ask(request_)
    if crash:
        bench.crash()
    before = bench.events()

    again = bench.ask(request_)

    assert (first.changed, again.changed) == (True, True)
    assert result_of(again) == result_of(first)
    assert bench.events() == before


@pytest.mark.parametrize(
    "request_", [START, ASK, CHECKPOINT, RESTART, REVOKE, END, ERASE], ids=lambda r: r.call
)
def test_the_same_request_with_another_key_changes_nothing(
    bench: Bench, canary: bytearray, request_: rq.ControlRequest
) -> None:
    """The same request with another key or without a key finds everything done."""
    prepared(bench, request_, canary)
    bench.ask(request_)
    for key in ("another", None):
        assert bench.ask(replace(request_, idempotency_key=key)).changed is False


def test_a_repeated_request_returns_the_customers_answer(bench: Bench) -> None:
    """A repeated request returns the customer's answer and does not ask again."""
    bench.start_session()
    request = bench.result(ASK)["request"]["id"]
    bench.show(request)
    bench.customer(cm.RequestDecline(request=request))

    again = bench.result(ASK)["request"]

    assert (again["id"], again["state"]) == (request, "denied")
    assert len(bench.state.requests) == 1


def test_a_repeated_call_does_not_retry_a_failed_restart(bench: Bench, canary: bytearray) -> None:
    """A repeated call reports its interrupted logon, and only a new call restarts again."""
    bench.lend(canary)
    permit = bench.result(RESTART)["use"]["permit"]
    bench.reboot()
    bench.redeem()
    bench.power_cut()

    again = bench.result(RESTART)["use"]

    assert (again["permit"], again["error"]["code"]) == (permit, "logon_interrupted")
    assert len(bench.state.permits) == 1
    assert bench.result(replace(RESTART, idempotency_key="another"))["use"]["permit"] != permit


def test_a_call_that_was_refused_may_succeed_later(bench: Bench, canary: bytearray) -> None:
    """A refused call leaves no trace, so the same key can succeed later."""
    bench.start_session()
    assert bench.code(RESTART) == "no_grant"
    bench.lend(canary)
    assert bench.ask(RESTART).changed


def test_a_call_in_check_mode_is_not_remembered(bench: Bench) -> None:
    """A call in check mode is not remembered."""
    checked = replace(START, check=True)
    assert bench.ask(checked).changed
    assert bench.state.calls == {}
    assert bench.ask(START).changed
    assert bench.ask(checked).changed is False


def test_a_key_belongs_to_one_verb(bench: Bench) -> None:
    """The same key with another verb is another call."""
    bench.world.sign_in(ANNA)
    bench.ask(START)
    assert bench.ask(replace(ASK, idempotency_key="start")).changed
    assert bench.state.requests


def test_a_revocation_continues_after_a_power_cut(place: Path, canary: bytearray) -> None:
    """A call repeated after a power cut at any touch ends both grants and reports both."""

    def lend_two(bench: Bench) -> None:
        bench.lend(canary)
        bench.lend(canary, session="CHG-2")

    for cut in cuts(place, lend_two, lambda bench: bench.ask(ERASE)):
        again = cut.bench.ask(ERASE)
        assert again.changed
        assert {grant["id"] for grant in result_of(again)["grants"]} == set(cut.bench.state.grants)
        assert all(erased["confirmed"] for erased in result_of(again)["erasure"])
        assert cut.bench.sealed() == set()


def test_the_state_keeps_the_latest_calls(bench: Bench) -> None:
    """The state keeps a fixed number of calls."""
    bench.start_session()
    for number in range(KEPT_CALLS + 1):
        step = rq.Checkpoint(session="CHG-1", step=f"{number}", state="done", idempotency_key=f"{number}")
        bench.ask(step)
    assert list(bench.state.calls) == [f"checkpoint {n}" for n in range(1, KEPT_CALLS + 1)]


@pytest.mark.parametrize(
    "call",
    [
        rq.CredentialRequest(session="CHG-1", restarts=2, idempotency_key="k"),
        rq.CredentialRevoke(session="CHG-1", idempotency_key="k"),
        rq.Checkpoint(session="CHG-1", step="one", state="done", idempotency_key="k"),
    ],
)
def test_a_call_is_known_after_the_end_of_its_session(
    bench: Bench, canary: bytearray, call: rq.ControlRequest
) -> None:
    """A repeated call is answered as before although its session has ended since."""
    bench.lend(canary)
    first = bench.ask(call)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    again = bench.ask(call)
    assert (again.outcome, again.changed) == (first.outcome, first.changed)


def test_a_repeated_revocation_spares_a_newer_grant(bench: Bench, canary: bytearray) -> None:
    """The grant that was given between the two calls stays."""
    bench.lend(canary)
    call = rq.CredentialRevoke(session="CHG-1", idempotency_key="k")
    bench.ask(call)
    newer = bench.lend(canary)
    assert bench.ask(call).changed
    assert bench.state.grants[newer].ended is None


def test_a_repeated_use_that_was_forgotten_starts_nothing(bench: Bench, canary: bytearray) -> None:
    """A use whose permit the agent no longer knows is not begun again."""
    bench.lend(canary)
    use = rq.CredentialApply(session="CHG-1", action="restart", idempotency_key="use")
    bench.ask(use)
    bench.state.permits.clear()
    bench.state.grants.clear()
    assert bench.code(use) == "call_forgotten"


def test_a_repeated_start_after_the_end_starts_nothing(bench: Bench) -> None:
    """A repeated start is known by its key alone, also after the session has ended."""
    bench.ask(START)
    bench.ask(END)
    assert bench.ask(START).changed
    assert [s.state.value for s in bench.state.sessions.values()] == ["ended"]
