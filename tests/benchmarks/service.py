# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The delivered agent under Wine: its package, its installation, and its idle service."""

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
"""The imports of every service in Python, and of the lab's part of this one."""
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
"""A program that measures the service's start: net.exe under Wine does not wait for it."""


def measure(folder: Path) -> list[Figure]:
    """Make the package, install it, start its service and let it idle; return no figure without Wine."""
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
    """Compare the service's start with a Python that has only the common imports."""
    start = START.format(service=names.SERVICE)
    # In turn, so that the computer's other load affects both.
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
    """Measure the service's writable memory: Windows shares program code, but Wine copies it."""
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
    """Count the wake-ups of the service's threads in an idle minute."""
    process = _service(office)
    # By then the service has stored the installer's settings.
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
