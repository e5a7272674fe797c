# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job on 1 to 200 PCs, and the controller's cost of a task."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from lab.simulated.customer_script import Grant
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator_bench import bench, computer
from tests.benchmarks.processes import Memory, processor_seconds, used_by, used_by_all
from tests.benchmarks.wire import RAW
from tests.lab.job import apply, end, play, request, start, task

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.job import Operator, Task

COUNTS = (1, 20, 200)
BETWEEN = (20, 200)
"""The cost for each PC may grow by a fifth between these."""
LINEAR = 1.2
LAB_GIGABYTES = 4.0
CONTROLLER_HOSTS, CONTROLLER_TASKS, CONTROLLER_GOAL = 100, 3, 1.25
FEWER_FORKS = 50
LIMIT = 300
MEGABYTE = 1e6


class Cost(NamedTuple):
    """The cost of a main job on some PCs: seconds, processor seconds, bytes.

    `all_of_ours` are the processor seconds of controller and PCs together, `others` those of other
    programs meanwhile: they show whether the job was slow or the computer busy. `raw` are the seconds
    of a job of as many tasks that each only run a program: growth there is caused by ansible-core
    and by the number of processes.
    """

    seconds: float
    processor: float
    controller: int
    lab: int
    all_of_ours: float
    others: float
    raw: float


def measure(folder: Path, counts: tuple[int, ...] = COUNTS) -> list[Figure]:
    """Run the main job on increasing numbers of PCs, each with a fork for each PC, and on the last with 50 forks.

    Before that, compare the controller's work on 100 of the last.
    """
    costs: dict[int, Cost] = {}
    figures: list[Figure] = []
    for count in counts:
        with bench(folder / str(count), count, forks=count, script=[Grant()]) as operator:
            costs[count] = main_job(operator)
    most = max(counts)
    with bench(folder / "fewer forks", most, forks=FEWER_FORKS, script=[Grant()]) as operator:
        if most >= CONTROLLER_HOSTS:
            figures.append(controller(_some(operator)))
        fewer = main_job(operator)
    return [*figures, *_growth(costs), *_totals(costs, fewer)]


def _some(operator: Operator) -> Operator:
    chosen = dict(islice(operator.computers.items(), CONTROLLER_HOSTS))
    folder = operator.folder.with_name("controller")
    return replace(operator, folder=folder, computers=chosen, jobs=[])


def main_job(operator: Operator) -> Cost:
    """Start a session, request, restart and end on every PC; check each PC's result."""
    patient = {"timeout": LIMIT}
    tasks = (start(), request(restarts=1, **patient), apply(**patient), end())
    raw = _seconds(operator, [RAW] * len(tasks))
    began, ours, everything = time.monotonic(), used_by(os.getpid()), used_by_all()
    job = operator.begin([play(*tasks)])
    with Memory(job.process.pid) as used:
        processor = processor_seconds(job.process)
        seconds = time.monotonic() - began
        used.look()
    ours, everything = used_by(os.getpid()) - ours, used_by_all() - everything
    assert job.process.returncode == 0, job.output
    for name in operator.computers:
        assert job.result("end", name)["erasure"]["confirmed"], name
        assert computer(operator, name).events.count("locked") == 1, name
    return Cost(seconds, processor, used.job, used.lab, ours, max(0.0, everything - ours), raw)


def controller(operator: Operator) -> Figure:
    """Compare a task of the collection with raw, minus the cost of an empty job."""
    operator.run(start()).succeed()
    ours = [task("session_checkpoint", step=f"Step {n}", state="done") for n in range(CONTROLLER_TASKS)]
    raw = [RAW] * CONTROLLER_TASKS
    idle, mine, other = (_processor(operator, tasks) for tasks in ([{"meta": "noop"}], ours, raw))
    each = len(operator.computers) * CONTROLLER_TASKS
    mine, other = 1000 * (mine - idle) / each, 1000 * (other - idle) / each
    return Figure(
        f"controller's processor time for a task on each of {len(operator.computers)} hosts",
        mine / other,
        "times raw's",
        CONTROLLER_GOAL,
        {"raw": 1.0},
        f"{mine:.0f} ms against raw's {other:.0f} ms, forking a worker and loading its plugins included",
    )


def _processor(operator: Operator, tasks: list[Task]) -> float:
    """Return the processor seconds of a job."""
    job = operator.begin([play(*tasks)])
    seconds = processor_seconds(job.process)
    assert job.process.returncode == 0, job.output
    return seconds


def _seconds(operator: Operator, tasks: list[Task]) -> float:
    """Return the seconds of a job."""
    began = time.monotonic()
    job = operator.begin([play(*tasks)])
    assert job.wait(LIMIT) == 0, job.output
    return time.monotonic() - began


def _growth(costs: dict[int, Cost]) -> list[Figure]:
    few, many = BETWEEN
    if few not in costs or many not in costs:
        return []
    names = {
        "time": "seconds",
        "processor time of controller and lab": "all_of_ours",
        "controller's memory": "controller",
        "lab's memory": "lab",
    }
    return [
        Figure(
            f"main job, {name} for each PC: {many} PCs against {few}",
            _grown(costs, field),
            "times",
            LINEAR,
            {"as many tasks of raw": _grown(costs, "raw")} if field == "seconds" else {},
            _where(costs, field),
        )
        for name, field in names.items()
    ]


def _grown(costs: dict[int, Cost], field: str) -> float:
    few, many = BETWEEN
    cost = {count: float(getattr(costs[count], field)) / count for count in BETWEEN}
    return cost[many] / cost[few]


def _where(costs: dict[int, Cost], field: str) -> str:
    parts = []
    for count, cost in costs.items():
        value = getattr(cost, field)
        shown = f"{value / MEGABYTE:.0f} MB" if isinstance(value, int) else f"{value:.1f} s"
        busy = (
            f" with {cost.all_of_ours:.0f} s of processor time, while other programs had {cost.others:.0f} s"
        )
        parts.append(f"{count} PCs {shown}{busy if field == 'seconds' else ''}")
    return ", ".join(parts)


def _totals(costs: dict[int, Cost], fewer: Cost) -> list[Figure]:
    """Return the totals of the most PCs: with a fork for each, and with fewer forks."""
    most = max(costs)
    cost = costs[most]
    busy = ", ".join(f"{count} PCs {one.processor:.1f} s" for count, one in costs.items())
    return [
        Figure(
            f"main job on {most} PCs, controller's processor time for each",
            cost.processor / most,
            "s",
            where=f"{busy}; ansible-core looks for results a thousand times a second while it waits",
        ),
        Figure(
            f"main job on {most} PCs, controller's processor time for each, with {FEWER_FORKS} forks",
            fewer.processor / most,
            "s",
            where="with fewer forks than PCs ansible-core looks for a free one ten thousand times a second",
        ),
        Figure(f"main job on {most} PCs", cost.seconds, "s", None, {f"{FEWER_FORKS} forks": fewer.seconds}),
        Figure(
            f"memory of the lab with {most} PCs",
            fewer.lab / 1e9,
            "GB",
            LAB_GIGABYTES,
            where=f"{fewer.lab / most / MEGABYTE:.1f} MB each, its agent, its WinRM listener and the programs of "
            f"{FEWER_FORKS} forks included; with a fork for each PC {cost.lab / 1e9:.2f} GB",
        ),
    ]
