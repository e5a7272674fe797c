# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow Night on the lab's controller, over simulated PCs: three in `make test`, 12 in `make nights`."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.controller.awx_server import Controller
from lab.simulated.customer_script import Deny, Grant
from lab.simulated.simulated_pc import pc
from lab.wsman.requestlog import read_log
from tests.lab.awx import LONGEST, Awx, configured, saved_controller
from tests.lab.job import SESSION
from tests.lab.maintenance import STEPS, what
from tests.lab.night import check_promises
from tests.lab.relaunch import check_pc
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.simulated.customer_script import Step
    from lab.simulated.simulated_pc import SimulatedComputer

    Scene = Callable[..., tuple[Awx, list[SimulatedComputer]]]
FEW, MANY = 3, 12
TEMPLATES = ("Request", "Wait for answers", "Maintain", "Report", "Revoke and close")
OFF_AFTER = 3
"""Seconds until a PC that does not answer counts as off."""
GONE, QUIET = 2.0, 6.0
"""Seconds until the programs of a lost job are gone, and for which the PCs are watched then."""
MOST_LAUNCHES = 8
ANSWERS = {"maintenance_session": "Night", "maintenance_reason": "Monthly updates", "target": "all"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a controller that awx_configure has set up, and the password of its credential."""
    return saved_controller(tmp_path_factory)


@pytest.fixture
def scene(saved: tuple[Path, str], tmp_path: Path) -> Iterator[Scene]:
    """Makes PCs with these customers, known to a controller of their own; the test plays a customer that is None."""
    folder, password = saved
    # A report keeps the rows of an earlier one.
    for file in (folder / "operator").glob("report.*"):
        file.unlink()
    with ExitStack() as stack:

        def make(*customers: Step | None) -> tuple[Awx, list[SimulatedComputer]]:
            pcs = [
                stack.enter_context(
                    pc(
                        tmp_path / f"pc{number}",
                        name=f"PC{number}",
                        script=(step,) if step else (),
                        operator_password=password,
                    )
                )
                for number, step in enumerate(customers)
            ]
            controller = stack.enter_context(configured(tmp_path / "controller", folder / "controller"))
            awx = Awx(controller, folder / "operator")
            awx.add_pcs(pcs)
            return awx, pcs

        yield make


@pytest.mark.timeout(900)
def test_the_night_runs_by_itself(scene: Scene, request: pytest.FixtureRequest) -> None:
    """The workflow asks, waits, maintains in slices, reports and closes; each customer is asked once."""
    count = MANY if request.config.getoption("nights") else FEW
    awx, pcs = scene(*[Grant(after=0.2)] * count)
    night = awx.launch("workflow_job_templates", "Night", **ANSWERS)
    ended = awx.wait(night)
    jobs = awx.nodes(night)
    told = "\n".join(awx.output(job) for job in jobs.values() if job["type"] == "job")
    assert ended["status"] == "successful", told
    assert {name: job["status"] for name, job in jobs.items()} == dict.fromkeys(
        ("request", "wait", "maintain", "report", "close"), "successful"
    ), told
    assert jobs["maintain"]["is_sliced_job"] is True
    assert jobs["wait"]["artifacts"] == {"latchkey_answers": {"agreed": count}}
    kept = [job["artifacts"] for job in jobs.values()]
    assert {type(count) for one in kept for counts in one.values() for count in counts.values()} == {int}
    assert not any(name in json.dumps(kept) for name in ("Ada", *(one.name for one in pcs)))
    report = json.loads((awx.folder / "report.json").read_bytes())
    assert {row["name"]: row["outcome"] for row in report["pcs"]} == {one.name: "done" for one in pcs}
    for computer in pcs:
        assert what(computer, "request_shown") == ["request_shown"]
        assert computer.events.count("updates_installed") == 1


WRONG = {
    "nothing": ({}, "'maintenance_session' value missing"),
    "no target": (
        {"maintenance_session": "Night", "maintenance_reason": "Updates"},
        "'target' value missing",
    ),
    "a number as the session": ({**ANSWERS, "maintenance_session": 711}, "expected to be a string"),
    "an empty session": ({**ANSWERS, "maintenance_session": ""}, "must be at least 1"),
    "a text as a number": ({**ANSWERS, "maintenance_restarts": "three"}, "expected to be an integer"),
    "too many restarts": ({**ANSWERS, "maintenance_restarts": 101}, "must be no more than 100"),
    "a list as the target": ({**ANSWERS, "target": ["PC0"]}, "expected to be a string"),
}
"""Answers that AWX refuses, and a part of its sentence."""


@pytest.mark.parametrize(("answers", "told"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_answer_starts_no_job(scene: Scene, answers: dict[str, Any], told: str) -> None:
    """A launch that lacks an answer or has one of a wrong type is refused for each template; no job is made."""
    awx, _pcs = scene()
    asking = [
        ("job_templates", "Request"),
        ("job_templates", "Maintain"),
        ("workflow_job_templates", "Night"),
    ]
    naming = [
        ("job_templates", name) for name in ("Wait for answers", "Status", "Report", "Revoke and close")
    ]
    for resource, name in asking if "maintenance_restarts" in answers else asking + naming:
        number = awx.row(resource, name)["id"]
        refused = awx.ask("POST", f"{resource}/{number}/launch/", {"extra_vars": answers})
        assert refused.status_code == 400, (name, refused.text)
        assert told in " ".join(refused.json()["variables_needed_to_start"]), name
    assert not awx.controller.store.all("jobs") + awx.controller.store.all("workflow_jobs")


@pytest.mark.timeout(900)
def test_slices_begin_restarts_and_later_launches_collect_them(scene: Scene) -> None:
    """Launched again and again with `begin`, two slices at once do each step and restart once and ask each PC once."""
    awx, pcs = scene(*[Grant(after=0.2)] * FEW)
    restarting = 0
    for _launch in range(MOST_LAUNCHES):
        sliced = awx.wait(
            awx.launch(
                "job_templates",
                "Maintain",
                **ANSWERS | {"maintenance_session": SESSION, "maintenance_restart_mode": "begin"},
            )
        )
        jobs = awx.nodes(sliced).values()
        told = "\n".join(map(awx.output, jobs))
        assert (sliced["status"], len(jobs)) == ("successful", 2), told
        under_way = sum(job["artifacts"]["latchkey_results"].get("restarting", 0) for job in jobs)
        if not under_way:
            break
        restarting += under_way
        for computer in pcs:
            computer.events.wait_for("locked", computer.events.count("restart_announced"))
    assert restarting >= 2 * FEW, "each of two restarts is left to a later launch"
    for computer in pcs:
        assert what(computer, "request_shown") == ["request_shown"]
        counts = [computer.events.count(one) for one in ("updates_installed", "accounting_upgraded", "boot")]
        assert counts == [1, 1, 3], computer.name
        check_promises(computer)


@pytest.mark.timeout(900)
def test_people_decide_where_too_few_agreed(scene: Scene) -> None:
    """With fewer yeses than the quorum an approval waits; a denial closes the session, and no step begins."""
    awx, pcs = scene(Deny(), Deny(), Grant())
    night = awx.launch("workflow_job_templates", "Night", **ANSWERS)
    eventually(
        lambda: awx.nodes(night).get("approval", {}).get("status") == "pending", "the approval waits", 200
    )
    approval = awx.nodes(night)["approval"]
    awx.controller.add_user("kim")
    assert awx.ask("POST", f"workflow_approvals/{approval['id']}/approve/", user="kim").status_code in {
        400,
        404,
    }
    assert awx.ask("POST", f"workflow_approvals/{approval['id']}/deny/").status_code == 204
    awx.wait(night)
    jobs = awx.nodes(night)
    assert "maintain" not in jobs
    assert jobs["close"]["status"] == "successful", awx.output(jobs["close"])
    assert "1 of 3 PCs" in " ".join(awx.output(jobs["wait"]).split())
    assert [computer.events.count("updates_begun") for computer in pcs] == [0, 0, 0]


@pytest.mark.timeout(900)
def test_a_pc_that_is_off_all_night_holds_up_no_other(scene: Scene) -> None:
    """The others finish. Overview, results and report name it as off, and its summary says why it is not closed.

    The workflow fails because of it, at its last node.
    """
    awx, pcs = scene(Grant(), Grant(), Grant())
    pcs[2].power_cut()
    for name in TEMPLATES:
        awx.set_variables(name, maintenance_timeout=OFF_AFTER)
    night = awx.launch("workflow_job_templates", "Night", **ANSWERS)
    assert awx.wait(night)["status"] == "failed"

    jobs = awx.nodes(night)
    assert [name for name, job in jobs.items() if job["status"] == "failed"] == [
        "request",
        "maintain",
        "close",
    ]
    assert jobs["wait"]["artifacts"] == {"latchkey_answers": {"agreed": 2, "off": 1}}
    assert "off: 1, PC2" in awx.told(jobs["wait"])
    assert "off: 1, PC2" in awx.told(jobs["maintain"])
    why = "erasure: no checks, because the session was not ended: The PC could not be reached."
    assert why in awx.told(jobs["close"])
    assert outcomes(awx) == {"PC0": "done", "PC1": "done", "PC2": "unreachable"}
    assert [one.events.count("updates_installed") for one in pcs] == [1, 1, 0]


def outcomes(awx: Awx) -> dict[str, str]:
    """Return the outcome of each PC in the report."""
    report = json.loads((awx.folder / "report.json").read_bytes())
    return {row["name"]: row["outcome"] for row in report["pcs"]}


ADDED = {"name": "Inventory of the new quarter", "tasks": "inventory.yml"}
"""A step that an edited template has in addition."""
ONCE = {"request_shown": 1, "updates_installed": 1, "accounting_upgraded": 1, "boot": 3}
"""The counts (`did`) of a night in which nothing comes twice; the PC starts, then restarts twice."""


@pytest.mark.timeout(900)
def test_a_template_that_is_edited_in_the_middle_of_the_night(
    scene: Scene, request: pytest.FixtureRequest
) -> None:
    """An edit counts for jobs that have not begun, and for no other: nothing comes twice, and nothing is lost.

    *Maintain* gets a step and another text while the customers are asked. While it works, it loses its steps and
    slices, and the workflow its last node: the session is closed all the same.
    """
    awx, pcs = scene(*[None] * (MANY if request.config.getoption("nights") else 2))
    night = awx.launch("workflow_job_templates", "Night", **ANSWERS)
    for computer in pcs:
        computer.events.wait_for("request_shown", timeout=LONGEST)
    awx.set_variables("Maintain", maintenance_steps=[*STEPS, ADDED], maintenance_ticket="CHG-9")
    awx.set_variables("Request", maintenance_terms={"restarts": 5, "grace": 0.5})
    for computer in pcs:
        computer.customer.allow()
    pcs[0].events.wait_for("restart_announced", timeout=LONGEST)
    awx.set_variables("Maintain", maintenance_steps=[ADDED])
    awx.edit("Maintain", job_slice_count=1)
    close = awx.row("workflow_job_template_nodes", "close", by="identifier")
    assert awx.ask("DELETE", f"workflow_job_template_nodes/{close['id']}/").status_code == 204

    assert awx.wait(night)["status"] == "successful", awx.told(night)
    jobs = awx.nodes(night)
    assert (jobs["maintain"]["is_sliced_job"], jobs["close"]["status"]) == (True, "successful")
    assert outcomes(awx) == {computer.name: "done" for computer in pcs}
    assert done_steps(awx) == [[step["name"] for step in (*STEPS, ADDED)]] * len(pcs)
    for computer in pcs:
        assert did(computer) == ONCE


@pytest.mark.timeout(900)
def test_a_cancelled_job_whose_template_was_edited_goes_on(scene: Scene) -> None:
    """A job launched again runs the remaining new steps in their new order, and repeats no finished step."""
    awx, pcs = scene(Grant(), Grant())
    answers = ANSWERS | {"maintenance_session": SESSION}
    job = awx.launch("job_templates", "Maintain", **answers)
    pcs[0].events.wait_for("restart_announced", timeout=LONGEST)
    assert awx.ask("POST", f"workflow_jobs/{job['id']}/cancel/").status_code == 202
    awx.wait(job, "canceled")
    updates, inventory, accounting = STEPS
    awx.set_variables("Maintain", maintenance_steps=[ADDED, updates, accounting, inventory])

    again = awx.launch("job_templates", "Maintain", **answers)
    assert awx.wait(again)["status"] == "successful", awx.told(again)
    for computer in pcs:
        assert did(computer) == ONCE
        check_promises(computer)


def did(computer: SimulatedComputer) -> dict[str, int]:
    """Return how often the customer was asked, the two steps with a program of their own were done, and the PC began.

    The PC's first start is one of them.
    """
    names = ("request_shown", "updates_installed", "accounting_upgraded", "boot")
    return {name: computer.events.count(name) for name in names}


def done_steps(awx: Awx) -> list[list[str]]:
    """Return the names of the steps that are done, for each PC of the report."""
    report = json.loads((awx.folder / "report.json").read_bytes())
    return [[step["name"] for step in row["steps"] if step["state"] == "done"] for row in report["pcs"]]


@pytest.mark.timeout(900)
def test_awx_goes_away_while_a_job_works(scene: Scene) -> None:
    """Nothing more is asked of the PCs. AWX is back and tells that the job is lost. Launched again it finishes."""
    awx, pcs = scene(Grant(), Grant())
    job = awx.launch("job_templates", "Maintain", **ANSWERS)
    pcs[0].events.wait_for("restart_announced", 1, LONGEST)
    awx.controller.kill()
    eventually(lambda: not processes(awx.controller.folder), "the programs of the job are gone", GONE)
    asked = [programs(one) for one in pcs]
    time.sleep(QUIET)
    assert [programs(one) for one in pcs] == asked

    with Controller(awx.controller.folder) as awx.controller:
        assert awx.wait(job)["status"] == "failed"
        slices = awx.nodes(job).values()
        assert {one["status"] for one in slices} == {"failed"}
        assert all("marked as failed" in one["job_explanation"] for one in slices)
        again = awx.launch("job_templates", "Maintain", **ANSWERS)
        assert awx.wait(again)["status"] == "successful", awx.told(awx.job(again))
    for computer in pcs:
        check_pc(computer)
        assert computer.events.count("request_shown") == 1
    assert pcs[0].events.count("updates_installed") == 1


def processes(folder: Path) -> list[str]:
    """Return the processes of a controller's jobs: their environment names a folder in the controller's."""
    mine = f"\0ANSIBLE_HOME={folder}".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mine in b"\0" + environment.read_bytes():
                found.append(environment.parent.name)
    return found


def programs(computer: SimulatedComputer) -> int:
    """Return how many programs were started on the PC remotely."""
    return sum(entry.operation == "Command" for entry in read_log(computer.request_log))
