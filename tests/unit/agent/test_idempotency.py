# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call whose answer was lost is sent again: it is known by its key, done once, and told as done by it."""

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
    """Bring the PC to where this request is the next."""
    if request in {ASK, CHECKPOINT}:
        bench.open()
    elif request is not START:
        bench.lend(password)


def told(answer: ans.Answer) -> Any:
    """Return what an answer says, without what was known before a checkpoint."""
    assert answer.outcome == "done", answer
    assert isinstance(answer.result, dict)
    return {name: value for name, value in answer.result.items() if name != "before"}


@pytest.mark.parametrize("crash", [False, True], ids=["", "with a crash between"])
@pytest.mark.parametrize(
    "request_", [START, ASK, CHECKPOINT, RESTART, REVOKE, END, ERASE], ids=lambda r: r.call
)
def test_a_call_that_comes_again_is_a_change_and_done_once(
    bench: Bench, canary: bytearray, request_: rq.ControlRequest, *, crash: bool
) -> None:
    """Both answers say changed and the same; what comes between the two in the journal is not of the call."""
    prepared(bench, request_, canary)
    first = bench.ask(request_)
    if crash:
        bench.crash()
    before = bench.events()

    again = bench.ask(request_)

    assert (first.changed, again.changed) == (True, True)
    assert told(again) == told(first)
    assert bench.events() == before


@pytest.mark.parametrize(
    "request_", [START, ASK, CHECKPOINT, RESTART, REVOKE, END, ERASE], ids=lambda r: r.call
)
def test_another_call_of_the_same_words_changes_nothing(
    bench: Bench, canary: bytearray, request_: rq.ControlRequest
) -> None:
    """A second task, or a job that is launched again, finds done what the first one did."""
    prepared(bench, request_, canary)
    bench.ask(request_)
    for key in ("another", None):
        assert bench.ask(replace(request_, idempotency_key=key)).changed is False


def test_an_answer_that_came_before_the_call_was_sent_again_counts(bench: Bench) -> None:
    """The customer declined while the first answer was lost: they are not asked a second time."""
    bench.open()
    request = bench.result(ASK)["request"]["id"]
    bench.show(request)
    bench.customer(cm.RequestDecline(request=request))

    again = bench.result(ASK)["request"]

    assert (again["id"], again["state"]) == (request, "denied")
    assert len(bench.state.requests) == 1


def test_a_restart_that_went_wrong_is_not_tried_again_by_the_same_call(
    bench: Bench, canary: bytearray
) -> None:
    """The power went in the middle of the logon: the call is told so; only another one restarts again."""
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
    """A refusal is no deed: the same key again is decided anew."""
    bench.open()
    assert bench.code(RESTART) == "no_grant"
    bench.lend(canary)
    assert bench.ask(RESTART).changed


def test_a_look_ahead_leaves_nothing_to_know(bench: Bench) -> None:
    """What check mode asked has not been done."""
    looked = replace(START, check=True)
    assert bench.ask(looked).changed
    assert bench.state.calls == {}
    assert bench.ask(START).changed
    assert bench.ask(looked).changed is False


def test_a_key_is_of_one_verb(bench: Bench) -> None:
    """Whoever uses a key for two things does two things."""
    bench.world.sign_in(ANNA)
    bench.ask(START)
    assert bench.ask(replace(ASK, idempotency_key="start")).changed
    assert bench.state.requests


def test_a_revocation_that_was_cut_off_goes_on(place: Path, canary: bytearray) -> None:
    """Cut the power at each touch of ending two grants: sent again, both are over, and both are told."""

    def lend_two(bench: Bench) -> None:
        bench.lend(canary)
        bench.lend(canary, session="CHG-2")

    for cut in cuts(place, lend_two, lambda bench: bench.ask(ERASE)):
        again = cut.bench.ask(ERASE)
        assert again.changed
        assert {grant["id"] for grant in told(again)["grants"]} == set(cut.bench.state.grants)
        assert all(proof["confirmed"] for proof in told(again)["erasure"])
        assert cut.bench.sealed() == set()


def test_the_latest_calls_are_known(bench: Bench) -> None:
    """As many as are kept, and no more: the journal keeps all."""
    bench.open()
    for number in range(KEPT_CALLS + 1):
        step = rq.Checkpoint(session="CHG-1", step=f"{number}", state="done", idempotency_key=f"{number}")
        bench.ask(step)
    assert list(bench.state.calls) == [f"checkpoint {n}" for n in range(1, KEPT_CALLS + 1)]


def test_a_call_about_what_is_forgotten_is_new(bench: Bench) -> None:
    """Its session made way for another of the same name: the call opens one of its own."""
    bench.ask(START)
    bench.ask(END)
    bench.open()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    before = len(bench.state.sessions)
    assert bench.ask(START).changed
    assert (before, [s.state.value for s in bench.state.sessions.values()]) == (1, ["started"])
