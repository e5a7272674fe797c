# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many sessions on one PC: operators and customer can work, and an oversized answer is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latchkey_agent.domain import sessions
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import fields
from tests.lab.job import end, start, task
from tests.lab.provoked import provokes

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC

MANY = sessions.MOST_STARTED - 1
"""The job starts one more."""
WIDE = "\U00020000"
"""A letter of four bytes."""
LONG = fields.Requester(name=WIDE * 80, organization=WIDE * 80, role=WIDE * 80)


def start_many(computer: SimulatedComputer) -> None:
    """Let another program of the operator start many sessions with long texts, and ask the customer in the first."""
    reason, ticket = WIDE * 160, WIDE * 80
    for number in range(MANY):
        session = f"INC-{number:04}"
        computer.ask_agent(rq.SessionStart(session=session, reason=reason, ticket=ticket, requester=LONG))
    answer = computer.ask_agent(rq.CredentialRequest(session="INC-0000", account="anna", restarts=1))
    assert answer.outcome == "done", answer


@provokes("response_exceeds_limit")
def test_many_sessions(lab_pc: LabPC) -> None:
    """Each session can be read and ended, the customer can answer, and only reading all at once is refused."""
    operator, computer = lab_pc(signed_in=False)
    start_many(computer)
    everything = {**task("credential_info", "everything", session=None), "ignore_errors": True}
    of_one = task("credential_info", "of one", session=f"INC-{MANY - 1:04}")

    job = operator.run(start(), everything, of_one, end()).succeed()

    result = job.result("everything")
    assert (result["error_code"], result["outcome"]) == ("response_exceeds_limit", "unknown")
    assert job.result("of one")["sessions"][0]["state"] == "started"
    assert job.result("end")["session"] is not None
    computer.customer.sign_in()
    computer.events.wait_for("request_shown")
    computer.customer.allow()
    first = operator.run(task("credential_info", "first", session="INC-0000")).succeed().result("first")
    assert [grant["state"] for grant in first["grants"]] == ["active"]
