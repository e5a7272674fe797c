# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a job and launches it again, and checks the result on every kind of PC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.simulated.customer_script import Grant
from lab.simulated.unkindness import unkind
from tests.lab import shells
from tests.lab.maintenance import maintain, prepare, summary_of

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Job

DONE = ["Windows updates", "Inventory", "Accounting software"]


KILLED = {
    "while the customer is asked": ("request_shown", 1),
    "when the customer has agreed": ("notice_granted", 1),
    "during a step": ("updates_installed", 1),
    "when the restart is announced": ("restart_announced", 1),
    "while the PC goes down": ("going_down", 1),
    "while the PC is down": ("down", 1),
    "when the logon screen appears": ("tile_shown", 1),
    "when the customer is signed in": ("signed_in", 2),
    "after the last step": ("accounting_upgraded", 1),
    "in the last restart": ("going_down", 2),
    "when only the end is left": ("locked", 2),
}
"""The moments at which a job is killed: an event, and how often it has happened by then."""


PATIENCE = 100.0
"""Seconds; an unkind PC on a busy machine takes that long for its second restart."""


def kill_and_launch_again(lab_pc: LabPC, moment: str, *unkindness: str) -> None:
    """Kill the job at a moment of `KILLED` and launch it again; check one run of each step, two restarts, one request.

    `unkindness`: rows of `lab.simulated.unkindness.UNKIND`.
    """
    event, count = KILLED[moment]
    how = unkind(unkindness)
    operator, computer = lab_pc(script=[Grant(after=0.3)], **how.settings)
    how.switch_on(computer.faults)
    prepare(operator)
    with maintain(operator) as killed:
        computer.events.wait_for(event, count, PATIENCE)
    assert killed.process.returncode < 0

    check_end(computer, maintain(operator).succeed())
    assert shells.most_open(computer.request_log) <= shells.MOST


def check_end(computer: SimulatedComputer, job: Job) -> None:
    """Check the end that every job has, however often it was killed: each step done, two restarts, one request."""
    summary = summary_of(job)
    assert (summary["done"], summary["left_over"]) == (DONE, []), job.output
    assert summary["erasure"]["confirmed"]
    assert [use["step"] for use in summary["restarts"] if use["state"] == "logged_on"] == [DONE[0], DONE[2]]
    check_pc(computer)


def check_pc(computer: SimulatedComputer) -> None:
    """Check the events of a PC whose job has come to its end."""
    assert computer.events.count("boot") == 3
    assert computer.events.count("typed") == 1
    assert computer.events.count("permit_redeemed") == 2
