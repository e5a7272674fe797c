# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that is cancelled, timed out or killed asks nothing more of any PC, whatever its tasks did at that moment.

Each job has one PC for each phase of `credential_request`, `credential_apply` and `agent_package`. It is ended when all
of them have come to their phase. The requests are counted at the PCs.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from lab.canary import make
from lab.simulated.connections import CONNECTIONS
from lab.simulated.customer_script import Grant
from lab.simulated.simulated_pc import pc
from lab.wsman.requestlog import read_log
from tests.lab import installer
from tests.lab.job import Task, apply, play, request, start, wait_for
from tests.lab.runner_jobs import ENDS, RunnerJob
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer

pytestmark = pytest.mark.timeout(300)

LONG = 100
"""Seconds that each task would wait."""
GONE = 2.0
"""Seconds within which each process of an ended job is gone."""
QUIET = 6.0
"""Seconds for which the PCs are watched: a waiting task asks every 2 s, one for Windows Installer every 5 s."""
ON_ITS_WAY = 500_000
"""Bytes of a copy that may still arrive: those of the messages that were on their way."""
LARGE = 400_000_000
"""Bytes of a package that takes longer to copy than the test."""


@dataclass(frozen=True)
class Phase:
    """A moment of a task at which the job ends.

    Attributes:
        tasks: the tasks of its PC; the last one is in this phase.
        has_come: tells from the job and the PC whether the task is in this phase.
        connection: the PC's, a name of `CONNECTIONS`.
        settings: of the PC.
        is_off: whether the PC is switched on only after the job's end.
        stage: the last task begins when the tasks of all earlier stages are in their phase: the later, the shorter.
    """

    tasks: list[Task]
    has_come: Callable[[RunnerJob, SimulatedComputer], object]
    connection: str
    settings: dict[str, Any] = field(default_factory=dict)
    is_off: bool = False
    stage: int = 0


def waits(line: str) -> Callable[[RunnerJob, SimulatedComputer], object]:
    """Return whether the job's output has this line for the PC."""
    return lambda job, computer: f"[{computer.disk.parent.name}] {line}" in job.output


def seen(event: str) -> Callable[[RunnerJob, SimulatedComputer], object]:
    """Return whether this event has happened on the PC."""
    return lambda _job, computer: computer.events.count(event)


def arrived(least: int) -> Callable[[RunnerJob, SimulatedComputer], object]:
    """Return whether more bytes of the package than these have reached the PC."""
    return lambda _job, computer: copied(computer) > least


def copied(computer: SimulatedComputer) -> int:
    """Return the bytes of the package that have reached the PC."""
    return sum(file.stat().st_size for file in computer.operator_folder.rglob("latchkey-agent-*"))


def package(version: str) -> Task:
    """Return the task that installs this version."""
    name = f"{{{{ packages }}}}/latchkey-agent-{version}-x64.msi"
    return {"name": "package", "latchkey.consent.agent_package": {"path": name, "timeout": LONG}}


AWAY = waits("waiting: the connection to the PC")
WINRM, PSRP, HTTPS = "winrm, basic, HTTP", "psrp, negotiate, HTTP", "winrm, basic, HTTPS"
ASKED = [start(), request(timeout=LONG)]
RESTARTED = [*ASKED, apply(timeout=LONG)]
PHASES = {
    "request-to-a-pc-that-is-off": Phase([request(timeout=LONG)], AWAY, WINRM, is_off=True),
    "request-waits-for-the-answer": Phase(ASKED, seen("request_shown"), PSRP),
    "apply-to-a-pc-that-is-off": Phase([apply(timeout=LONG)], AWAY, PSRP, is_off=True),
    "apply-before-the-restart": Phase(
        [start(), request(timeout=LONG, grace=60), apply(timeout=LONG, grace=60)],
        seen("restart_announced"),
        WINRM,
        {"script": [Grant()]},
    ),
    "apply-while-the-pc-is-down": Phase(
        RESTARTED, seen("down"), HTTPS, {"script": [Grant()], "restart_seconds": 8.0}, stage=1
    ),
    "apply-after-the-restart": Phase(
        RESTARTED, seen("tile_shown"), WINRM, {"script": [Grant()], "logon_seconds": 10.0}, stage=1
    ),
    "package-to-a-pc-that-is-off": Phase([package("0.6.0")], AWAY, HTTPS, installer.USUAL, is_off=True),
    "package-is-copied": Phase([package(installer.NEW)], arrived(100_000), WINRM, installer.USUAL, stage=2),
    "package-waits-for-another-installation": Phase(
        [package("1618.0.0")], arrived(len(installer.CONTENT) - 1), PSRP, installer.USUAL
    ),
}


@dataclass
class Ended:
    """A job that was ended while each PC was in its phase. `asked`: the programs started on each PC by then."""

    job: RunnerJob
    computers: dict[str, SimulatedComputer]
    asked: dict[str, int] = field(default_factory=dict)
    copied: int = 0
    left: list[int] = field(default_factory=list)

    def end(self, how: Callable[[RunnerJob], None]) -> None:
        """End the job, note each PC's requests, and switch on the PCs that were off."""
        how(self.job)
        try:
            eventually(lambda: not self.job.processes(), "the job's processes are gone", GONE)
        except AssertionError:
            self.left = self.job.processes()
        self.asked = {name: programs(computer) for name, computer in self.computers.items()}
        self.copied = copied(self.computers["package-is-copied"])
        for name, phase in PHASES.items():
            if phase.is_off:
                self.computers[name].power_on()
        for name, phase in PHASES.items():
            if phase.is_off:
                self.computers[name].wait_until_up()


def programs(computer: SimulatedComputer) -> int:
    """Return how many programs were started on the PC remotely."""
    return sum(entry.operation == "Command" for entry in read_log(computer.request_log))


@pytest.fixture(scope="module", params=ENDS)
def ended(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """End a job in this way while each PC is in its phase."""
    folder = tmp_path_factory.mktemp("ended")
    installer.packages(folder, "0.6.0", "1618.0.0")
    with (folder / f"latchkey-agent-{installer.NEW}-x64.msi").open("wb") as file:
        file.truncate(LARGE)
    with ExitStack() as stack:
        computers = {name: stack.enter_context(_pc(folder / name, phase)) for name, phase in PHASES.items()}
        for name, phase in PHASES.items():
            if phase.is_off:
                computers[name].power_cut()
        hosts = {name: pc.inventory(PHASES[name].connection) for name, pc in computers.items()}
        plays = [play(*_tasks(folder), strategy="free")]
        begin, end = ENDS[request.param]
        job = begin(folder / "job", hosts, plays, packages=str(folder), latchkey_first_contact=LONG)
        stack.callback(job.stop)
        for stage in range(3):
            _gate(folder, stage).touch()
            eventually(partial(_all_wait, job, computers, stage), "all tasks are in their phase", LONG)
        result = Ended(job, computers)
        result.end(end)
        yield result


def _pc(folder: Path, phase: Phase) -> Any:
    return pc(folder, password=make(), listeners=(CONNECTIONS[phase.connection].listener,), **phase.settings)


def _all_wait(job: RunnerJob, computers: dict[str, SimulatedComputer], stage: int) -> bool:
    """Tell whether a task has come to each phase of this stage."""
    assert job.thread.is_alive(), job.output
    wanted = {name: phase for name, phase in PHASES.items() if phase.stage == stage}
    return all(phase.has_come(job, computers[name]) for name, phase in wanted.items())


def _gate(folder: Path, stage: int) -> Path:
    """Return the file for which the tasks of a stage wait."""
    return folder / f"gate{stage}"


def _tasks(folder: Path) -> list[Task]:
    """Return the tasks of all phases; the last one waits for the gate of its stage."""
    return [
        {**task, "when": f"inventory_hostname == '{name}'"}
        for name, phase in PHASES.items()
        for task in [
            *phase.tasks[:-1],
            *([wait_for(_gate(folder, phase.stage))] if phase.stage else []),
            phase.tasks[-1],
        ]
    ]


def test_no_process_of_an_ended_job_is_left(ended: Ended) -> None:
    """Two seconds after its end no worker is left, nor a program that a worker has started."""
    assert ended.left == []


def test_an_ended_job_asks_nothing_more_of_any_pc(ended: Ended) -> None:
    """No program is started on a PC after the end, also on those that were off and are on again."""
    time.sleep(QUIET)
    assert {name: programs(one) for name, one in ended.computers.items()} == ended.asked
    late = copied(ended.computers["package-is-copied"]) - ended.copied
    assert late <= ON_ITS_WAY
    assert ended.copied < LARGE - ON_ITS_WAY


@pytest.mark.parametrize("name", [name for name, phase in PHASES.items() if phase.is_off])
def test_nothing_has_begun_on_a_pc_that_was_off(ended: Ended, name: str) -> None:
    """Neither a request nor a restart nor an installation reaches a PC that is switched on after the end."""
    assert ended.asked[name] == 0
    assert ended.computers[name].events.count("boot") <= 2
    assert not ended.computers[name].events.count("request_shown")
