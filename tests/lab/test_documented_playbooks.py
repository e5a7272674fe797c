# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks that README.md and docs/quickstart.md show work as they are written."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from lab.simulated.customer_script import Grant
from tests.lab.job import ROOT
from tests.lab.maintenance import maintain, prepare

if TYPE_CHECKING:
    from tests.lab.conftest import LabPC

BERLIN = ZoneInfo("Europe/Berlin")
AFTERNOON = datetime(2026, 11, 23, 16, 0, tzinfo=BERLIN)
NIGHT = datetime(2026, 11, 23, 23, 0, tzinfo=BERLIN)


def fenced(name: str) -> list[Any]:
    """Return the YAML texts that a page shows."""
    page = (ROOT / name).read_text(encoding="utf-8")
    return [
        yaml.safe_load(text) for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    ]


@pytest.mark.parametrize("page", ["README.md", "docs/quickstart.md"])
def test_the_first_playbook_works_as_written(lab_pc: LabPC, page: str) -> None:
    """It asks, restarts, finds the customer signed in, and ends the session with everything erased."""
    operator, computer = lab_pc(script=[Grant()])
    [play] = fenced(page)[0]
    job = operator.begin([{**play, "hosts": "all"}]).succeed()
    assert job.result("Restart and sign the customer in")["signed_in"]["locked_at"] is not None
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

    summary = job.result("Build the summary")["ansible_facts"]["maintenance_summary"]
    assert (summary["done"], summary["left_over"]) == (["Say hello"], [])
    assert summary["erasure"]["confirmed"]
    assert computer.events.count("request_shown") == 1


def test_the_summary_names_the_account_and_the_terms(lab_pc: LabPC) -> None:
    """The role's summary is shown for a job that asked: whom, for how many restarts, and the answer."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator, maintenance_terms={"restarts": 2})

    shown = maintain(operator).succeed().result("Show the summary")["msg"]

    assert f"asked: {computer.account.account.qualified}, 2 restarts and 0 unlocks" in " ".join(shown)
    assert "answered: granted" in shown
