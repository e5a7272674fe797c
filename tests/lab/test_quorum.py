# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quorum: no step begins before enough customers have agreed, and then it begins on the PCs that agreed."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Deny, Grant
from lab.simulated.simulated_pc import SimulatedComputer
from tests.lab.job import Operator, play
from tests.lab.kinds import pc
from tests.lab.maintenance import STEPS, maintain, prepare, summary_of, what

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.conftest import LabPC
    from tests.lab.job import Job

pytestmark = pytest.mark.timeout(240)

STEP = STEPS[1]
SCRIPTS = {"ada": [Grant()], "ben": [Grant(after=3)], "cem": [Deny()], "off": []}
YES = ("ada", "ben")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Operator]:
    """Two customers agree, one of them late, one declines, and one PC is off. The step needs no restart."""
    with ExitStack() as stack:
        made: dict[str, Any] = {
            name: stack.enter_context(pc(tmp_path / name, script=script)) for name, script in SCRIPTS.items()
        }
        made["off"].shut_down()
        operator = Operator(tmp_path / "operator", made)
        stack.callback(operator.stop)
        prepare(
            operator,
            maintenance_steps=[STEP],
            maintenance_steps_dir=str(operator.folder),
            maintenance_timeout=5,
            maintenance_forecast="ignore",
        )
        yield operator


def ended(job: Job) -> Job:
    """Wait for the job's end: it fails, because one PC is off."""
    assert job.wait() in {2, 4}, job.output
    return job


def asked(operator: Operator) -> list[int]:
    """Return how often each customer who is there saw a request."""
    computers = [operator.computers[name] for name in (*YES, "cem")]
    assert all(isinstance(one, SimulatedComputer) for one in computers)
    return [len(what(one, "request_shown")) for one in computers if isinstance(one, SimulatedComputer)]


def test_no_step_begins_below_the_quorum(fleet: Operator) -> None:
    """Two of four are no 51 %: the PCs that agreed keep their grants. The next job asks nobody, and counts anew."""
    fleet.variables["maintenance_quorum"] = "51%"

    missed = ended(maintain(fleet))

    for name in YES:
        summary = summary_of(missed, name)
        assert summary["failure"]["code"] == "quorum_missed"
        assert "2 of 4 PCs, and 3 are needed" in summary["failure"]["msg"]
        assert (summary["answer"], summary["done"], summary["erasure"]) == ("granted", [], None)
    assert summary_of(missed, "cem")["failure"]["code"] == "denied"

    fleet.variables["maintenance_quorum"] = 2
    reached = ended(maintain(fleet))

    assert [summary_of(reached, name)["done"] for name in YES] == [[STEP["name"]]] * 2
    assert summary_of(reached, "cem")["failure"]["code"] == "denied"
    assert asked(fleet) == [1, 1, 1]


@pytest.mark.parametrize("strategy", ["ansible.builtin.linear", "ansible.builtin.free"])
def test_the_work_goes_on_where_enough_agreed(fleet: Operator, strategy: str) -> None:
    """Half of four is enough for 50 %, however late one of them agrees; those that did not agree are left alone."""
    role = {"name": "work", "ansible.builtin.include_role": {"name": "latchkey.consent.maintenance"}}
    fleet.variables.update(maintenance_quorum="50%", maintenance_on_no="skip")

    job = ended(fleet.begin([play(role, strategy=strategy)]))

    assert [summary_of(job, name)["done"] for name in YES] == [[STEP["name"]]] * 2
    assert summary_of(job, "cem")["done"] == []


def test_a_later_batch_counts_the_earlier_ones(fleet: Operator) -> None:
    """With "serial" the first PC agrees alone; the second of two batches brings the count below the quorum."""
    role = {"name": "work", "ansible.builtin.include_role": {"name": "latchkey.consent.maintenance"}}
    fleet.variables.update(maintenance_quorum="60%", maintenance_on_no="skip")

    job = ended(fleet.begin([play(role, serial=[1, 3])]))

    assert summary_of(job, "ada")["done"] == [STEP["name"]]
    assert summary_of(job, "ben")["failure"]["code"] == "quorum_missed"
    assert "2 of 4 PCs" in summary_of(job, "ben")["failure"]["msg"]


def test_a_pc_that_fails_before_the_question_is_not_waited_for(fleet: Operator, tmp_path: Path) -> None:
    """With a report a failed PC stays in the play: it counts as one that did not agree, at once."""
    fleet.variables.update(maintenance_quorum="50%", maintenance_report=str(tmp_path / "report"))
    fleet.host_variables["cem"] = {**fleet.host_variables.get("cem", {}), "maintenance_reason": ""}

    job = ended(maintain(fleet))

    assert [summary_of(job, name)["done"] for name in YES] == [[STEP["name"]]] * 2


@pytest.mark.parametrize("quorum", ["0", "101%"])
def test_a_quorum_that_is_none_is_found_before_anybody_is_asked(lab_pc: LabPC, quorum: str) -> None:
    """It would count as met, or as missed on every PC."""
    operator, _ = lab_pc()
    prepare(operator, maintenance_quorum=quorum)
    job = operator.begin("latchkey.consent.preflight").fail()
    assert "neither a number of PCs nor a percentage" in job.first_failure()["msg"]
