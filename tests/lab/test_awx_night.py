# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The workflow Night on the lab's controller, over simulated PCs: three in `make test`, 12 in `make nights`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from lab.controller.awx_server import Controller
from lab.simulated.customer_script import Deny, Grant
from lab.simulated.simulated_pc import pc
from tests.lab.awx import Awx, configured, prepare
from tests.lab.job import SESSION
from tests.lab.maintenance import what
from tests.lab.night import check_promises
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.simulated.customer_script import Step
    from lab.simulated.simulated_pc import SimulatedComputer

    Scene = Callable[..., tuple[Awx, list[SimulatedComputer]]]
FEW, MANY = 3, 12
MOST_LAUNCHES = 8
ANSWERS = {"maintenance_session": "Night", "maintenance_reason": "Monthly updates", "target": "all"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a controller that awx_configure has set up, and the password of its credential."""
    folder = tmp_path_factory.mktemp("saved")
    # The night waits for its restarts whatever these variables say: it closes the session at its end.
    password = prepare(folder / "operator", maintenance_restart_mode="begin")
    with Controller(folder / "controller") as controller:
        result = Awx(controller, folder / "operator").configure()
        assert result.returncode == 0, result.stdout + result.stderr
    return folder, password


@pytest.fixture
def scene(saved: tuple[Path, str], tmp_path: Path) -> Iterator[Scene]:
    """Makes PCs with these customers, known to a controller of their own."""
    folder, password = saved
    with ExitStack() as stack:

        def make(*customers: Step) -> tuple[Awx, list[SimulatedComputer]]:
            pcs = [
                stack.enter_context(
                    pc(
                        tmp_path / f"pc{number}",
                        name=f"PC{number}",
                        script=(step,),
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
