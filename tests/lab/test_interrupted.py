# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts that the role did not order: it gets over them, and runs an interrupted step again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging import system_tools
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant
from tests.lab.maintenance import STEPS, maintain, prepare, program, summary_of, what
from tests.lab.unkind import at, restarted_by_others
from tests.needs import require

if TYPE_CHECKING:
    from lab.computer import Event
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Operator

pytestmark = pytest.mark.timeout(300)

BY_NAME = {"winrm": "winrm, basic, HTTP", "psrp": "psrp, ntlm, HTTP", "ssh": "ssh, PowerShell"}
TERMS = {"restarts": 4, "grace": 0.5, "foreign_restarts": True}
DONE = [step["name"] for step in STEPS]


def play_night(
    lab_pc: LabPC, connection: str, event: str, **variables: Any
) -> tuple[Operator, SimulatedComputer]:
    """Return an operator, and a PC that Windows Update restarts at the event."""
    kind = CONNECTIONS[connection]
    operator, computer = lab_pc(script=[Grant()], updates_seconds=1.5, listeners=(kind.listener,))
    prepare(operator, **{"maintenance_terms": TERMS, **variables})
    operator.host_variables["pc1"] = computer.inventory(connection)
    at(event, restarted_by_others)(computer)
    return operator, computer


@pytest.mark.parametrize("name", BY_NAME)
def test_a_step_that_others_interrupt_runs_again(lab_pc: LabPC, name: str) -> None:
    """The PC restarts in the middle of the first step: the customer is signed in again, and every step gets done."""
    if name == "ssh":
        require(system_tools.SSH)
    operator, computer = play_night(lab_pc, BY_NAME[name], "updates_begun")

    summary = summary_of(maintain(operator).succeed())

    assert (summary["done"], summary["left_over"]) == (DONE, [])
    assert summary["erasure"]["confirmed"]
    assert computer.events.count("request_shown") == 1
    assert summary["restarts"][0]["started_by_others"]
    assert computer.events.count("updates_begun") == 2
    assert computer.events.count("accounting_upgraded") == 1
    assert what(computer, "updates_installed", "locked")[0] == "locked"


def test_a_role_that_others_interrupt_runs_again_from_its_beginning(lab_pc: LabPC) -> None:
    """Also its tasks before the interruption; the variables that the first run has set stay."""
    steps = [{"name": DONE[0], "role": "updates", "restart": "when_pending"}, *STEPS[1:]]
    operator, computer = play_night(lab_pc, BY_NAME["winrm"], "updates_begun", maintenance_steps=steps)
    count = {"ansible.builtin.set_fact": {"runs": "{{ runs | default(0) | int + 1 }}"}}
    operator.write(
        "roles/updates/tasks/main.yml", [{"name": "count", **count}, program("updates", "install")]
    )

    job = maintain(operator).succeed()

    assert (summary_of(job)["done"], summary_of(job)["left_over"]) == (DONE, [])
    assert [int(result["ansible_facts"]["runs"]) for result in job.results("count")] == [1, 2]
    assert computer.events.count("updates_installed") == 1


def test_a_step_that_must_not_run_twice_fails_and_keeps_the_session(lab_pc: LabPC) -> None:
    """With `rerun: false` the job fails, and the next one goes on with what the customer granted."""
    steps = [{**STEPS[0], "rerun": False}, *STEPS[1:]]
    operator, computer = play_night(lab_pc, BY_NAME["winrm"], "updates_begun", maintenance_steps=steps)

    kept = summary_of(maintain(operator).fail())
    computer.events.wait_for("locked")
    summary = summary_of(maintain(operator).succeed())

    assert kept["erasure"] is None
    assert kept["session_ends_at"]
    assert kept["failure"]["task"] == "updates"
    assert (summary["done"], summary["left_over"]) == (DONE, [])
    assert computer.events.count("request_shown") == 1


def test_a_restart_between_two_steps_is_got_over(lab_pc: LabPC) -> None:
    """The PC restarts right after the first step: nothing runs twice."""
    operator, computer = play_night(lab_pc, BY_NAME["winrm"], "updates_installed")

    summary = summary_of(maintain(operator).succeed())

    assert (summary["done"], summary["left_over"]) == (DONE, [])
    assert computer.events.count("updates_installed") in {1, 2}
    assert computer.events.count("accounting_upgraded") == 1


def test_a_step_that_is_interrupted_for_ever_fails(lab_pc: LabPC) -> None:
    """After three interruptions the step fails; the PC is not restarted without an end."""
    operator, computer = lab_pc(script=[Grant()], updates_seconds=1.5)
    prepare(operator, maintenance_terms={**TERMS, "restarts": 6})

    def on_event(event: Event) -> None:
        if event.what == "boot":
            at("updates_begun", restarted_by_others)(computer)

    computer.events.subscribe(on_event)
    at("updates_begun", restarted_by_others)(computer)

    summary = summary_of(maintain(operator).fail())

    assert summary["done"] == []
    assert computer.events.count("updates_begun") == 4
