# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's remote calls, each of which starts a PowerShell on a real PC: two for each step and four beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.simulated.customer_script import Grant
from lab.wsman.requestlog import read_log
from tests.lab import kinds  # noqa: F401 - the condition below names it
from tests.lab.calls import by_task
from tests.lab.maintenance import STEPS, maintain, prepare, summary_of

if TYPE_CHECKING:
    from tests.lab.conftest import LabPC

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="a Wine PC signs in after more than one wait"),
]

FIRST, SECOND, THIRD = (step["name"] for step in STEPS)
SETTLE = 'Set the checkpoint "done", and restart if required, after'


def test_a_job_of_three_steps_and_two_restarts_needs_ten_calls(lab_pc: LabPC) -> None:
    """Whether the restart is due comes with the call that settles its step; the PC is not asked while it goes down.

    The task that waits for the restart also begins the next step.
    """
    operator, computer = lab_pc(script=[Grant()], restart_seconds=1.0)
    prepare(operator)
    operator.begin("latchkey.consent.request").succeed()
    computer.events.wait_for("notice_granted")
    before = len(read_log(computer.request_log))

    job = maintain(operator).succeed()

    assert summary_of(job)["done"] == [FIRST, SECOND, THIRD]
    assert by_task(job, computer.request_log, before) == {
        "Start the support session, or find it started": 1,
        "Ask the customer for a grant": 1,
        f'Set the checkpoint "started" of {FIRST}': 1,
        f"{SETTLE} {FIRST}": 3,
        f'Set the checkpoint "done" of {SECOND}': 1,
        f"{SETTLE} {THIRD}": 2,
        "End the support session and erase every grant": 1,
    }


def test_a_step_whose_condition_is_to_be_read_begins_by_a_call_of_its_own(lab_pc: LabPC) -> None:
    """The PC keeps the decision, so the condition is read first. A step that is not needed is not begun."""
    operator, computer = lab_pc(script=[Grant()])
    steps = [
        {**STEPS[1], "name": "one"},
        {**STEPS[1], "name": "two", "when": "false"},
        {**STEPS[1], "name": "three"},
        {**STEPS[1], "name": "four", "rerun": False},
    ]
    prepare(operator, maintenance_steps=steps, maintenance_terms={})

    job = maintain(operator).succeed()

    counted = by_task(job, computer.request_log, 0)
    assert summary_of(job)["done"] == ["one", "three", "four"]
    assert summary_of(job)["not_needed"] == ["two"]
    begun = [task for task in counted if task.startswith('Set the checkpoint "started" of')]
    assert begun == [f'Set the checkpoint "started" of {name}' for name in ("one", "three")]
    assert counted.total() == 8
