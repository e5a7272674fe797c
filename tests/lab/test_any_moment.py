# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that is killed, or a PC whose power is cut, at any moment: launched again, the end is the same.

`make nights` kills the job at each side of every checkpoint and at twenty moments at random, and cuts the PC's power at
twenty; `make test` takes a few of these. The report's header says the seed of the choice.
"""

from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from lab.computer import LabError
from lab.simulated.customer_script import Grant
from tests.lab.maintenance import STEPS, maintain, prepare, summary_of
from tests.lab.relaunch import DONE, check_end, check_pc
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.computer import Event
    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.conftest import LabPC
    from tests.lab.job import Job

pytestmark = pytest.mark.timeout(240)

SHARE = 2
"""Tests of each kind in `make test`."""
MOMENTS = 20
DURATION = 14.0
"""Seconds that the job takes on a quiet machine: moments at random lie within."""
LAUNCHES = 3
IN_DOUBT = "the agent stopped while Windows checked the password"
"""The reason for which the agent erases a grant whose check a power cut has interrupted."""


def checkpoints() -> list[str]:
    """Return the tasks that set a checkpoint; the end of a step without a restart begins the next step, too."""
    tasks, is_begun = [], False
    for step in STEPS:
        name, restarts = step["name"], "restart" in step
        tasks += [] if is_begun else [f'Set the checkpoint "started" of {name}']
        done = 'done", and restart if required, after' if restarts else 'done" of'
        tasks.append(f'Set the checkpoint "{done} {name}')
        is_begun = not restarts
    return tasks


SIDES = [(task, status) for task in checkpoints() for status in ("started", "ok")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the moments by the seed."""
    dice = random.Random(f"{metafunc.config.getoption('unkind_seed')} {metafunc.definition.name}")  # noqa: S311
    nights = metafunc.config.getoption("nights")
    if "side" in metafunc.fixturenames:
        chosen = SIDES if nights else dice.sample(SIDES, SHARE)
        metafunc.parametrize("side", chosen, ids=[f"{task}, {status}" for task, status in chosen])
    if "seconds" in metafunc.fixturenames:
        moments = [round(dice.uniform(1.0, DURATION), 2) for _ in range(MOMENTS if nights else SHARE)]
        metafunc.parametrize("seconds", moments)


def has_come(job: Job, side: tuple[str, str]) -> bool:
    """Tell whether the job has come to this side of a checkpoint."""
    task, status = side
    return any(task in entry["task"] and entry.get("status") == status for entry in job.records())


def test_killed_at_a_checkpoint(lab_pc: LabPC, side: tuple[str, str]) -> None:
    """As the task that sets it begins, and as it has ended."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)
    with maintain(operator) as killed:
        eventually(lambda: has_come(killed, side), str(side), 120)

    check_end(computer, maintain(operator).succeed())


def test_killed_at_a_moment(lab_pc: LabPC, seconds: float) -> None:
    """The job may be at any of its tasks, or at its end."""
    operator, computer = lab_pc(script=[Grant()])
    prepare(operator)
    with maintain(operator) as killed:
        time.sleep(seconds)

    if killed.results("End the support session"):
        check_pc(computer)
    else:
        check_end(computer, maintain(operator).succeed())


def test_power_cut_at_a_moment(lab_pc: LabPC, seconds: float) -> None:
    """The job may be at any of its tasks."""
    check_power_cut(lab_pc, lambda _computer: time.sleep(seconds))


def test_power_cut_as_the_customer_answers(lab_pc: LabPC) -> None:
    """The answer may reach the agent's disk, or be lost with the power."""
    check_power_cut(lab_pc, lambda computer: computer.events.wait_for("typed", 1, 60))


def test_power_cut_as_windows_checks_the_password(lab_pc: LabPC) -> None:
    """The agent does not learn the result, so it erases the grant; the customer is asked once more."""

    def at_the_next_check(computer: SimulatedComputer) -> None:
        computer.events.wait_for("notice_granted", 1, 60)
        computer.faults.cut_power_at = "password_checked"
        computer.events.wait_for("power_cut", 1, 60)

    assert check_power_cut(lab_pc, at_the_next_check)


def check_power_cut(lab_pc: LabPC, wait: Callable[[SimulatedComputer], object]) -> bool:
    """Cut the power once `wait` returns; it is back after a second. The job gets over it, or is launched again.

    A customer without a grant signs in again, and is asked again if the power cut took the answer. The same holds if it
    came while Windows checked the password: the agent cannot know the result, so it erases the grant. Windows cannot
    tell a power cut from a restart by others.

    Returns:
        Whether the agent has erased the grant.
    """
    operator, computer = lab_pc()
    allow_whenever_asked(computer)
    prepare(operator, maintenance_terms={"restarts": 4, "grace": 0.5, "foreign_restarts": True})
    job = maintain(operator)
    wait(computer)
    computer.power_cut()
    typed, is_granted = computer.events.count("typed"), computer.events.count("notice_granted") > 0
    time.sleep(1.0)
    computer.power_on()
    computer.wait_until_up()
    if not is_granted:
        computer.customer.sign_in()
    is_in_doubt = False
    while job.wait() != 0 and len(operator.jobs) < LAUNCHES:
        if IN_DOUBT in job.output and not is_in_doubt:
            is_in_doubt = True
            computer.customer.sign_in()
        job = maintain(operator)

    assert summary_of(job)["done"] == DONE, job.output
    assert summary_of(job)["erasure"]["confirmed"]
    lost = 0 if is_granted else typed
    assert 1 <= computer.events.count("typed") <= 1 + lost + is_in_doubt
    assert computer.events.count("permit_redeemed") <= 4
    # A customer who has signed in by hand may go on working.
    assert is_in_doubt or [s for s in computer.on_loop(computer.windows.sessions.all) if s.is_open] == []
    return is_in_doubt


def allow_whenever_asked(computer: SimulatedComputer) -> None:
    """Let the customer allow every request; the power cut may come between the window and the answer."""

    def allow() -> None:
        with suppress(LabError):
            computer.customer.allow()

    def on_event(event: Event) -> None:
        if event.what == "request_shown":
            threading.Thread(target=allow, daemon=True).start()

    computer.events.subscribe(on_event)
