# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbooks round the role that others have had trouble with (docs/field-reports.md)."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging.system_tools import SSH
from lab.simulated.customer_script import Grant
from tests.lab.job import Operator, play
from tests.lab.kinds import pc
from tests.lab.maintenance import maintain, prepare, summary_of, what
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.conftest import LabPC
    from tests.lab.job import Job, Play

    Fleet = Callable[..., Operator]

pytestmark = pytest.mark.timeout(240)
ROLE = {"ansible.builtin.include_role": {"name": "latchkey.consent.maintenance"}}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Makes PCs of these names whose customers agree, and one operator for all of them."""
    with ExitStack() as stack:

        def make(*names: str) -> Operator:
            made = {name: stack.enter_context(pc(tmp_path / name, script=[Grant()])) for name in names}
            operator = Operator(tmp_path / "operator", made)
            stack.callback(operator.stop)
            prepare(
                operator,
                maintenance_terms={"restarts": 1, "grace": 0.5},
                maintenance_steps_dir=str(operator.folder),
            )
            return operator

        yield make


def role(**keywords: Any) -> Play:
    """Return a play of the role under Ansible's own strategy."""
    return play(ROLE, **keywords)


def erased(job: Job, host: str) -> bool:
    """Tell whether a PC's session has ended with a confirmed erasure."""
    summary = summary_of(job, host)
    return summary["erasure"] is not None and summary["erasure"]["confirmed"]


def test_each_pc_runs_its_own_steps(fleet: Fleet) -> None:
    """Files that a step includes see the step of their own PC, whatever the other PCs do at that time.

    The role loops over files that include files, with the strategy free.
    """
    steps = {"one": ["a", "b"], "two": ["b"], "three": ["c", "a", "b"]}
    operator = fleet(*steps)
    operator.host_variables = {
        host: {"maintenance_steps": [{"name": name, "tasks": "outer.yml"} for name in names]}
        for host, names in steps.items()
    }
    operator.write("outer.yml", [{"ansible.builtin.include_tasks": str(operator.folder / "inner.yml")}])
    shown = {"ansible.builtin.debug": {"msg": "{{ maintenance_step.name }} of {{ inventory_hostname }}"}}
    operator.write("inner.yml", [{"name": "Look", **shown}])

    job = maintain(operator).succeed()

    looked = {host: [result["msg"] for result in job.results("Look", host)] for host in steps}
    assert looked == {host: [f"{name} of {host}" for name in names] for host, names in steps.items()}


def test_an_error_that_ends_the_play_ends_every_session(fleet: Fleet) -> None:
    """With `any_errors_fatal` one PC's failure stops all of them; each session ends as the role is told to."""
    operator = fleet("one", "two")
    broken = {"ansible.builtin.fail": {"msg": "broken"}, "when": "inventory_hostname == 'one'"}
    operator.write("updates.yml", [{"name": "Break", **broken}])

    operator.variables["maintenance_on_failure"] = "end"
    job = operator.begin([role(any_errors_fatal=True)]).fail()

    assert job.result("Break", "one")["msg"] == "broken"
    assert {host: erased(job, host) for host in operator.computers} == {"one": True, "two": True}
    assert job.results("hostname", "two") == []


def test_a_step_that_ends_its_host_leaves_the_session_to_the_next_job(fleet: Fleet) -> None:
    """Ansible skips every section after `meta: end_host`; the playbook `end` ends the session and erases."""
    operator = fleet("one")
    operator.write("updates.yml", [{"name": "Stop", "ansible.builtin.meta": "end_host"}])

    job = operator.begin([role()])
    job.wait()
    assert job.results("End the support session", "one") == []

    closed = operator.begin("latchkey.consent.end").succeed()
    assert erased(closed, "one")


@pytest.mark.parametrize(("event", "count"), [("request_shown", 1), ("restart_announced", 1)])
def test_programs_that_outlive_a_killed_job_do_nothing_twice(lab_pc: LabPC, event: str, count: int) -> None:
    """The next job over ssh goes on, although the programs of the killed one still ask the agent.

    Each call of the agent's program ends by itself: the agent waits for news for seconds at most.
    """
    require(SSH)
    operator, computer = lab_pc(script=[Grant(after=0.5)], listeners=("ssh-powershell",), ssh_orphans=True)
    prepare(operator)
    operator.host_variables = {"pc1": computer.inventory("ssh, PowerShell")}
    with maintain(operator) as killed:
        computer.events.wait_for(event, count)
    assert killed.process.returncode < 0

    job = maintain(operator).succeed()

    assert erased(job, "pc1")
    assert what(computer, "typed", "permit_redeemed") == ["typed", "permit_redeemed", "permit_redeemed"]
    assert computer.events.count("boot") == 3
