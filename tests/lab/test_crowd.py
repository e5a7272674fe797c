# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A thousand sessions on one PC: operators and customer can work, and an oversized answer is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from tests.lab.job import end, request, start, task
from tests.lab.provoked import provokes

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC

MANY = 1000
OPEN = 2
"""Requests that stay open; a customer has three at most."""


def ask_many(computer: SimulatedComputer) -> None:
    """Let another program of the operator start a thousand sessions with one request each, and withdraw most."""
    for number in range(MANY):
        session = f"INC-{number:04}"
        computer.ask_agent(rq.SessionStart(session=session, reason="Printer " + "x y " * 38))
        answer = computer.ask_agent(rq.CredentialRequest(session=session, account="anna", restarts=1))
        assert answer.outcome == "done", answer
        if number >= OPEN:
            asked = msgspec.convert(answer.result, type=ans.RequestAnswer).request
            assert asked is not None
            computer.ask_agent(rq.RequestWithdraw(session=session, request=asked.id))


@provokes("response_exceeds_limit")
def test_a_thousand_sessions(lab_pc: LabPC) -> None:
    """Each session can be read and ended, the customer can answer, and only reading all at once is refused."""
    operator, computer = lab_pc(signed_in=False)
    ask_many(computer)
    everything = task("credential_info", "everything", session=None)
    receipts = {**task("credential_info", "receipts", session=None, receipts=True), "ignore_errors": True}
    of_one = task("credential_info", "of one", session=f"INC-{MANY - 1:04}")

    job = operator.run(
        start(), request(account="anna", wait=False), everything, receipts, of_one, end()
    ).succeed()

    assert len(job.result("everything")["requests"]) == MANY + 1
    result = job.result("receipts")
    assert (result["error_code"], result["outcome"]) == ("response_exceeds_limit", "unknown")
    assert job.result("of one")["requests"][0]["state"] == "withdrawn"
    assert job.result("end")["erasure"]["confirmed"]
    computer.customer.sign_in()
    computer.events.wait_for("request_shown")
    computer.customer.allow()
    first = operator.run(task("credential_info", "first", session="INC-0000")).succeed().result("first")
    assert [grant["state"] for grant in first["grants"]] == ["active"]
