# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 13: a job that was killed at any point can be launched again and continues; no step is done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.simulated.customer_script import Grant
from tests.lab.job import SESSION, Operator, apply, play, request, start, task, wait_for
from tests.lab.maintenance import maintain, prepare, program, summary_of, what
from tests.lab.relaunch import DONE, KILLED, kill_and_launch_again
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.conftest import LabPC
    from tests.lab.job import Task


@pytest.mark.parametrize("moment", KILLED)
def test_a_killed_job_goes_on(lab_pc: LabPC, moment: str) -> None:
    """After a kill and a second launch the job has done all steps, with two restarts and one request."""
    kill_and_launch_again(lab_pc, moment)


def test_a_job_that_is_launched_twice_does_nothing_twice(lab_pc: LabPC) -> None:
    """Two jobs at once send one request, restart twice in total, and leave no sealed record."""
    operator, computer = lab_pc(script=[Grant(after=0.5)])
    prepare(operator)

    jobs = [maintain(operator), maintain(operator)]
    codes = [job.wait() for job in jobs]

    assert 0 in codes, jobs[0].output + jobs[1].output
    assert what(computer, "typed", "permit_redeemed") == ["typed", "permit_redeemed", "permit_redeemed"]
    assert computer.events.count("boot") == 3
    for job in jobs:
        summary = summary_of(job)
        assert summary["erasure"]["confirmed"]


def test_a_step_that_fails_ends_the_session_where_the_role_is_told_to(lab_pc: LabPC) -> None:
    """The play fails after the erasure, and the summary names the remaining steps."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_on_failure="end")
    operator.write("inventory.yml", [{"name": "Break", "ansible.builtin.fail": {"msg": "broken"}}])

    job = maintain(operator).fail()

    summary = summary_of(job)
    assert (summary["done"], summary["left_over"]) == (DONE[:1], DONE[1:])
    assert summary["erasure"]["confirmed"]
    assert job.result("Break")["msg"] == "broken"
    assert what(computer, "accounting_upgraded") == []
    assert computer.customer.notices()


UNREACHABLE = 4
"""The exit code of ansible-playbook."""
LOST: dict[str, tuple[Task, int]] = {
    "of the collection": ({"name": "lost", "ansible.builtin.meta": "noop"}, 1),
    "of Ansible": ({"name": "lost", "ansible.builtin.raw": "'x'"}, 0),
}
"""The first task without the PC, and how many summaries are shown. After the noop comes the checkpoint of the step."""


@pytest.mark.parametrize(("lost", "summaries"), LOST.values(), ids=list(LOST))
def test_a_pc_that_is_lost_within_a_step(lab_pc: LabPC, lost: Task, summaries: int) -> None:
    """A task of the collection fails, and the summary comes; one of Ansible ends the role, and `end` mends it."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_timeout=4, maintenance_restart_timeout=20)
    go_on = operator.folder / "go"
    operator.write("inventory.yml", [program("hostname", ""), wait_for(go_on), lost])
    job = maintain(operator)
    eventually(lambda: job.results("hostname"), "the step has begun", 90)
    computer.power_cut()
    go_on.touch()

    assert job.wait() == (2 if summaries else UNREACHABLE), job.output
    assert len(job.results("Show the summary")) == summaries
    computer.power_on()
    computer.wait_until_up()
    closed = operator.begin("latchkey.consent.end").succeed()
    assert closed.result("End the support session and")["erasure"]["confirmed"]


def test_a_failed_end_is_reported(lab_pc: LabPC) -> None:
    """If the session cannot be ended, the summary is still shown and the job fails."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_timeout=3)
    go_on = operator.folder / "go"
    operator.write("accounting.yml", [program("accounting", "upgrade"), wait_for(go_on)])
    job = maintain(operator)
    computer.events.wait_for("accounting_upgraded")
    computer.customer.revoke()
    computer.fill_disk()
    go_on.touch()

    job.fail()

    assert job.result("Show the summary")["msg"][0] == "pc1, support session CHG-4711"
    computer.fill_disk(full=False)
    closed = operator.begin("latchkey.consent.end").succeed()
    assert closed.result("End the support session and")["erasure"]["confirmed"]


def test_two_operators_at_once(lab_pc: LabPC, tmp_path: Path) -> None:
    """Two jobs with their own sessions each request, restart one after the other, and get their own checks.

    They use one account, which may have one open request to a customer: the second asks when the first has its answer.
    """
    operator, computer = lab_pc(script=[Grant(), Grant()])
    second = Operator(tmp_path / "second", {"pc1": computer})
    both_lent = tmp_path / "lent"
    wait = wait_for(both_lent)

    with operator.begin([play(*job_of(SESSION, wait))]) as one:
        computer.events.wait_for("notice_granted", 1, 60)
        with second.begin([play(*job_of("INC-7", wait))]) as two:
            computer.events.wait_for("notice_granted", 2, 60)
            both_lent.touch()
            jobs = [one.succeed(), two.succeed()]

    assert what(computer, "typed", "boot", "permit_redeemed", "locked") == [
        *("boot", "typed", "typed"), *("boot", "permit_redeemed", "locked") * 2,
    ]  # fmt: skip
    ended = [job.result("end") for job in jobs]
    assert [result["session"] for result in ended] == [SESSION, "INC-7"]
    assert all(result["erasure"]["confirmed"] for result in ended)
    assert [len(result["receipts"][0]["document"]["uses"]) for result in ended] == [1, 1]


def job_of(session: str, wait: Task) -> list[Task]:
    """Return a whole job in a session of this name, with a wait in its middle."""
    return [
        start(session=session),
        request(session=session, restarts=1),
        wait,
        apply(session=session, timeout=90),
        task("support_session", "end", session=session, state="ended"),
    ]
