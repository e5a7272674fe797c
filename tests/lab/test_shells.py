# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote shells outlive their connection: a job deletes those that it left, or uses them again."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from winrm.protocol import Protocol

from lab.canary import make
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant
from lab.simulated.simulated_pc import SimulatedComputer
from lab.wsman.faults import Drop, Faults
from tests.lab.job import Job, Operator, apply, end, request, start
from tests.lab.kinds import pcs_for
from tests.lab.provoked import provokes
from tests.lab.shells import MOST, most_open

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.conftest import LabPC

pytestmark = pytest.mark.timeout(300)

ON_WSMAN = [name for name in CONNECTIONS if not name.startswith("ssh")]
LOSSES = 12
"""Lost answers in a row in one task; with a new shell for each, Windows' 30 shells would be gone after three tasks."""


@dataclass
class Losses:
    """The job on all PCs."""

    job: Job
    computers: dict[str, SimulatedComputer]


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Losses]:
    """Lose the answers of a task again and again, on each connection with remote shells."""
    folder = tmp_path_factory.mktemp("shells")
    with ExitStack() as stack:
        settings = {"password": make(), "script": [Grant()], "shells_per_user": MOST + 1}
        computers = pcs_for(stack, folder, ON_WSMAN, **settings)
        variables = {name: computer.inventory(name) for name, computer in computers.items()}
        operator = Operator(folder / "operator", computers, host_variables=variables)
        stack.callback(operator.stop)
        for computer in computers.values():
            Faults(drop=Drop.UNANSWERED, operation="Receive", skip=1, times=LOSSES).write(
                computer.listener_faults
            )
        yield Losses(operator.run(start(timeout=200), request(), apply(timeout=120), end()), computers)


@pytest.mark.parametrize("name", ON_WSMAN)
def test_a_job_leaves_no_shells_behind(losses: Losses, name: str) -> None:
    """However often the connection is lost, the job has two shells at a time at most, and ends well."""
    assert [result["status"] for result in losses.job.results("", name)] == ["ok"] * 4, losses.job.output
    assert most_open(losses.computers[name].request_log) <= MOST


@provokes("too_many_shells")
def test_a_pc_without_a_free_shell_is_told_as_such(lab_pc: LabPC) -> None:
    """If other jobs hold every shell of the account, the error says so, and the job works when one ends."""
    operator, computer = lab_pc(shells_per_user=1)
    reach = computer.reach
    address = f"http://{reach.host}:{reach.port}/wsman"
    # A path of "" keeps pywinrm from reading the environment, of which it warns.
    other = Protocol(address, "basic", username=reach.user, password=reach.password, ca_trust_path="")
    shell = other.open_shell()

    refused = operator.run(start(timeout=3)).result("start")

    assert (refused["error_code"], refused["outcome"]) == ("too_many_shells", "refused")
    assert "2150859173" in refused["connection_error"]
    other.close_shell(shell)
    operator.run(start(), end()).succeed()
