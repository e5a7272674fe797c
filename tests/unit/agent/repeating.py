# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators who send a call again after its answer was lost (see `play`)."""

from __future__ import annotations

from msgspec.structs import replace

from latchkey_agent.domain.idempotency import done_before
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import OPERATOR, SECOND_OPERATOR

OPERATORS = (OPERATOR, SECOND_OPERATOR)


class Repeating:
    """Two operators of one PC."""

    bench: Bench
    calls = 0
    last: tuple[int, rq.ControlRequest] | None = None

    def ask(self, operator: int, request: rq.ControlRequest) -> ans.Answer:
        """Send a request as one of the operators, with a key of its own."""
        self.calls += 1
        self.last = operator, replace(request, idempotency_key=f"{self.calls}")
        return self._send(*self.last)

    def _send(self, operator: int, request: rq.ControlRequest) -> ans.Answer:
        answer = self.bench.ask(request, OPERATORS[operator])
        if isinstance(answer.error, ans.ErrorView) and answer.error.code == "agent_failed":
            assert self.bench.world.broken, answer
        return answer

    def ask_again(self) -> None:
        """Send the last call again: it reports the same and starts nothing new."""
        if self.last is None:
            return
        call, before = done_before(self.bench.state, self.last[1].call), self._started()
        answer = self._send(*self.last)
        if call is not None:
            assert self._started() <= before
            assert answer.outcome != "done" or answer.changed == call.changed

    def _started(self) -> set[str]:
        """Return the ids of all sessions, requests and permits."""
        state = self.bench.state
        return {*state.sessions, *state.requests, *state.permits}
