# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that README.md and docs/quickstart.md show work as they are written."""

from __future__ import annotations

import shutil
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
import yaml

from agent.packaging import collection
from lab.simulated.customer_script import Grant
from tests.lab.job import ROOT
from tests.lab.maintenance import maintain, prepare, program, summary_of
from tests.pages import fenced, fenced_texts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.conftest import LabPC
    from tests.lab.job import Operator

BERLIN = ZoneInfo("Europe/Berlin")
AFTERNOON = datetime(2026, 11, 23, 16, 0, tzinfo=BERLIN)
NIGHT = datetime(2026, 11, 23, 23, 0, tzinfo=BERLIN)


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_the_first_playbook_works_as_written(lab_pc: LabPC, page: str) -> None:
    """It asks, restarts, finds the customer signed in, and ends the session with everything erased."""
    operator, computer = lab_pc(script=[Grant()])
    [play] = fenced(page)[0]
    job = operator.begin([{**play, "hosts": "all"}]).succeed()
    assert job.result("Restart and sign the customer in")["signed_in"]["locked_at"] is not None
    assert job.result("End the support session")["erasure"]["confirmed"]
    assert computer.events.count("locked") == 1


def test_the_first_playbook_works_with_the_installed_tarball(lab_pc: LabPC, tmp_path: Path) -> None:
    """The quick start's file, unchanged, does its job with the collection that `ansible-galaxy` installed."""
    operator, computer = lab_pc(script=[Grant()])
    collections = tmp_path / "collections"
    collection.install(collection.build(tmp_path / "dist"), collections)
    operator.environment["ANSIBLE_COLLECTIONS_PATH"] = str(collections)
    operator.groups["office_pcs"] = ["pc1"]
    operator.folder.mkdir()
    first = operator.folder / "first.yml"
    first.write_text(fenced_texts("docs/quickstart.md")[0], encoding="utf-8")

    job = operator.begin(str(first)).succeed()

    assert job.result("End the support session")["erasure"]["confirmed"]
    assert computer.events.count("locked") == 1


def test_the_first_playbook_ends_its_session_after_a_failure(lab_pc: LabPC) -> None:
    """The session ends in the section that always runs; here the customer is not at the PC."""
    operator, _computer = lab_pc(signed_in=False)
    [play] = fenced("README.md")[0]
    job = operator.begin([{**play, "hosts": "all"}]).fail()
    assert job.first_failure()["error_code"] == "nobody_signed_in"
    assert job.result("End the support session")["state"] == "ended"


def test_the_evening_of_the_quick_start_works_as_written(lab_pc: LabPC) -> None:
    """Asked in the afternoon without waiting, answered in between, done at night in the agreed window."""
    operator, computer = lab_pc(script=[Grant()])
    variables = fenced("docs/quickstart.md")[1]
    operator.write("hello.yml", [{"name": "Hello", "ansible.builtin.debug": {"msg": "Hello"}}])
    operator.variables = variables
    computer.set_clock(AFTERNOON)

    operator.begin("latchkey.consent.request").succeed()
    computer.events.wait_for("window_closed")
    computer.let_pass(NIGHT - AFTERNOON)
    job = operator.begin("latchkey.consent.maintain").succeed()

    summary = summary_of(job)
    assert (summary["done"], summary["left_over"]) == (["Say hello"], [])
    assert summary["erasure"]["confirmed"]
    assert computer.events.count("request_shown") == 1


EXAMPLES = ROOT / "docs/examples"


def written(operator: Operator, session: str) -> None:
    """Copy the examples to the operator's folder; the lab's programs take the place of the real steps."""
    shutil.copytree(EXAMPLES, operator.folder, dirs_exist_ok=True)
    for step, argument in (("updates", "install"), ("accounting", "upgrade"), ("hostname", "")):
        name = "inventory" if step == "hostname" else step
        operator.write(f"steps/{name}.yml", [program(step, argument)])
    operator.variables = {"session": session, "maintenance_session": session}


@pytest.mark.parametrize(
    ("name", "arguments", "boots"),
    [
        ("one-restart", (), 2),
        ("lunch-break", (), 3),
        ("two-windows", ("--tags", "maintenance"), 2),
        ("own-order", (), 2),
    ],
)
def test_each_example_works_as_written(
    lab_pc: LabPC, name: str, arguments: tuple[str, ...], boots: int
) -> None:
    """The example restarts as often as it says, and its end confirms the erasure."""
    programs = {"C:\\Windows\\System32\\hostname.exe": "lab.simulated.programs.hostname"}
    operator, computer = lab_pc(script=[Grant()], programs=programs)
    written(operator, "CHG-4711")
    job = operator.begin(str(operator.folder / f"{name}.yml"), *arguments).succeed()
    assert computer.events.count("boot") == boots
    assert job.result("End the support session")["erasure"]["confirmed"]
    assert computer.events.count("request_shown") == 1


def test_the_example_of_a_night_works_as_written(lab_pc: LabPC) -> None:
    """Preflight, question and state in the afternoon; the work at night, within the agreed time."""
    operator, computer = lab_pc(script=[Grant()])
    written(operator, "CHG-4713")
    operator.variables = yaml.safe_load((EXAMPLES / "night.yml").read_text(encoding="utf-8"))
    operator.variables["maintenance_steps"][1]["delay"] = 1
    computer.set_clock(AFTERNOON)

    for playbook in ("preflight", "request"):
        operator.begin(f"latchkey.consent.{playbook}").succeed()
    computer.events.wait_for("window_closed")
    operator.begin("latchkey.consent.status").succeed()
    computer.let_pass(NIGHT - AFTERNOON)
    job = operator.begin("latchkey.consent.maintain").succeed()

    summary = summary_of(job)
    assert (len(summary["done"]), summary["left_over"]) == (3, [])
    assert summary["erasure"]["confirmed"]
    assert computer.events.count("request_shown") == 1


def test_every_example_is_run() -> None:
    """No playbook of the folder is left out of these tests."""
    tested = {"one-restart", "lunch-break", "two-windows", "own-order", "night"}
    assert {file.stem for file in EXAMPLES.glob("*.yml")} == tested


def test_the_summary_names_the_account_and_the_terms(lab_pc: LabPC) -> None:
    """The role's summary is shown for a job that asked: whom, for how many restarts, and the answer."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_terms={"restarts": 2})

    shown = maintain(operator).succeed().result("Show the summary")["msg"]

    assert f"asked: {computer.account.account.qualified}, 2 restarts and 0 unlocks" in " ".join(shown)
    assert "answered: granted" in shown
