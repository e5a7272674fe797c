# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP requests and bytes of one module call, counted by the PC's WinRM listener."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lab.wsman.requestlog import read_log
from tests.benchmarks.figures import Figure
from tests.benchmarks.operator_bench import bench, computer
from tests.lab.job import start, task

if TYPE_CHECKING:
    from pathlib import Path

    from lab.wsman.requestlog import Entry
    from tests.lab.job import Operator, Task

REQUESTS, KILOBYTES = 6, 8.0
SAMPLES = 3
RAW = {"name": "raw", "ansible.builtin.raw": "& 'C:\\Lab\\hostname.exe' ''"}
MODULE = {"name": "win_ping", "ansible.windows.win_ping": {}}


def measure(folder: Path) -> list[Figure]:
    """Count the requests and bytes of a job's first call; each task of a job is such a call."""
    with bench(folder) as operator:
        operator.run(start()).succeed()
        ours = _sent(operator, task("session_checkpoint", step="Updates", state="done"))
        raw, module = (_sent(operator, one) for one in (RAW, MODULE))
    others = {"raw": raw, "a PowerShell module": module}
    requests = {name: float(len(entries)) for name, entries in others.items()}
    sizes = {name: _kilobytes(entries) for name, entries in others.items()}
    beyond = _kilobytes(ours) - sizes["raw"]
    where = f"{_where(ours)}; {beyond:.1f} kB beyond what raw needs to run nothing but a program"
    return [
        Figure("HTTP requests of a module call", len(ours), "requests", REQUESTS, requests, where),
        Figure("bytes of a module call", _kilobytes(ours), "kB", KILOBYTES, sizes, where),
    ]


def _sent(operator: Operator, one: Task) -> list[Entry]:
    """Return the fewest requests of some calls: a busy PC may answer in two pieces."""
    return min((_once(operator, one) for _ in range(SAMPLES)), key=_kilobytes)


def _once(operator: Operator, one: Task) -> list[Entry]:
    log = computer(operator).request_log
    before = len(read_log(log))
    operator.run(one).succeed()
    return read_log(log)[before:]


def _kilobytes(entries: list[Entry]) -> float:
    return sum(entry.received + entry.sent for entry in entries) / 1000


def _where(entries: list[Entry]) -> str:
    sizes: Counter[str] = Counter()
    for entry in entries:
        sizes[entry.operation] += entry.received + entry.sent
    return ", ".join(f"{name} {size / 1000:.1f} kB" for name, size in sizes.items())
