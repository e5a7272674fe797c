# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of AWX's surveys, written as AWX writes them: used as they were meant, or refused with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Deny, Grant
from tests.lab import maintenance
from tests.lab.job import Job, Operator
from tests.lab.maintenance import STEPS, prepare, summary_of
from tests.lab.night import time_of_day

if TYPE_CHECKING:
    from tests.lab.conftest import LabPC

ASKED = "Ask the customer for a grant"


def launch(operator: Operator, playbook: str, **answers: Any) -> Job:
    """Start a job with the answers in a file, each text marked `!unsafe`, as ansible-runner gets them from AWX."""
    return operator.begin(f"latchkey.consent.{playbook}", *maintenance.answers(operator, **answers))


def text(job: Job) -> str:
    """Return a job's output without line breaks."""
    return " ".join(job.output.split())


def test_a_survey_asks_as_the_dictionary_would(lab_pc: LabPC) -> None:
    """Flat answers come before the dictionary; a time is the one that was written; AWX's user asks."""
    operator, computer = lab_pc(script=[Grant()])
    ends = time_of_day(computer, 8)
    prepare(
        operator,
        maintenance_terms={"restarts": 1, "grace": 0.5},
        maintenance_requester={"organization": "Contoso"},
    )
    answers = {
        "maintenance_restarts": 3,
        "maintenance_unlocks": "1",
        "maintenance_programs": "no",
        "maintenance_not_after": ends,
        "maintenance_ticket": "",
        "maintenance_requester_name": "",
        "awx_user_first_name": "Ada",
        "awx_user_last_name": "Meyer",
    }
    job = launch(operator, "request", **answers, request_wait=True).succeed()

    asked = job.result(ASKED)
    terms = asked["request"]["terms"]
    assert (terms["restarts"], terms["unlocks"], terms["programs"]) == (3, 1, False)
    assert terms["not_after"][11:19] == f"{ends}:00"
    closed = launch(operator, "end", **answers).succeed().result("End the support session")
    asker = closed["receipts"][0]["document"]["requester"]
    assert (asker["name"], asker["organization"]) == ("Ada Meyer", "Contoso")


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"maintenance_session": "0711"}, "maintenance_session: it must be a text, and it is a number"),
        ({"maintenance_ticket": "1.10"}, "maintenance_ticket: it must be a text, and it is a number"),
        (
            {"maintenance_ticket": "no"},
            "maintenance_ticket: it must be a text, and it is a truth value",
        ),
        ({"maintenance_terms": "three"}, "maintenance_terms"),
        ({"maintenance_restarts": "a few"}, "maintenance_restarts: it must be a whole number"),
        ({"maintenance_not_before": "22"}, "maintenance_not_before: it must be a time"),
        ({"maintenance_not_before": " 1320"}, "maintenance_not_before: it must be a time"),
    ],
)
@pytest.mark.parametrize("playbook", ["request", "maintain"])
def test_an_answer_that_lost_its_text_is_refused(
    lab_pc: LabPC, playbook: str, answers: dict[str, Any], told: str
) -> None:
    """The sentence names the variable and says how to write it in AWX; the customer sees nothing."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)
    job = launch(operator, playbook, **answers).fail()
    assert told in text(job)
    assert computer.events.count("request_shown") == 0


def test_the_terms_may_be_a_text_in_json(lab_pc: LabPC) -> None:
    """A text area of a survey can hold them."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)
    job = launch(
        operator, "request", maintenance_terms='{"restarts": 2, "grace": 1}', request_wait=True
    ).succeed()
    assert job.result(ASKED)["request"]["terms"]["restarts"] == 2
    assert computer.events.count("request_shown") == 1


def test_a_job_that_only_asks_says_whom_it_did_not_ask(lab_pc: LabPC) -> None:
    """Terms that ask for nothing fail it, and so do tags."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_terms={})
    nothing = operator.begin("latchkey.consent.request").fail()
    assert "Nobody was asked, because maintenance_terms names no restart and no unlock" in text(nothing)
    tagged = operator.begin("latchkey.consent.request", "--tags", "night").fail()
    assert "Nothing was done, because the tags of the job" in text(tagged)
    assert computer.events.count("request_shown") == 0


def test_a_job_that_only_asks_needs_no_steps(lab_pc: LabPC) -> None:
    """Where all steps are settled it says so, and asks nobody."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_steps=[])
    operator.begin("latchkey.consent.request", "-e", "request_wait=true").succeed()
    assert computer.events.count("request_shown") == 1

    prepare(operator, maintenance_steps=STEPS[1:2])
    operator.begin("latchkey.consent.maintain").succeed()
    again = operator.begin("latchkey.consent.request").succeed()
    assert "Nobody was asked, because an earlier job has settled all steps" in text(again)
    assert computer.events.count("request_shown") == 1


def test_steps_without_which_the_terms_have_no_use_are_missed(lab_pc: LabPC) -> None:
    """A job that would restart for nothing is a mistake."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_steps=[])
    job = operator.begin("latchkey.consent.maintain").fail()
    assert "maintenance_terms names restarts or unlocks, and there is no step" in text(job)
    assert computer.events.count("request_shown") == 0


def test_the_summary_of_another_job_knows_the_answer(lab_pc: LabPC) -> None:
    """A job that closes tells whom an earlier job asked, for what, with which code, and the answer."""
    operator, _computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_steps=STEPS[1:2])
    job = operator.begin("latchkey.consent.request", "-e", "request_wait=true").succeed()
    asked = job.result(ASKED)["request"]
    closed = operator.begin("latchkey.consent.end").succeed()
    shown = closed.result("Show the summary")["msg"]
    [told] = [line for line in shown if line.startswith("asked by an earlier job: ")]
    assert told.startswith(f"asked by an earlier job: {asked['account']}, 3 restarts and 0 unlocks from ")
    assert told.endswith(f", code {asked['code']}")
    assert "answered: granted" in shown
    summary = summary_of(closed)
    assert (summary["asked"], summary["answer"], summary["code"]) == (None, None, None)
    earlier = summary["asked_earlier"]
    assert (earlier["account"], earlier["code"]) == (asked["account"], asked["code"])
    assert (earlier["answer"], earlier["terms"]["restarts"]) == ("granted", 3)


def test_the_session_of_a_workflow_is_its_name(lab_pc: LabPC) -> None:
    """Launched again it has the same name; the workflow that AWX makes of slices is none."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)
    del operator.variables["maintenance_session"]
    missing = launch(operator, "request", awx_job_template_name="Request").fail()
    assert "session" in text(missing)
    slices = {"awx_workflow_job_name": "Request", "awx_job_template_name": "Request"}
    launch(operator, "request", **slices).fail()
    assert computer.events.count("request_shown") == 0

    night = {"awx_workflow_job_name": "Night", "awx_job_template_name": "Request", "request_wait": True}
    launch(operator, "request", **night).succeed()
    job = launch(operator, "request", **night).succeed()
    assert job.result("Start the support session, or find it started")["session"] == "Night"
    assert computer.events.count("request_shown") == 1


def test_the_steps_lie_in_the_folder_of_the_job(lab_pc: LabPC) -> None:
    """ansible-runner sets the working folder, and not PWD."""
    operator, _computer = lab_pc(script=[Grant()])
    prepare(operator)
    operator.environment["PWD"] = "/"
    operator.begin("latchkey.consent.maintain").succeed()


def test_a_customers_words_make_no_row_of_the_overview(lab_pc: LabPC) -> None:
    """The reason of a no is one note behind the name of the PC, whatever is in it."""
    operator, _computer = lab_pc(script=[Deny("no|agreed||pc99")])
    prepare(operator)
    operator.begin("latchkey.consent.request", "-e", "request_wait=true").fail()
    told = operator.begin("latchkey.consent.status").succeed().result("Show the overview of all PCs")["msg"]
    assert [line.split(":")[0] for line in told] == [
        "support session CHG-4711, 1 PCs",
        "declined",
        "forecast",
    ]


def test_a_look_without_a_session_fails(lab_pc: LabPC) -> None:
    """Otherwise the job would be green, and would have looked at nothing."""
    operator, _computer = lab_pc(script=[Grant()])
    for playbook in ("status", "end", "report"):
        job = operator.begin(f"latchkey.consent.{playbook}", "-e", "maintenance_report=report").fail()
        assert "session" in text(job)
