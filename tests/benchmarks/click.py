# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times from the customer's click to the playbook's next task, and from the logon screen to the permit."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from lab.simulated.customer_script import Grant, SignIn
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator_bench import bench, computer, moments
from tests.lab.job import apply, end, play, request, start

if TYPE_CHECKING:
    from pathlib import Path

    from lab.simulated.customer_script import Step
    from tests.lab.job import Operator

CLICK, PERMIT = 0.3, 50.0
ROUNDS = 8


def measure(folder: Path) -> list[Figure]:
    """Let a customer grant one restart, several times."""
    with bench(folder, script=_script(), restart_seconds=0.0) as operator:
        tasks = [one for _ in range(ROUNDS) for one in (request(restarts=1), apply())]
        job = operator.begin([play(start(), *tasks, end())]).succeed()
        clicks = _events(operator, "typed")
        waits = [over - at for (_, over), at in zip(moments(job, "request"), clicks, strict=True)]
        permits = [1000 * seconds for seconds in _redeemed(operator)]
    spread = f"{{:.2f}} to {{:.2f}} in {ROUNDS} rounds"
    return [
        Figure(
            "customer's click to the playbook going on",
            statistics.median(waits),
            "s",
            CLICK,
            where=spread.format(min(waits), max(waits)),
        ),
        Figure(
            "permit redeemed after the logon screen asks",
            statistics.median(permits),
            "ms",
            PERMIT,
            where=spread.format(min(permits), max(permits)),
        ),
    ]


def _script() -> list[Step]:
    """Click after a different time in each round; return to the screen before the next request."""
    script: list[Step] = []
    for number in range(1, ROUNDS + 1):
        script += [Grant(after=0.25 * number), SignIn(when="locked", count=number)]
    return script


def _events(operator: Operator, what: str) -> list[float]:
    return [event.at.timestamp() for event in computer(operator).events.all() if event.what == what]


def _redeemed(operator: Operator) -> list[float]:
    """Return the times between the tile's submission and the password's arrival."""
    asked, redeemed = (_events(operator, what) for what in ("tile_shown", "permit_redeemed"))
    return [after - before for before, after in zip(asked, redeemed, strict=True)]
