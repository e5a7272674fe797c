# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent as it is delivered: its package, its installation, and its service at rest, under Wine."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING

from agent.packaging import database, product, product_identity, provider_build, system_tools
from lab.wine.wine_package import PackagePC, for_wine
from latchkey_agent.windows import names
from tests.benchmarks.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MEGABYTE = 1e6
PACKAGE = r"C:\package.msi"
PACKAGE_GOAL, MEMORY_GOAL, START_GOAL, WAKE_GOAL = 16.0, 40.0, 0.5, 0.0
SETTLED_SECONDS, IDLE_SECONDS = 5, 60
STARTS = 9
EMPTY = r"import servicemanager, sys; sys.path += ['C:\lab\library']; import asyncio"
"""What every service in Python loads before it does anything, and what the lab's part of this one does."""
START = """
import time, win32service as w
manager = w.OpenSCManager(None, None, w.SC_MANAGER_CONNECT)
service = w.OpenService(manager, "{service}", w.SERVICE_START | w.SERVICE_STOP | w.SERVICE_QUERY_STATUS)
def until(state):
    while w.QueryServiceStatus(service)[1] != state:
        time.sleep(0.01)
w.ControlService(service, w.SERVICE_CONTROL_STOP)
until(w.SERVICE_STOPPED)
began = time.monotonic()
w.StartService(service, None)
until(w.SERVICE_RUNNING)
print(time.monotonic() - began)
"""
"""Says how long the service takes to start: net.exe under Wine does not wait for that."""


def measure(folder: Path) -> list[Figure]:
    """Make the package, install it, start its service and let it rest; nothing where Wine is absent."""
    if lacking := system_tools.missing(system_tools.WINE, system_tools.PACKAGE):
        print(f"left out: the service's figures ({lacking})")
        return []
    folder.mkdir(parents=True)
    laid_out, package = folder / "product", folder / "agent.msi"
    built = _seconds(lambda: _build(laid_out, package))
    size = package.stat().st_size / MEGABYTE
    with PackagePC(folder / "pc") as office:
        office.pc.put(for_wine(package, folder / "office.msi"), PACKAGE)
        installed = _seconds(lambda: _install(office))
        return [
            Figure("agent's package", size, "MB", PACKAGE_GOAL),
            Figure(
                "agent's package, time to make it",
                built,
                "s",
                where="the runtime and the wheels were at hand",
            ),
            Figure(
                "agent's package, time to install it", installed, "s", where="its service answers by then"
            ),
            _start(office),
            _wake_ups(office),
            _memory(office),
        ]


def _build(laid_out: Path, package: Path) -> None:
    product.lay_out(laid_out, product_identity.version(), provider_build.build_provider())
    database.make(package, laid_out, product_identity.version())


def _install(office: PackagePC) -> None:
    assert office.msiexec("/i", PACKAGE) == 0, office.log


def _seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _start(office: PackagePC) -> Figure:
    """Compare the service's start with that of a Python that loads what every such service does."""
    start = START.format(service=names.SERVICE)
    # In turn, so that what else the computer does falls on both.
    pairs = [
        (float(office.python("-c", start).stdout), _seconds(lambda: office.python("-c", EMPTY)))
        for _ in range(STARTS)
    ]
    ours, empty = (statistics.median(times) for times in zip(*pairs, strict=True))
    where = (
        f"{ours:.2f} s from StartService to running, less {empty:.2f} s for a Python with nothing but what every "
        f"service in Python and the lab's part of this one load; medians of {STARTS}"
    )
    return Figure("agent's service, start beyond Wine's own", ours - empty, "s", START_GOAL, where=where)


def _service(office: PackagePC) -> Path:
    """Return the folder below /proc of the service's process."""
    found = office.pc.service()
    assert found, office.log
    return found


def _memory(office: PackagePC) -> Figure:
    """Count what the service writes to: program code is shared on Windows, where Wine copies it."""
    own = everything = 0
    writable = False
    for line in (_service(office) / "smaps").read_text(encoding="utf-8").splitlines():
        first, second, *_ = line.split()
        if not first.endswith(":"):
            writable = "w" in second
        elif first.startswith("Private_"):
            everything += int(second)
            own += int(second) if writable else 0
    where = (
        f"writable memory that no other process shares; {1024 * everything / MEGABYTE:.0f} MB with the program code "
        "that Wine copies into each process and Windows shares between them; Wine's own part is in both"
    )
    return Figure("agent's service, memory", 1024 * own / MEGABYTE, "MB", MEMORY_GOAL, where=where)


def _wake_ups(office: PackagePC) -> Figure:
    """Count how often any thread of the service went to sleep again within a minute of nothing."""
    process = _service(office)
    # What the installer was told is written down by then.
    time.sleep(SETTLED_SECONDS)
    before = _sleeps(process)
    time.sleep(IDLE_SECONDS)
    value = _sleeps(process) - before
    return Figure(f"agent's service, wake-ups in {IDLE_SECONDS} s of nothing", value, "times", WAKE_GOAL)


def _sleeps(process: Path) -> int:
    """Return the voluntary context switches of all threads (proc(5), status)."""
    return sum(
        int(line.split()[1])
        for status in process.glob("task/*/status")
        for line in status.read_text(encoding="ascii").splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )
