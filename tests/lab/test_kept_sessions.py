# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role after a failure, and what it checks before the customer is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.simulated.customer_script import Deny, Grant
from tests.lab.job import play
from tests.lab.maintenance import STEPS, maintain, prepare, program, summary_of, what

if TYPE_CHECKING:
    from tests.lab.conftest import LabPC

FAILS = {"name": "accounting", "ansible.builtin.raw": "exit 3"}
DONE = [step["name"] for step in STEPS]


def test_a_failed_job_keeps_the_session_for_the_next_one(lab_pc: LabPC) -> None:
    """The next job asks nobody, repeats no step, and ends the session."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)
    operator.write("accounting.yml", [FAILS])

    first = maintain(operator).fail()
    operator.write("accounting.yml", [program("accounting", "upgrade")])
    second = maintain(operator).succeed()

    kept, summary = summary_of(first), summary_of(second)
    assert (kept["done"], kept["left_over"], kept["erasure"]) == (DONE[:2], DONE[2:], None)
    assert kept["failure"]["task"] == "accounting"
    assert "the session and its grant are kept until" in " ".join(first.result("Show the summary")["msg"])
    assert (summary["done"], summary["left_over"], summary["failure"]) == (DONE, [], {})
    assert summary["erasure"]["confirmed"]
    assert computer.events.count("request_shown") == 1
    assert computer.events.count("updates_installed") == 1


def test_a_finished_job_that_is_launched_again_asks_nobody(lab_pc: LabPC) -> None:
    """Until the end that the session had agreed; another step is other work, and the customer is asked again."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_steps=STEPS[:2])
    maintain(operator).succeed()

    again = summary_of(maintain(operator).succeed())
    asked = operator.begin("latchkey.consent.request").succeed()

    assert (again["done"], again["left_over"]) == (DONE[:2], [])
    assert again["erasure"]["confirmed"]
    assert [use["step"] for use in again["restarts"]] == DONE[:1]
    assert asked.results("Ask the customer for a grant")[0]["status"] == "skipped"
    assert computer.events.count("request_shown") == 1
    assert computer.events.count("boot") == 2
    operator.variables["maintenance_steps"] = STEPS
    computer.customer.sign_in()
    other = maintain(operator)
    computer.events.wait_for("request_shown", 2)
    computer.customer.allow()
    assert summary_of(other.succeed())["done"] == DONE


def test_a_step_may_be_skipped_or_tried_again(lab_pc: LabPC) -> None:
    """A step that fails is tried as often as it says, and then skipped with its restart; the others are done."""
    operator, computer = lab_pc(script=[Grant()])
    steps = [STEPS[1], {**STEPS[2], "retries": 1, "delay": 1, "on_failure": "skip"}, STEPS[0]]
    prepare(operator, maintenance_steps=steps)
    operator.write("accounting.yml", [FAILS])

    job = maintain(operator).succeed()

    summary = summary_of(job)
    assert len(job.results("accounting")) == 2
    assert (summary["done"], summary["left_over"]) == ([DONE[1], DONE[0]], [DONE[2]])
    assert [skipped["step"] for skipped in summary["skipped"]] == [DONE[2]]
    assert [use["step"] for use in summary["restarts"]] == [DONE[0]]
    assert computer.events.count("boot") == 2


@pytest.mark.parametrize("on_no", ["fail", "skip"])
def test_a_no_fails_the_pc_or_counts_as_not_done(lab_pc: LabPC, on_no: str) -> None:
    """The summary has the answer and the customer's words; the session is kept, so the no holds."""
    operator, computer = lab_pc(script=[Deny("I work late")])
    prepare(operator, maintenance_on_no=on_no)

    for _launch in range(2):
        job = maintain(operator)
        summary = summary_of(job.fail() if on_no == "fail" else job.succeed())
        assert (summary["answer"], summary["why"], summary["left_over"]) == ("denied", "I work late", DONE)
    assert computer.events.count("request_shown") == 1
    assert what(computer, "updates_installed") == []


def test_everything_that_is_wrong_is_said_before_the_customer_is_asked(lab_pc: LabPC) -> None:
    """One run names every fault of the steps."""
    operator, computer = lab_pc(script=[Grant()])
    steps = [{**STEPS[0], "tasks": "misspelt.yml"}, {**STEPS[2], "name": STEPS[0]["name"]}]
    prepare(operator, maintenance_steps=steps, maintenance_terms={})

    message = maintain(operator).fail().first_failure()["msg"]

    for part in ("misspelt.yml", "same name", "restart=always (1)", "when_pending"):
        assert part in message
    assert what(computer, "request_shown") == []


@pytest.mark.parametrize("forecast", ["stop", "warn"])
def test_a_banner_stops_the_job_before_the_customer_is_asked(lab_pc: LabPC, forecast: str) -> None:
    """The forecast stops the job or is shown, as the variable says."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_forecast=forecast, maintenance_steps=[STEPS[1]])
    computer.show_banner()

    job = maintain(operator)
    job = job.fail() if forecast == "stop" else job.succeed()

    assert "legal notice" in " ".join(job.result("Show the findings of the forecast")["msg"])
    assert computer.events.count("request_shown") == (0 if forecast == "stop" else 1)


def test_preflight_changes_nothing(lab_pc: LabPC) -> None:
    """The playbook checks the same without a session."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)
    operator.begin("latchkey.consent.preflight").succeed()
    operator.variables["maintenance_steps"] = [{**STEPS[0], "tasks": "misspelt.yml"}]
    operator.begin("latchkey.consent.preflight").fail()
    assert what(computer, "request_shown", "session_started") == []


def test_the_state_is_shown_at_any_time(lab_pc: LabPC) -> None:
    """Who was asked, the code and the wait; later the answer and the steps; and a PC that is off."""
    operator, computer = lab_pc()
    prepare(operator)
    operator.begin("latchkey.consent.request").succeed()
    computer.events.wait_for("request_shown")

    def status() -> str:
        job = operator.begin("latchkey.consent.status").succeed()
        return " | ".join(job.result("Show the state")["msg"])

    asked = status()
    computer.customer.decline("I work late")
    declined = status()
    computer.shut_down()
    off = status()

    account = computer.account.account.qualified
    assert f"asked: {account}" in asked
    assert ": shown, " in asked
    assert "denied, I work late" in declined
    assert "nothing stands in the way" in declined
    assert "not known, pc_unreachable" in off


def test_tags_select_the_role_and_not_parts_of_it(lab_pc: LabPC) -> None:
    """A tag of the role runs all of it; skipping tags of tasks is refused, because a step would count as done."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_steps_dir=str(operator.folder))
    operator.write("inventory.yml", [{**program("hostname", ""), "tags": ["later"]}])
    roles = [{"role": "latchkey.consent.maintenance", "tags": ["night"]}]

    skipped = operator.begin([play(roles=roles)], "--skip-tags", "later").fail()
    job = operator.begin([play(roles=roles)], "--tags", "night").succeed()

    assert "--skip-tags" in skipped.first_failure()["msg"]
    assert summary_of(job)["done"] == DONE
    assert computer.events.count("hostname") + computer.events.count("updates_installed") >= 1


def test_a_role_that_is_not_begun_at_its_start_does_nothing(lab_pc: LabPC) -> None:
    """A start in the middle would run steps without their session."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_steps_dir=str(operator.folder))
    roles = [{"role": "latchkey.consent.maintenance"}]
    operator.begin([play(roles=roles)], "--start-at-task", "Ask the customer for a grant").fail()
    assert what(computer, "request_shown", "updates_installed") == []
