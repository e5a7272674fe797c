# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared helpers of the simulated PC's tests: a PC, and an operator without Ansible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import pytest

from lab.simulated.simulated_pc import pc
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer

    MakePc = Callable[..., AbstractContextManager[SimulatedComputer]]

T = TypeVar("T")
SESSION = "CHG-4711"


@pytest.fixture
def simulated_pc(tmp_path: Path, canary: bytearray) -> MakePc:
    """Makes a PC in the test's folder; the customer's password is the canary."""

    def make(**settings: Any) -> AbstractContextManager[SimulatedComputer]:
        return pc(tmp_path / "pc", **({"password": canary} | settings))

    return make


def refusal(computer: SimulatedComputer, request: rq.ControlRequest) -> ans.ErrorView:
    """Send a request, and return the error that refuses it."""
    answer = computer.ask_agent(request)
    assert isinstance(answer.error, ans.ErrorView), answer
    return answer.error


def ask(computer: SimulatedComputer, request: rq.ControlRequest, kind: type[T]) -> T:
    """Send a request, and return its result."""
    answer = computer.ask_agent(request)
    assert answer.outcome == "done", answer.error
    return msgspec.convert(answer.result, type=kind)


def start_session(computer: SimulatedComputer) -> None:
    """Start the support session."""
    ask(computer, rq.SessionStart(session=SESSION, reason="Monthly updates"), ans.SessionAnswer)


def request(computer: SimulatedComputer, **terms: Any) -> ans.RequestView:
    """Start the session, ask the customer, and return the request."""
    start_session(computer)
    question = rq.CredentialRequest(session=SESSION, **{"restarts": 2, "grace": 0.05, **terms})
    asked = ask(computer, question, ans.RequestAnswer).request
    assert asked is not None
    return asked


def answered(computer: SimulatedComputer, asked: ans.RequestView) -> ans.Answer:
    """Wait for the customer's answer, and return it."""
    wait = rq.RequestWait(session=SESSION, request=asked.id, wait=20)
    answer = computer.ask_agent(wait)
    while answer.outcome == "done" and "grant" not in (answer.result or {}):
        answer = computer.ask_agent(wait)
    return answer


def lend(computer: SimulatedComputer, **terms: Any) -> ans.GrantView:
    """Start the session, ask the customer, and return the grant."""
    answer = answered(computer, request(computer, **terms))
    grant = msgspec.convert(answer.result, type=ans.RequestAnswer).grant
    assert grant is not None, answer.error
    return grant


def begin_restart(computer: SimulatedComputer, **options: Any) -> ans.UseView:
    """Apply the grant to a restart, and return the use at its start."""
    apply = rq.CredentialApply(session=SESSION, action="restart", **options)
    use = ask(computer, apply, ans.ApplyAnswer).use
    assert use is not None
    return use


def outcome(computer: SimulatedComputer, use: ans.UseView) -> ans.UseView:
    """Wait for the end of a use, through restarts, as the operator's module does."""
    wait = rq.ApplyWait(session=SESSION, permit=use.permit, wait=20)
    while True:
        try:
            after = ask(computer, wait, ans.ApplyAnswer)
        except OSError:
            computer.wait_until_up()
            continue
        assert after.use is not None
        if after.finished:
            return after.use
