# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart in two tasks, so that no fork is held: begun by one, collected by another, also by another job."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.customer_script import Grant
from tests.lab.job import end, request, start, task
from tests.lab.maintenance import STEPS, maintain, prepare, summary_of
from tests.lab.provoked import provokes
from tests.lab.relaunch import check_end

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Task

AWAY = 600.0
"""Seconds that the PC is down: no test waits for their end. `kept_away` switches the PC on."""
SOON = 6.0
"""Seconds that the PC is down where a test waits for their end."""
MOST_LAUNCHES = 8


WARNING = 8.0
"""Seconds of warning before the restart: two tasks fit in it, also on a busy machine."""


def begin(**options: Any) -> Task:
    """Return the task that begins the restart of a step."""
    return task("credential_apply", "begin", action="restart", mode="begin", step="Updates", **options)


def collect(**options: Any) -> Task:
    """Return the task that collects it."""
    return task("credential_apply", "collect", action="restart", mode="collect", step="Updates", **options)


@contextmanager
def kept_away(computer: SimulatedComputer, restart: int = 1) -> Iterator[None]:
    """Wait until the PC has gone down for its restart; switch it on at the end."""
    computer.events.wait_for("down", restart)
    computer.power_cut()
    yield
    computer.power_on()


def test_a_restart_is_begun_and_collected(lab_pc: LabPC) -> None:
    """Each job ends at once: before the restart, while the PC is away, and when the customer is signed in."""
    operator, computer = lab_pc(script=[Grant()], restart_seconds=AWAY)

    begun = operator.run(start(), request(grace=WARNING), begin(), begin()).succeed()
    with kept_away(computer):
        away = operator.run(collect()).succeed().result("collect")
    computer.events.wait_for("locked")
    jobs = operator.run(collect(), begin(), collect(then="Inventory"), end()).succeed()

    first, again = begun.results("begin")
    assert (first["pending"], first["changed"], again["pending"], again["changed"]) == (
        True,
        True,
        True,
        False,
    )
    assert (away["pending"], away["waiting_for"], away["changed"]) == (True, "the PC to come back", False)
    over, next_step = jobs.results("collect")
    assert (over["pending"], over["changed"]) == (False, False)
    assert over["signed_in"]["account"] == computer.account.account.qualified
    assert over["boot"]["before"] == first["boot"]["before"] != over["boot"]["after"]
    assert jobs.result("begin")["use"] == over["use"]
    assert next_step["begun"] == "Inventory"
    assert computer.events.count("boot") == 2


@provokes("nothing_begun", "pc_not_back", "logon_did_not_happen")
def test_what_was_not_begun_or_went_wrong_fails_the_collecting_task(lab_pc: LabPC) -> None:
    """Collecting begins nothing; a PC that is away fails after the deadline; the agent's own end is told."""
    operator, computer = lab_pc(script=[Grant()], restart_seconds=AWAY)
    computer.faults.hides_logon_tile = True

    nothing = operator.run(start(), request(), collect()).fail().result("collect")
    assert nothing["error_code"] == "nothing_begun"
    assert computer.events.count("boot") == 1

    operator.run(begin(timeout=60)).succeed()
    with kept_away(computer):
        late = operator.run(collect(deadline="2020-01-01T00:00:00Z")).fail().result("collect")
    assert (late["error_code"], late["status"], late["changed"]) == ("pc_not_back", "failed", False)

    ended = operator.run(collect(timeout=100)).fail().result("collect")
    assert (ended["error_code"], ended["outcome"]) == ("logon_did_not_happen", "refused")
    operator.run(end()).succeed()
    assert computer.events.count("boot") == 2


@pytest.mark.timeout(240)
def test_the_role_begins_restarts_and_later_launches_go_on(lab_pc: LabPC) -> None:
    """Launched again and again, the job does each step and restart once, fails nothing, and waits for no restart."""
    operator, computer = lab_pc(script=[Grant()], restart_seconds=AWAY)
    prepare(operator, maintenance_restart_mode="begin")
    restarting = []
    for restart in (1, 2):
        summary = summary_of(maintain(operator).succeed())
        restarting.append(summary["restarting"])
        assert summary["failure"] == {}
        with kept_away(computer, restart):
            left_alone = maintain(operator).succeed()
        assert left_alone.result("Find out about the restart")["waiting_for"] == "the PC to come back"
        assert left_alone.results("Build the summary") == []
        assert left_alone.results("Show the results of all PCs")[-1]["msg"][1:] == ["restarting: 1, pc1"]
        computer.events.wait_for("locked", restart)

    assert restarting == [STEPS[0]["name"], STEPS[2]["name"]]
    check_end(computer, maintain(operator).succeed())


def test_a_job_that_is_killed_while_it_begins_loses_nothing(lab_pc: LabPC) -> None:
    """The next launch finds the restart on the PC, and does not begin another."""
    operator, computer = lab_pc(script=[Grant()], restart_seconds=SOON)
    prepare(operator, maintenance_restart_mode="begin")
    with maintain(operator) as killed:
        computer.events.wait_for("restart_announced")
    assert killed.process.returncode < 0

    launch_to_the_end(operator, computer)


def launch_to_the_end(operator: Any, computer: SimulatedComputer) -> None:
    """Launch the job until its session has ended; check the PC."""
    for _launch in range(MOST_LAUNCHES):
        job = maintain(operator).succeed()
        built = job.results("Build the summary")
        if built and not built[0]["ansible_facts"]["maintenance_summary"]["restarting"]:
            check_end(computer, job)
            return
        computer.events.wait_for("locked", computer.events.count("restart_announced"))
    pytest.fail(f"not done after {MOST_LAUNCHES} launches")
