# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows Update on a simulated PC: what is offered, what waits for a restart, what a restart ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.loop import Tasks
from lab.simulated.offered_update import Update
from lab.simulated.pc_settings import Settings
from lab.simulated.update_agent import UpdateAgent
from lab.simulated.windows_calls import SearchUpdates
from lab.simulated.windows_model import PcClock, Registry, WindowsError

if TYPE_CHECKING:
    from collections.abc import Callable

SECURITY = Update("Cumulative update", "5031001", seconds=0.0)
DRIVER = Update("Driver", "5031003", ("Drivers",), seconds=0.0, needs_restart=False)
LONG = Update("Long update", "5031004", seconds=60.0)


def fail(text: str) -> None:
    """End the test: something failed in the lab itself."""
    raise AssertionError(text)


@dataclass
class PC:
    """As much of a `Machine` as Windows Update uses."""

    settings: Settings
    windows: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(registry=Registry(), clock=PcClock("UTC"))
    )
    boot_tasks: Tasks = field(default_factory=lambda: Tasks(fail))
    on_going_down: list[Callable[[], None]] = field(default_factory=list)

    def record(self, lane: str, what: str, text: str) -> None:
        """Take an event."""

    def need_restart(self, reason: str) -> None:
        """Let Windows wait for a restart."""
        self.windows.registry.pending_restart.append(reason)

    async def restart(self, agent: UpdateAgent) -> None:
        """Go down and come up again."""
        for listener in self.on_going_down:
            listener()
        await self.boot_tasks.cancel()
        self.windows.registry = Registry()
        agent.boot()


def updates(*offered: Update) -> tuple[PC, UpdateAgent]:
    """Return a PC to which these updates are offered."""
    machine = PC(Settings(updates=offered, no_pipe_seconds=0.0))
    return machine, UpdateAgent(machine)  # type: ignore[arg-type] # it uses no more of a machine


def search(**asked: Any) -> SearchUpdates:
    """Return a call that installs every update, except as asked."""
    usual: dict[str, Any] = {"categories": ["*"], "accept": [], "reject": [], "until": "installed"}
    return SearchUpdates(**{**usual, **asked})


async def run(agent: UpdateAgent, call: SearchUpdates) -> dict[str, dict[str, Any]]:
    """Return the last line of each kind that the process writes up to its end."""
    pipe = agent.search(call)
    lines: dict[str, dict[str, Any]] = {}
    while "exit" not in lines:
        lines |= {line["task"]: line["result"] for line in await agent.read(pipe)}
    agent.cancel(pipe)
    return lines


def titles(lines: dict[str, dict[str, Any]]) -> set[str]:
    """Return the titles of the updates that a search has found and not filtered."""
    found = lines["search_result"]
    left_out = {one["id"] for one in found["filtered"]}
    return {one["title"] for one in found["updates"] if one["id"] not in left_out}


def test_an_update_waits_for_its_restart() -> None:
    """Its installation asks for a restart; while it waits, others are refused; after the restart it is installed."""

    async def play() -> None:
        machine, agent = updates(SECURITY, DRIVER)
        first = await run(agent, search(categories=["Security Updates"]))
        assert titles(first) == {SECURITY.title}
        assert first["exit"] == {"changed": True, "failed": False, "reboot_required": True, "exception": None}
        refused = await run(agent, search())
        assert (titles(refused), refused["exit"]["failed"]) == ({DRIVER.title}, True)
        await machine.restart(agent)
        last = await run(agent, search())
        assert (titles(last), last["exit"]["reboot_required"]) == ({DRIVER.title}, False)
        assert titles(await run(agent, search())) == set()

    asyncio.run(play())


def test_a_search_filters_and_installs_nothing() -> None:
    """Categories, accepted and rejected names select; check mode and `searched` change nothing."""

    async def play() -> None:
        _, agent = updates(SECURITY, DRIVER)
        assert titles(await run(agent, search(until="searched"))) == {SECURITY.title, DRIVER.title}
        assert titles(await run(agent, search(check=True, accept=["KB5031003"]))) == {DRIVER.title}
        assert titles(await run(agent, search(check=True, reject=["^cumul"]))) == {DRIVER.title}
        assert titles(await run(agent, search(until="searched"))) == {SECURITY.title, DRIVER.title}

    asyncio.run(play())


def test_a_shutdown_ends_an_installation_with_windows_reason() -> None:
    """The reader gets ERROR_SHUTDOWN_IN_PROGRESS and the time of the boot; the restart takes the pipe away."""

    async def play() -> None:
        machine, agent = updates(LONG)
        pipe = agent.search(search())
        assert "exit" not in [line["task"] for line in await agent.read(pipe)]
        for listener in machine.on_going_down:
            listener()
        [line] = await agent.read(pipe)
        assert line["result"]["failed"]
        assert line["result"]["exception"]["hresult"] & 0xFFFFFFFF == 0x8007045B
        booted = line["result"]["exception"]["_is_rebooting_last_boot_time"]
        assert booted == str(machine.windows.clock.boot_file_time())
        await machine.restart(agent)
        with pytest.raises(WindowsError):
            await agent.read(pipe)
        assert titles(await run(agent, search(until="searched"))) == {LONG.title}

    asyncio.run(play())


def test_the_boot_time_is_that_of_the_pc_and_stays_the_same_while_time_passes() -> None:
    """It is a file time: 100 ns since 1601, in the PC's own clock ("FILETIME structure", Microsoft Learn)."""
    clock = PcClock("UTC")
    before = clock.boot_file_time()
    clock.let_pass(clock.now() - clock.booted)
    assert clock.boot_file_time() == before
    assert before // 10_000_000 - 11_644_473_600 == int(
        clock.booted.timestamp() + clock.offset.total_seconds()
    )
