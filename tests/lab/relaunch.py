# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a job and launches it again, and checks the result on every kind of PC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.simulated.customer_script import Grant
from tests.lab.maintenance import maintain, prepare

if TYPE_CHECKING:
    from tests.lab.conftest import LabPC

DONE = ["Windows updates", "Inventory", "Accounting software"]


def kill_and_launch_again(lab_pc: LabPC, event: str, count: int) -> None:
    """Kill the job at an event and launch it again; check one run of each step, two restarts, one request."""
    operator, computer = lab_pc(script=[Grant(after=0.3)])
    prepare(operator)
    with maintain(operator) as killed:
        computer.events.wait_for(event, count)
    assert killed.process.returncode < 0

    job = maintain(operator).succeed()

    summary = job.result("Build the summary")["ansible_facts"]["maintenance_summary"]
    assert (summary["done"], summary["left_over"]) == (DONE, [])
    assert summary["erasure"]["confirmed"]
    assert [use["step"] for use in summary["restarts"] if use["state"] == "logged_on"] == [DONE[0], DONE[2]]
    assert computer.events.count("boot") == 3
    assert computer.events.count("typed") == 1
    assert computer.events.count("permit_redeemed") == 2
