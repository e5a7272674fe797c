# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A night on a fleet, wave by wave: asked in the afternoon, maintained at night, in slices on several nodes.

As many PCs run at once as memory allows; the next wave starts when the PCs of the last one are gone. Nodes are killed
in the middle. At the end of each wave the PCs themselves are asked: each step once, two restarts, one question.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lab.simulated.customer_script import Grant
from tests.benchmarks.operator_bench import bench, computer
from tests.benchmarks.processes import used_by, used_by_urgent
from tests.fleet.execution_nodes import PATIENCE, Mesh, Node, Slice
from tests.lab.job import SESSION, Task, written
from tests.lab.maintenance import STEPS, program
from tests.lab.night import check_promises, pass_until

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.fleet.execution_nodes import Ended

RESTART_SECONDS = 20.0
"""Seconds that a PC is down: nodes wait for the PCs, as they do at night."""
KILLED_AT = ("updates_begun", "going_down", "locked", "accounting_upgraded")
"""The events of a PC at which the node that works on it is killed."""
AT_WORK = ("updates_begun", "accounting_upgraded")
"""Those at which a node works on the PC also if it does not wait for restarts."""
LONGEST_WAVE = 4 * 3600.0
"""Seconds until a PC's turn in its wave comes at the latest."""
FEW = 100
"""PCs of the first wave: the cost of each PC of the whole fleet is compared with that of these."""
MOST_LAUNCHES = 12
COMPARED, COMPARED_OUTAGE = 4, 90.0
"""PCs of a slice and seconds of an outage where one node is compared with all: the nodes wait most of the time."""
VARIABLES: dict[str, Any] = {
    "maintenance_session": SESSION,
    "maintenance_reason": "Monthly updates",
    "maintenance_requester": {"name": "Ada Meyer", "organization": "Contoso IT"},
    "maintenance_terms": {"restarts": 3, "grace": 0.5, "not_before": "22:00", "not_after": "05:00"},
    "maintenance_steps": STEPS,
    "maintenance_ends": "06:30",
    "maintenance_answer_by": "18:00",
    "maintenance_request_wait": False,
    "maintenance_restart_timeout": 600,
}
SUMMARY = "Build the summary"


@dataclass(frozen=True)
class Plan:
    """The size of a fleet and of its parts. `mode`: wait for restarts, or begin them. `kills`: nodes killed a wave."""

    pcs: int
    workers: int
    piece: int
    wave: int
    forks: int
    mode: str = "wait"
    kills: int = 1
    restart_seconds: float = RESTART_SECONDS


class Work(NamedTuple):
    """The cost of the maintenance of some PCs.

    `processor` are the processor seconds of controller, nodes and PCs together, `everything` those of all
    programs but those that yield to every other.
    """

    pcs: int
    seconds: float
    processor: float
    everything: float

    def plus(self, other: Work) -> Work:
        """Return the cost of both."""
        return Work(
            self.pcs + other.pcs,
            self.seconds + other.seconds,
            self.processor + other.processor,
            self.everything + other.everything,
        )


@dataclass
class Told:
    """The costs of each wave of a fleet's night, and the number of nodes that were killed."""

    waves: list[Work] = field(default_factory=list)
    deaths: int = 0


class Compared(NamedTuple):
    """The costs of a slice on one node, and of a slice on each node at once."""

    alone: Work
    together: Work


@dataclass
class Wave:
    """The PCs of one wave, and the mesh that works on them."""

    pcs: Mapping[str, SimulatedComputer]
    mesh: Mesh
    plan: Plan
    say: Callable[[str], None]

    def slices(self, names: Sequence[str] | None = None) -> list[Slice]:
        """Return these PCs, or all, in slices, each PC dealt in turn as AWX does."""
        chosen = list(self.pcs) if names is None else list(names)
        count = -(-len(chosen) // self.plan.piece)
        return [
            Slice(
                f"slice {number + 1}",
                {name: self.pcs[name].reach.inventory() for name in chosen[number::count]},
            )
            for number in range(count)
        ]

    def ask(self) -> None:
        """Ask every customer at 16:50, let each go home, and let it become 22:00."""
        for pc in self.pcs.values():
            now = pc.on_loop(pc.windows.clock.now)
            pc.set_clock(now.replace(hour=16, minute=50, second=0, microsecond=0))
        ended = self.mesh.run("request.yml", self.slices())
        assert all(one.code == 0 for one in ended), _failures(ended)
        for pc in self.pcs.values():
            pc.events.wait_for("notice_granted", 1, PATIENCE)
            pc.customer.lock()
            pass_until(pc, "22:00")

    def maintain(self, names: Sequence[str]) -> Work:
        """Launch the job until no PC has work left; return its cost."""
        began, used, everything = time.monotonic(), used_by(os.getpid()), used_by_urgent()
        left, launches = list(names), 0
        while left:
            launches += 1
            assert launches <= MOST_LAUNCHES, (
                f"{len(left)} PCs are not done after {MOST_LAUNCHES} launches: {left}"
            )
            ended = self.mesh.run("maintain.yml", self.slices(left))
            assert all(one.code == 0 for one in ended), _failures(ended)
            done = {host for one in ended for host in _done(one)}
            left = [name for name in left if name not in done]
            if left:
                self.say(
                    f"restarts are under way on {len(left)} of {len(names)} PCs; the job is launched again"
                )
                time.sleep(self.plan.restart_seconds / 4)
        seconds, ours = time.monotonic() - began, used_by(os.getpid()) - used
        return Work(len(names), seconds, ours, used_by_urgent() - everything)

    def kill_nodes(self, count: int, names: Sequence[str], dice: random.Random, told: Told) -> None:
        """Kill this number of nodes from now on, each at the first event of one of its PCs."""
        moments = KILLED_AT if self.plan.mode == "wait" else AT_WORK
        for name in dice.sample(names, min(count, len(names))):
            self._kill_at(name, dice.choice(moments), told)

    def _kill_at(self, name: str, moment: str, told: Told) -> None:
        # The evening has events of these names, too: the customer locks the screen.
        seen = self.pcs[name].events.count(moment)

        def strike() -> None:
            self.pcs[name].events.wait_for(moment, seen + 1, LONGEST_WAVE)
            for node in self.mesh.nodes:
                if name in node.hosts and node.die():
                    told.deaths += 1
                    self.say(f"{node.name} is killed at {moment!r} of {name}")

        threading.Thread(target=strike, name=f"death at {name}", daemon=True).start()

    def check(self) -> None:
        """Check on each PC that each step was done, each restart made once, and the customer asked once."""
        for name, pc in self.pcs.items():
            events = pc.events
            counts = [events.count(what) for what in ("typed", "permit_redeemed", "boot")]
            assert counts == [1, 2, 3], (name, counts, [event.what for event in events.all()])
            assert events.count("accounting_upgraded") in {1, 2}, name
            check_promises(pc)


def _done(ended: Ended) -> list[str]:
    """Return the PCs of a slice on which the role came to the end of its work."""
    summaries = {host: result["ansible_facts"]["maintenance_summary"] for host, result in ended.of(SUMMARY)}
    return [host for host, summary in summaries.items() if not summary["restarting"]]


def _failures(ended: Sequence[Ended]) -> list[str]:
    return [
        f"{one.piece.name}, {host}, {task}: {result.get('msg')}"
        for one in ended
        for host, task, result in one.tasks
        if result.get("failed")
    ]


def write_project(folder: Path, mode: str) -> None:
    """Write the operator's project: two playbooks and the steps' files."""
    role = {
        "name": "Work on the PCs",
        "ansible.builtin.include_role": {"name": "latchkey.consent.maintenance"},
    }
    entry = {"begin": "resume", "wait": "main"}[mode]
    written(folder / "request.yml", [_play(_from(role, "start"), _from(role, "request"))])
    written(folder / "maintain.yml", [_play(_from(role, entry))])
    written(folder / "updates.yml", [program("updates", "install")])
    written(folder / "inventory.yml", [program("hostname", "")])
    written(folder / "accounting.yml", [program("accounting", "upgrade")])


def _from(role: Task, entry: str) -> Task:
    return {
        **role,
        "ansible.builtin.include_role": {**role["ansible.builtin.include_role"], "tasks_from": entry},
    }


def _play(*tasks: Task) -> dict[str, Any]:
    return {"hosts": "all", "gather_facts": False, "strategy": "ansible.builtin.free", "tasks": list(tasks)}


@contextmanager
def wave(folder: Path, count: int, plan: Plan, say: Callable[[str], None]) -> Iterator[Wave]:
    """Switch on the PCs of a wave; all end with the context."""
    with bench(folder / "pcs", count, script=[Grant()], restart_seconds=plan.restart_seconds) as operator:
        pcs = {name: computer(operator, name) for name in operator.computers}
        nodes = [Node(f"node {number + 1}", folder / f"node{number + 1}") for number in range(plan.workers)]
        variables = {**VARIABLES, "maintenance_restart_mode": plan.mode}
        project = folder / "project"
        write_project(project, plan.mode)
        try:
            yield Wave(pcs, Mesh(folder / "mesh", project, nodes, variables, say, plan.forks), plan, say)
        finally:
            for node in nodes:
                node.die()


def play(folder: Path, plan: Plan, dice: random.Random, say: Callable[[str], None]) -> Told:
    """Play the night of the whole fleet; return its costs."""
    told = Told()
    sizes = waves(plan)
    for number, size in enumerate(sizes, 1):
        say(f"wave {number} of {len(sizes)}: {size} PCs are switched on")
        place = folder / f"wave{number}"
        with wave(place, size, plan, say) as running:
            say(f"wave {number}: the customers are asked")
            running.ask()
            names = list(running.pcs)
            running.kill_nodes(plan.kills, names, dice, told)
            told.waves.append(running.maintain(names))
            assert told.deaths >= number * min(plan.kills, size), (
                f"{told.deaths} nodes were killed, {number * plan.kills} should have been"
            )
            running.check()
        # The journals and logs of a thousand PCs would fill the disk.
        shutil.rmtree(place)
        say(f"wave {number}: done and checked; {sum(sizes[:number])} of {plan.pcs} PCs")
    return told


def waves(plan: Plan) -> list[int]:
    """Return the number of PCs in each wave: first a hundred if the fleet is larger, then as many as fit."""
    first = min(plan.wave, plan.pcs, FEW)
    return [first, *(min(plan.wave, plan.pcs - done) for done in range(first, plan.pcs, plan.wave))]


def compare(folder: Path, workers: int, say: Callable[[str], None]) -> Compared:
    """Maintain one small slice on one node, then one on each of these nodes at once; return the costs."""
    count = (1 + workers) * COMPARED
    plan = Plan(count, workers, COMPARED, count, forks=COMPARED, kills=0, restart_seconds=COMPARED_OUTAGE)
    with wave(folder, count, plan, say) as running:
        say(f"{count} customers are asked")
        running.ask()
        names = list(running.pcs)
        compared = Compared(running.maintain(names[:COMPARED]), running.maintain(names[COMPARED:]))
        running.check()
    return compared
