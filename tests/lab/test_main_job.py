# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, from its first task to the result of the erasure's checks, through the real ansible-playbook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.simulated.customer_script import Grant
from tests.lab.job import SESSION, apply, end, play, request, start, task
from tests.lab.maintenance import maintain, prepare, program, summary_of, what
from tests.lab.night import time_of_day
from tests.lab.provoked import provokes

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Job


@pytest.mark.also_on_wine
def test_the_whole_job(lab_pc: LabPC) -> None:
    """The job runs three steps with two restarts and one request; the session ends with a confirmed erasure."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)

    job = maintain(operator).succeed()

    assert what(computer, "request_shown", "updates_installed", "accounting_upgraded", "boot", "locked") == [
        "boot", "request_shown", "updates_installed", "boot", "locked", "accounting_upgraded", "boot", "locked",
    ]  # fmt: skip
    summary = summary_of(job)
    assert (summary["answer"], summary["done"], summary["left_over"]) == (
        "granted", ["Windows updates", "Inventory", "Accounting software"], [],
    )  # fmt: skip
    assert [use["step"] for use in summary["restarts"]] == ["Windows updates", "Accounting software"]
    assert summary["erasure"]["confirmed"]
    assert summary["erasure"]["checks"]
    assert len(summary["receipts"]) == 1
    assert_operator_read(job, computer)


def assert_operator_read(job: Job, computer: SimulatedComputer) -> None:
    """Compare the operator's output with the PC's events."""
    code = job.result("Ask the customer for a grant")["code"]
    assert f"code {code}" in job.output
    assert "[pc1] waiting: the PC to go down; for 60 s at most" in job.output
    assert "[pc1] waiting: the PC to come back; for 60 s at most" in job.output
    assert f"[pc1] {computer.account.account.qualified} is signed in again" in job.output
    assert computer.customer.screen() == ""


def test_the_smallest_complete_job(lab_pc: LabPC) -> None:
    """The smallest complete job returns the account, the boot, the remaining terms and the checks of the erasure."""
    operator, computer = lab_pc(script=[Grant()])

    job = operator.run(start(), request(), apply(), request(), end(), end()).succeed()

    done = job.result("apply")
    assert done["boot"]["before"] != done["boot"]["after"]
    assert done["signed_in"]["account"] == computer.account.account.qualified
    assert done["signed_in"]["locked_at"] is not None
    assert done["left"] == {"restarts": 1, "unlocks": 0}
    assert done["elapsed"]["total"] >= done["elapsed"]["outage"] > 0.2
    assert [asked["changed"] for asked in job.results("request")] == [True, False]
    first, again = job.results("end")
    assert (first["changed"], again["changed"]) == (True, False)
    assert first["erasure"] == again["erasure"]
    assert first["receipts"][0]["document"]["uses"][0]["closing"] == "locked"
    assert computer.events.count("request_shown") == 1


def test_defaults_of_the_group(lab_pc: LabPC) -> None:
    """module_defaults for the action group set the session once for all modules."""
    operator, computer = lab_pc(script=[Grant()])
    opened = {"reason": "Updates", "ends": time_of_day(computer, 8)}
    tasks = [
        {"name": "open", "latchkey.consent.support_session": opened},
        {"name": "ask", "latchkey.consent.credential_request": {"restarts": 1, "timeout": 30}},
        {"name": "close", "latchkey.consent.support_session": {"state": "ended"}},
    ]  # fmt: skip
    defaults = {"group/latchkey.consent.consent": {"session": SESSION}}

    job = operator.begin([play(*tasks, module_defaults=defaults)]).succeed()

    assert {job.result(name)["session"] for name in ("open", "ask", "close")} == {SESSION}


@pytest.mark.also_on_wine
def test_unlock_and_give_back(lab_pc: LabPC) -> None:
    """An unlocked desktop needs no unlock, a locked one is unlocked, and the operator can give the grant back."""
    operator, computer = lab_pc(script=[Grant()])
    operator.run(start(), request(restarts=0, unlocks=2)).succeed()

    open_desktop = operator.run(apply(action="unlock")).succeed().result("apply")
    computer.customer.lock()
    computer.settle()
    job = operator.run(
        apply(action="unlock"), task("credential_revoke", "revoke"), task("credential_revoke", "again")
    )

    assert (open_desktop["changed"], open_desktop["use"]) == (False, None)
    unlocked = job.succeed().result("apply")
    assert (unlocked["changed"], unlocked["left"]["unlocks"]) == (True, 1)
    assert unlocked["boot"]["before"] == unlocked["boot"]["after"]
    assert job.result("revoke")["erasure"]["confirmed"]
    assert (job.result("revoke")["changed"], job.result("again")["changed"]) == (True, False)


def test_credential_info_returns_the_state(lab_pc: LabPC) -> None:
    """credential_info returns the agent, the session, the grant, the pending restart, the forecast and the receipts."""
    operator, computer = lab_pc(script=[Grant()])
    computer.show_banner()
    info = task("credential_info", "info", forecast=True, receipts=True)

    info_result = (
        operator.run(start(), request(), program("updates", "install"), info).succeed().result("info")
    )

    assert info_result["agent"]["ready"]
    assert info_result["sessions"][0]["name"] == SESSION
    assert info_result["grants"][0]["left"] == {"restarts": 2, "unlocks": 0}
    assert info_result["pending_restart"]["pending"]
    assert info_result["receipts"][0]["document"]["closed"] is False
    assert not info_result["forecast"]["ready"]
    assert "banner" in info_result["forecast"]["findings"][0]["code"]


def test_asking_in_the_afternoon_and_working_at_night(lab_pc: LabPC) -> None:
    """request.yml leaves the question on the screen; maintain.yml finds the answer; end.yml shows the checks again."""
    operator, computer = lab_pc()
    prepare(operator)

    asked = operator.begin("latchkey.consent.request").succeed()
    computer.events.wait_for("request_shown")
    computer.customer.allow()
    worked = maintain(operator).succeed()
    closed = operator.begin("latchkey.consent.end").succeed()

    assert asked.result("Ask the customer for a grant")["answer"] == "pending"
    assert worked.result("Ask the customer for a grant")["changed"] is False
    assert computer.events.count("request_shown") == 1
    erasures = [job.result("End the support session and")["erasure"] for job in (worked, closed)]
    assert erasures[0] == erasures[1]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        pytest.param("denied", "denied", marks=provokes("denied")),
        pytest.param("revoked", "grant_revoked", marks=provokes("grant_revoked")),
    ],
)
def test_a_no_of_the_afternoon_holds_at_night(lab_pc: LabPC, answer: str, code: str) -> None:
    """The job at night asks a customer who declined or revoked nothing more, and tells the answer."""
    operator, computer = lab_pc()
    prepare(operator)
    operator.begin("latchkey.consent.request").succeed()
    computer.events.wait_for("request_shown")
    if answer == "denied":
        computer.customer.decline("I work late")
    else:
        computer.customer.allow()
        computer.customer.revoke()

    job = maintain(operator).fail()

    fault = job.first_failure()
    assert fault["error_code"] == code
    assert fault["answer"] == answer
    assert fault["code"] == fault["request"]["code"]
    assert computer.events.count("request_shown") == 1
    assert what(computer, "updates_installed", "going_down") == []
    assert summary_of(job)["answer"] == answer


@provokes("no_answer")
def test_at_night_no_answer_is_awaited(lab_pc: LabPC) -> None:
    """A missing answer ends the job within seconds, without any change and without a started session."""
    operator, computer = lab_pc()
    prepare(operator)
    asked = operator.begin("latchkey.consent.request").succeed()
    computer.events.wait_for("request_shown")

    job = operator.begin("latchkey.consent.maintain", "-e", "maintenance_request_timeout=2").fail()

    assert asked.result("Ask the customer for a grant")["answer"] == "pending"
    assert job.first_failure()["error_code"] == "no_answer"
    assert what(computer, "updates_installed", "going_down") == []
    assert summary_of(job)["left_over"] == [
        "Windows updates", "Inventory", "Accounting software",
    ]  # fmt: skip
    assert computer.customer.screen() == ""


def test_keywords_of_the_play_are_for_the_steps(lab_pc: LabPC) -> None:
    """The role works in a play with become and an environment, also where the inventory sets become."""
    operator, _computer = lab_pc(script=[Grant()])
    prepare(operator, ansible_become=True, maintenance_steps_dir=str(operator.folder))
    role = {"name": "role", "ansible.builtin.include_role": {"name": "latchkey.consent.maintenance"}}

    job = operator.begin(
        [play(role, become=True, become_method="runas", become_user="SYSTEM", environment={"PROXY": "x"})]
    )

    summary = summary_of(job.succeed())
    assert summary["left_over"] == []


def test_check_mode_changes_nothing(lab_pc: LabPC) -> None:
    """With --check no customer is asked, no PC restarts, and the agent stores nothing."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)

    job = operator.begin("latchkey.consent.maintain", "--check").succeed()

    assert job.result("Start the support session")["changed"]
    assert what(computer, "request_shown", "going_down", "updates_installed") == []
    info = operator.run(task("credential_info", "info")).succeed().result("info")
    assert (info["sessions"], info["requests"]) == ([], [])


def test_check_mode_of_each_task_predicts(lab_pc: LabPC) -> None:
    """In a started session, check mode predicts for each task whether it would change the PC."""
    operator, computer = lab_pc(script=[Grant()])
    operator.run(start(), request()).succeed()
    steps = task("session_checkpoint", "checkpoint", step="x", state="done")
    tasks = [
        start(),
        request(),
        request(restarts=3),
        apply(),
        steps,
        task("credential_revoke", "revoke"),
        end(),
    ]
    for one in tasks:
        one["check_mode"] = True

    job = operator.run(*tasks).succeed()

    assert [asked["changed"] for asked in job.results("request")] == [False, True]
    changed = {
        name: job.result(name)["changed"] for name in ("start", "apply", "checkpoint", "revoke", "end")
    }
    assert changed == {"start": False, "apply": True, "checkpoint": True, "revoke": True, "end": True}
    assert what(computer, "going_down") == []
    grant = operator.run(task("credential_info", "info")).succeed().result("info")["grants"][0]
    assert (grant["state"], grant["left"]) == ("active", {"restarts": 2, "unlocks": 0})
