# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many PCs in one job: a fault of one PC does not affect the others."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Deny, Grant, Ignore
from lab.simulated.simulated_pc import SimulatedComputer
from tests.lab.job import Job, Operator, start
from tests.lab.kinds import patience, pc
from tests.lab.maintenance import maintain, prepare, what

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Fleet = Callable[..., Operator]

PATIENCE = 600
WELL = ("well1", "well2", "well3")
HANGING = ("silent", "frozen", "gone")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Makes PCs with these names and settings, and one operator for all of them."""
    with ExitStack() as stack:

        def make(**settings: dict[str, Any]) -> Operator:
            made = {name: stack.enter_context(pc(tmp_path / name, **one)) for name, one in settings.items()}
            operator = Operator(tmp_path / "operator", made)
            stack.callback(operator.stop)
            return operator

        yield make


def computer(operator: Operator, name: str) -> SimulatedComputer:
    """Return one of the operator's PCs."""
    found = operator.computers[name]
    assert isinstance(found, SimulatedComputer)
    return found


def last(job: Job, host: str) -> tuple[str, str]:
    """Return a host's last task and its status."""
    entry = [entry for entry in job.records() if entry["host"] == host][-1]
    return entry["task"].rpartition(" : ")[2], entry["status"]


@pytest.mark.timeout(240)
def test_trouble_of_one_pc_delays_no_other(fleet: Fleet) -> None:
    """The other PCs finish all steps while one customer is silent, one PC hangs and one does not come back."""
    scripts = {"denies": [Deny()], "silent": [Ignore()]}
    names = (*HANGING, "denies", *WELL)
    operator = fleet(**{name: {"script": scripts.get(name, [Grant()])} for name in names})
    computer(operator, "frozen").faults.hangs_on_restart = True
    computer(operator, "gone").faults.never_comes_back = True
    prepare(operator, maintenance_request_timeout=PATIENCE, maintenance_restart_timeout=PATIENCE)

    job = maintain(operator)
    for name in WELL:
        computer(operator, name).events.wait_for("locked", 2, timeout=patience(120))

    for name in WELL:
        assert what(computer(operator, name), "accounting_upgraded", "locked") == [
            "locked", "accounting_upgraded", "locked",
        ]  # fmt: skip
    assert {last(job, name)[1] for name in HANGING} == {"started"}
    assert last(job, "silent")[0] == "Ask the customer for a grant"
    assert job.first_failure("denies")["error_code"] == "denied"


def test_each_pc_has_its_own_clock_and_customer(fleet: Fleet) -> None:
    """A wrong clock and another customer on one PC do not affect the next PC."""
    operator = fleet(right={}, wrong={"user": "ben"})
    past = datetime.now(UTC) - timedelta(days=1)
    computer(operator, "wrong").set_clock(past)

    job = operator.run(start()).succeed()

    opened = {name: job.result("start", name)["started_at"] for name in operator.computers}
    moments = {name: datetime.fromisoformat(at) for name, at in opened.items()}
    assert moments["right"] - moments["wrong"] > timedelta(hours=23)
    assert what(computer(operator, "right"), "clock_set", "signed_in") == ["signed_in"]
    sign_ins = [event.text for event in computer(operator, "wrong").events.all() if event.what == "signed_in"]
    assert sign_ins == [rf"{computer(operator, 'wrong').name}\ben signed in (console)"]
