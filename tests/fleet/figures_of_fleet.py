# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a fleet's night and of its nodes, and their sections of docs/benchmarks.md."""

from __future__ import annotations

import os
from functools import reduce
from typing import TYPE_CHECKING

from tests.benchmarks.figures import Figure, table
from tests.fleet.fleet_night import COMPARED, COMPARED_OUTAGE, FEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fleet.fleet_night import Compared, Plan, Told, Work

SAME_COST = 1.1
SHARE = 0.9
"""The least share of a node's throughput that another node adds, until the processors are full."""
FULL = 0.9
"""The share of the processors' time from which they count as full."""


def figures(told: Told, plan: Plan) -> list[Figure]:
    """Return the figures of a night."""
    whole = reduce(lambda one, more: one.plus(more), told.waves)
    found = [
        Figure(
            f"fleet of {plan.pcs} PCs, PCs an hour on {plan.workers} nodes",
            3600 * whole.pcs / whole.seconds,
            "PCs",
            where=f"slices of {plan.piece}, waves of {plan.wave}, {plan.forks} forks for each slice, mode {plan.mode}, "
            f"{plan.restart_seconds:.0f} s of outage; {told.deaths} nodes were killed",
        ),
        Figure(
            f"fleet of {plan.pcs} PCs, processor time of controller, nodes and lab for each",
            whole.processor / whole.pcs,
            "s",
            where=f"the processors were busy for {100 * _busy(whole):.0f} % of the time",
        ),
    ]
    return [*found, *_growth(told.waves)]


def figures_of_nodes(compared: Compared, workers: int) -> list[Figure]:
    """Return the throughput that further nodes add, with a goal where the processors were not full."""
    alone, together = compared
    share = (alone.seconds / alone.pcs) / (together.seconds / together.pcs) / workers
    busy = _busy(together)
    # The goal is the largest allowed value.
    return [
        Figure(
            f"fleet, seconds of {COMPARED} PCs on each of {workers} nodes at once, against {COMPARED} PCs on one",
            1 / share,
            "times",
            1 / SHARE if busy < FULL else None,
            where=f"{together.seconds:.0f} s against {alone.seconds:.0f} s, with {COMPARED_OUTAGE:.0f} s of outage for "
            f"each of two restarts; so each further node adds {share:.2f} of a node's throughput. The processors were "
            f"busy for {100 * busy:.0f} % of the time, with one node {100 * _busy(alone):.0f} %",
        )
    ]


def _growth(waves: Sequence[Work]) -> list[Figure]:
    """Compare the cost of each PC of the whole fleet with that of its first wave."""
    first, whole = waves[0], reduce(lambda one, more: one.plus(more), waves)
    if whole.pcs <= FEW or len(waves) == 1:
        return []
    return [
        Figure(
            f"fleet, processor time for each PC: {whole.pcs} PCs against {first.pcs}",
            (whole.processor / whole.pcs) / (first.processor / first.pcs),
            "times",
            SAME_COST,
            where=f"{first.processor / first.pcs:.2f} s each, then {whole.processor / whole.pcs:.2f} s",
        )
    ]


def _busy(work: Work) -> float:
    """Return the share of the processors' time that programs had: other programs fill them, too."""
    return work.everything / work.seconds / len(os.sched_getaffinity(0))


def section(found: Sequence[Figure], machine: str) -> str:
    """Return the section about a night, without its mark."""
    intro = (
        "Measured by `make fleet`: a night on simulated PCs in waves, in slices through `ansible-runner transmit`, "
        "`worker`\nand `process`. The first line below the table tells how many nodes were killed."
    )
    return _section("A fleet", intro, found, machine)


def section_of_nodes(found: Sequence[Figure], machine: str) -> str:
    """Return the section about nodes, without its mark."""
    return _section("Further nodes", "Measured by `make fleet PART=nodes`, in the same way.", found, machine)


def _section(title: str, intro: str, found: Sequence[Figure], machine: str) -> str:
    return "\n".join([f"## {title}", "", intro, "", *table(found), "", f"Measured on {machine}."])
