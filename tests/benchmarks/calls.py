# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remote calls of the role, counted by the PC's WinRM listener: each starts a PowerShell on a real PC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.simulated.customer_script import Grant
from lab.wsman.requestlog import read_log
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator_bench import bench, computer
from tests.lab.calls import by_task
from tests.lab.maintenance import STEPS, maintain, prepare, summary_of

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

AWAY = 2.0
"""Seconds that the PC is down."""
FOR_EACH_STEP, FOR_THE_REST = 2, 4
WITH_RESTART = 4
"""A step with a restart: it begins, it is done and the PC restarts, the customer is signed in again, and the next step
begins."""


def measure(folder: Path) -> list[Figure]:
    """Count the calls of the job at night; its customer has agreed in the afternoon."""
    with bench(folder, script=[Grant()], restart_seconds=AWAY) as operator:
        prepare(operator)
        operator.begin("latchkey.consent.request").succeed()
        pc = computer(operator)
        pc.events.wait_for("notice_granted")
        before = len(read_log(pc.request_log))
        job = maintain(operator).succeed()
        counted = by_task(job, pc.request_log, before)
    assert summary_of(job)["done"] == [step["name"] for step in STEPS]
    updates, inventory, _accounting = (str(step["name"]) for step in STEPS)
    where = ", ".join(f"{task} {count}" for task, count in counted.items())
    goal = FOR_EACH_STEP * len(STEPS) + FOR_THE_REST
    return [
        Figure("remote calls of three steps and two restarts", counted.total(), "calls", goal, where=where),
        Figure("remote calls of a step without a restart", _of(counted, inventory), "calls", FOR_EACH_STEP),
        Figure(
            "remote calls of a step with a restart, and of the next one's beginning",
            _of(counted, updates),
            "calls",
            WITH_RESTART,
        ),
    ]


def _of(counted: Counter[str], step: str) -> int:
    return sum(count for task, count in counted.items() if task.endswith(step))
