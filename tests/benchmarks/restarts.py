# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time from the restart to the resumed job, compared with win_reboot on the same PCs."""

from __future__ import annotations

import statistics
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from lab.simulated.customer_script import Grant
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator_bench import bench, computer, moments
from tests.lab.job import apply, end, play, request, start

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.job import Job, Operator, Task

OVERHEAD, OF_WIN_REBOOT = 1.0, 0.1
GRACE = 2.0
"""Seconds of warning for people at the PC; win_reboot's minimum."""
LIMIT = 300.0
SAMPLES = {2.0: 3, 20.0: 1}
"""Seconds that the PC is down, and the number of restarts for each side."""


class Restart(NamedTuple):
    """The seconds of one restart beyond the warning and the outage, in total, before and after."""

    overhead: float
    before: float
    after: float


def measure(folder: Path) -> list[Figure]:
    """Restart two PCs at the same time, each by both sides in turn."""
    with ThreadPoolExecutor() as pool:
        found = pool.map(lambda away: _compare(folder / f"{away:.0f}", away, SAMPLES[away]), SAMPLES)
        return [figure for figures in found for figure in figures]


def _compare(folder: Path, away: float, samples: int) -> list[Figure]:
    with bench(folder, script=[Grant()], restart_seconds=away) as operator:
        tasks = [start(), request(restarts=samples, grace=GRACE)]
        for _ in range(samples):
            tasks += [apply(timeout=LIMIT), _reboot()]
        job = operator.begin([play(*tasks, end())])
        assert job.wait(LIMIT) == 0, job.output
        ours, theirs = (_restarts(operator, job, name) for name in ("apply", "win_reboot"))
    mine, other = (statistics.median(one.overhead for one in many) for many in (ours, theirs))
    name = f"restart to resumed, beyond {away:.0f} s of outage"
    against = {"win_reboot": other}
    where = _where(ours)
    return [
        Figure(name, mine, "s", OVERHEAD, against, where),
        Figure(f"{name}, as a part of win_reboot's", mine / other, "", OF_WIN_REBOOT, where=where),
    ]


def _reboot() -> Task:
    return {"name": "win_reboot", "ansible.windows.win_reboot": {"pre_reboot_delay": int(GRACE)}}


def _restarts(operator: Operator, job: Job, task: str) -> list[Restart]:
    """Return the times before the restart's announcement and after the PC's return."""
    events = [(e.what, e.at.timestamp()) for e in computer(operator).events.all()]
    found = []
    for begin, over in moments(job, task):
        announced, up = (
            max(at for what, at in events if what == name and begin < at < over)
            for name in ("restart_announced", "up")
        )
        found.append(Restart(announced - begin + over - up, announced - begin, over - up))
    return found


def _where(restarts: list[Restart]) -> str:
    before = statistics.median(one.before for one in restarts)
    after = statistics.median(one.after for one in restarts)
    return (
        f"{before:.2f} s from the task's begin to the announcement, "
        f"{after:.2f} s from the PC's being up (nobody signed in yet) to the task's end"
    )
