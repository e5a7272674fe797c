# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays many scenes in one run of ansible-playbook: each host has its own PC, its own tasks, and acts between them.

An act is a function that changes the PC (fills its disk, sets its clock) while the play runs. The play waits for it: a
task on the operator's own computer requests the act through one pipe and reads its completion from another. So later
tasks run after the act, and no test has to wait for a time.
"""

from __future__ import annotations

import os
import shlex
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lab.canary import make
from lab.simulated.connections import CONNECTIONS
from lab.simulated.simulated_pc import SimulatedComputer
from tests.lab.job import Job, Operator, Task
from tests.lab.kinds import patience, pc
from tests.lab.provoked import error_code, provokes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from _pytest.mark.structures import ParameterSet

Act = Callable[[SimulatedComputer], object]


class Fails(NamedTuple):
    """A task that must fail with this code; the play continues."""

    task: Task
    code: str


Step = Task | Fails | Act


@dataclass(frozen=True)
class Scene:
    """The scene of one host. `on` names another scene whose PC it uses.

    `connection` is the operator's connection, a name of `connections.CONNECTIONS`; empty: the PC's default.
    """

    fact: str
    steps: Sequence[Step]
    settings: dict[str, Any] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    on: str = ""
    connection: str = ""

    @property
    def codes(self) -> list[str]:
        """Every error code that the scene provokes."""
        return [step.code for step in self.steps if isinstance(step, Fails)]

    @property
    def ends(self) -> list[tuple[str, str | None]]:
        """The expected status and error code of each step."""
        return [("ignored", step.code) if isinstance(step, Fails) else ("ok", None) for step in self.steps]


@dataclass
class Played:
    """The results of one run."""

    job: Job
    computers: dict[str, SimulatedComputer]

    def ends(self, host: str) -> list[tuple[str, str | None]]:
        """Return the status and error code of each step of a scene."""
        _include, *results = self.job.results("", host)
        return [(result["status"], error_code(result)) for result in results]


def when(name: str, count: int = 1) -> Act:
    """Return the act that waits until an event has happened `count` times."""
    return lambda computer: computer.events.wait_for(name, count, patience(120))


def each(scenes: Mapping[str, Scene]) -> list[ParameterSet]:
    """Return a test's parameters: the scenes' names, each with the codes that it provokes."""
    return [pytest.param(name, marks=provokes(*scene.codes)) for name, scene in scenes.items()]


@contextmanager
def played(folder: Path, scenes: Mapping[str, Scene]) -> Iterator[Played]:
    """Play all scenes in one job, each at its own pace; the PCs run until the end of the context."""
    with ExitStack() as stack:
        computers: dict[str, SimulatedComputer] = {}
        for name, scene in scenes.items():
            own = pc(folder / name, **_settings(scene)) if not scene.on else None
            computers[name] = stack.enter_context(own) if own else computers[scene.on]
        operator = Operator(folder / "operator", computers)
        stack.callback(operator.stop)
        for name, scene in scenes.items():
            lab_pc = stack.enter_context(_tasks(folder / f"{name}.acts", scene, computers[name]))
            operator.write(f"{name}.yml", lab_pc)
            steps = str(operator.folder / f"{name}.yml")
            host_variables = computers[name].inventory(scene.connection) if scene.connection else {}
            operator.host_variables[name] = {**host_variables, **scene.variables, "steps": steps}
        include = {"name": "include", "ansible.builtin.include_tasks": "{{ steps }}"}
        job = operator.begin(
            [{"hosts": "all", "gather_facts": False, "strategy": "free", "tasks": [include]}]
        )
        job.wait()
        yield Played(job, computers)


def _settings(scene: Scene) -> dict[str, Any]:
    listening = {"listeners": (CONNECTIONS[scene.connection].listener,)} if scene.connection else {}
    return {"password": make(), **listening, **scene.settings}


@contextmanager
def _tasks(folder: Path, scene: Scene, computer: SimulatedComputer) -> Iterator[list[Task]]:
    """Yield a scene's tasks, and perform its acts on request."""
    folder.mkdir()
    acts = [step for step in scene.steps if callable(step)]
    pipes = [(folder / f"{number}.asked", folder / f"{number}.done") for number in range(len(acts))]
    for pipe in (pipe for pair in pipes for pipe in pair):
        os.mkfifo(pipe)
    for act, pair in zip(acts, pipes, strict=True):
        threading.Thread(target=_perform, args=(act, computer, *pair), daemon=True).start()
    left = iter(pipes)
    try:
        yield [_act(*next(left)) if callable(step) else _task(step) for step in scene.steps]
    finally:
        # Release the threads that wait for tasks which never ran.
        for pipe in (pipe for pair in pipes for pipe in pair):
            os.close(os.open(pipe, os.O_RDWR))


def _perform(act: Act, computer: SimulatedComputer, asked: Path, done: Path) -> None:
    if not asked.read_bytes():
        return
    try:
        act(computer)
        outcome = "done"
    except Exception as fault:  # noqa: BLE001 - the play's result reports any error
        outcome = f"failed: {fault!r}"
    with suppress(OSError):
        done.write_text(outcome, encoding="utf-8")


def _act(asked: Path, done: Path) -> Task:
    ask = f"echo now > {shlex.quote(str(asked))}; read -r result < {shlex.quote(str(done))}"
    return {
        "name": "act",
        "ansible.builtin.raw": f'{ask}; echo "$result"; test "$result" = done',
        "delegate_to": "localhost",
    }


def _task(step: Task | Fails) -> Task:
    return {**step.task, "ignore_errors": True} if isinstance(step, Fails) else step
