# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a fleet without waiting: who is not there is asked when they come, and the operator sees who has answered."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Deny, Grant, Ignore
from tests.lab.job import Job, Operator
from tests.lab.kinds import pc
from tests.lab.maintenance import STEPS, prepare, what

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.conftest import LabPC

pytestmark = pytest.mark.timeout(240)

TERMS = {"restarts": 1, "account": "anna"}
FLEET: dict[str, dict[str, Any]] = {
    "agrees": {"script": [Grant()]},
    "declines": {"script": [Deny("I work late")]},
    "ignores": {"script": [Ignore()]},
    "left": {"signed_in": False},
    "off": {},
}
STATUS, REQUEST = "latchkey.consent.status", "latchkey.consent.request"


def overview(job: Job) -> list[str]:
    """Return the lines of the overview; one host has them."""
    task = "Show the overview of all PCs"
    (lines,) = [result["msg"] for host in FLEET for result in job.results(task, host)]
    return [str(line) for line in lines]


def test_the_operator_sees_who_has_answered(tmp_path: Path) -> None:
    """Each PC stands in one group. Asking again shows a window to none of those who have one or have answered."""
    with ExitStack() as stack:
        made: dict[str, Any] = {n: stack.enter_context(pc(tmp_path / n, **s)) for n, s in FLEET.items()}
        made["off"].shut_down()
        operator = Operator(tmp_path / "operator", made)
        stack.callback(operator.stop)
        prepare(operator, maintenance_steps=[STEPS[2]], maintenance_terms=TERMS, maintenance_timeout=5)

        operator.begin(REQUEST).wait()
        for name, event in (("agrees", "notice_granted"), ("declines", "declined"), ("ignores", "ignored")):
            made[name].events.wait_for(event)
        lines = overview(operator.begin(STATUS).succeed())
        operator.begin(REQUEST).wait()

        assert lines[0] == "support session CHG-4711, 5 PCs"
        assert lines[1:6] == [
            "agreed: 1, agrees",
            "silent: 1, ignores",
            "signed out: 1, left",
            "off: 1, off",
            "declined: 1, declines (I work late)",
        ]
        shown = {name: len(what(one, "request_shown")) for name, one in made.items()}
        assert shown == {"agrees": 1, "declines": 1, "ignores": 1, "left": 0, "off": 0}


@pytest.mark.parametrize("where", ["signed out", "locked"])
def test_a_customer_who_is_not_there_is_asked_when_they_come(lab_pc: LabPC, where: str) -> None:
    """At the next sign-in or unlock before the time for an answer ends, without a further job."""
    operator, computer = lab_pc(signed_in=where == "locked")
    if where == "locked":
        computer.customer.lock()
    answer_by = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    prepare(operator, maintenance_steps=[STEPS[2]], maintenance_terms=TERMS, maintenance_answer_by=answer_by)

    asked = operator.begin(REQUEST).succeed().result("Ask the customer for a grant")
    assert (asked["answer"], asked["request"]["state"]) == ("pending", "pending")
    assert what(computer, "request_shown") == []

    computer.customer.sign_in()
    computer.events.wait_for("request_shown")
    computer.customer.allow()
    computer.events.wait_for("notice_granted")


def test_a_customer_who_leaves_the_window_is_reminded_once(lab_pc: LabPC) -> None:
    """Half an hour before the time for an answer ends, and then the customer may still agree."""
    operator, computer = lab_pc(script=[])
    begin = datetime.now(UTC)
    answer_by = (begin + timedelta(hours=2)).isoformat()
    prepare(operator, maintenance_steps=[STEPS[2]], maintenance_terms=TERMS, maintenance_answer_by=answer_by)
    operator.begin(REQUEST).succeed()
    computer.events.wait_for("request_shown")

    for minutes in (80, 95, 110):
        computer.set_clock(begin + timedelta(minutes=minutes))
    computer.events.wait_for("reminded")
    computer.customer.allow()
    computer.events.wait_for("notice_granted")

    assert what(computer, "reminded", "request_shown", "notice_granted") == [
        "request_shown", "reminded", "notice_granted",
    ]  # fmt: skip
