# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The start of every benchmark: PCs, their customers, and an operator with both collections."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab.simulated.pc_settings import Settings
from lab.simulated.programs.windows_scripts import PROGRAMS, STAND_INS
from lab.simulated.simulated_pc import SimulatedComputer
from tests.ansible_windows import COLLECTIONS
from tests.lab.job import ROOT, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.job import Job

AT_ONCE = 8
"""The number of PCs that are switched on or off at the same time."""


@contextmanager
def bench(folder: Path, count: int = 1, *, forks: int = 50, **settings: Any) -> Iterator[Operator]:
    """Switch on this number of PCs, each with its own customer; all end with the context."""
    chosen = Settings(**{"programs": PROGRAMS, "stand_ins": STAND_INS, **settings})
    started: dict[str, SimulatedComputer] = {}

    def start(name: str) -> None:
        started[name] = SimulatedComputer(folder / name, chosen).__enter__()

    names = [f"pc{number}" for number in range(1, count + 1)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            list(pool.map(start, names))
            with _operator(folder, {name: started[name] for name in names}, forks) as operator:
                yield operator
        finally:
            list(pool.map(_end, started.values()))


@contextmanager
def _operator(folder: Path, computers: dict[str, SimulatedComputer], forks: int) -> Iterator[Operator]:
    collections = f"{ROOT / 'build/collections'}:{COLLECTIONS}"
    environment = {"ANSIBLE_FORKS": str(forks), "ANSIBLE_COLLECTIONS_PATH": collections}
    operator = Operator(folder / "operator", computers, environment=environment)
    try:
        yield operator
    finally:
        operator.stop()


def _end(computer: SimulatedComputer) -> None:
    computer.__exit__(None, None, None)


def computer(operator: Operator, name: str = "pc1") -> SimulatedComputer:
    """Return one of the operator's PCs."""
    found = operator.computers[name]
    assert isinstance(found, SimulatedComputer)
    return found


def moments(job: Job, task: str, host: str = "pc1") -> list[tuple[float, float]]:
    """Return the start and end, in seconds since 1970, of each task whose name starts with `task`."""
    entries = [e for e in job.records() if e["host"] == host and e["task"].startswith(task)]
    begins = [e["at"] for e in entries if e["status"] == "started"]
    ends = [e["at"] for e in entries if e["status"] == "ok"]
    return list(zip(begins, ends, strict=True))
