# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a simulated PC, each a process: the agent and the listeners."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.computer import LabError
from lab.simulated import agent_host, listener_host, processes

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.simulated.connections import ListenerName
    from lab.simulated.listeners import Listeners
    from lab.simulated.machine import Machine
    from lab.simulated.processes import PcProcess

START_SECONDS = 60.0
SETTINGS_FILE = "settings.toml"


class Services:
    """Starts and ends the processes of one PC. Runs on the lab's loop."""

    def __init__(self, machine: Machine, listeners: Listeners) -> None:
        self._machine = machine
        self.listeners = listeners
        self._running: dict[str, PcProcess] = {}
        self._killed: list[PcProcess] = []
        self.notify: Callable[[str], None]

    @property
    def agent_pid(self) -> int | None:
        """The agent's process id, if it runs."""
        agent = self._running.get("agent")
        return agent.pid if agent else None

    async def start(self) -> None:
        """Start all services; returns when all answer."""
        await self.reap()
        starts = [self._start_listener(name) for name in self.listeners.names]
        names: list[str] = [*self.listeners.names]
        if not self._machine.faults.agent_stays_down:
            starts.append(self._start_agent_late())
            names.append("agent")
        # With return_exceptions even a cancelled start ends only after every fork has finished.
        ends = await asyncio.gather(*starts, return_exceptions=True)
        for fault in ends:
            if fault is not None:
                raise fault
        for name in names:
            await self.wait_ready(name)

    async def wait_ready(self, name: str) -> None:
        """Wait until a service answers; raises LabError if it does not."""
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._machine.ready[name].wait()
        except TimeoutError:
            msg = f"the {name} of {self._machine.settings.name} did not start; see {self._log(name)}"
            raise LabError(msg) from None

    async def start_agent(self) -> None:
        """Start the agent's process."""
        machine = self._machine
        folder = machine.drive() / "ProgramData" / "Latchkey"
        config = agent_host.AgentConfig(
            device=machine.windows.device,
            pipes=str(machine.pipes),
            folder=str(folder),
            settings_file=str(folder / SETTINGS_FILE),
            anchor=str(machine.disk / "registry" / "anchor"),
            counter=str(machine.disk.parent / "tpm-counter"),
            log=str(self._log("agent")),
            protocol=machine.settings.agent_protocol,
        )
        await self._spawn("agent", agent_host.run, config)

    async def _start_agent_late(self) -> None:
        await asyncio.sleep(self._machine.settings.agent_start_delay)
        await self.start_agent()

    async def _start_listener(self, name: ListenerName) -> None:
        await asyncio.sleep(self._machine.settings.listener_start_delay)
        await self._spawn(name, listener_host.run, self.listeners.config(name))

    def _log(self, name: str) -> Path:
        return self._machine.disk.parent / f"{name}.log"

    async def _spawn(self, name: str, target: Callable[[Any], None], config: object) -> None:
        title = f"{self._machine.settings.name} {name}"
        forking = asyncio.create_task(asyncio.to_thread(processes.start, title, target, config))
        try:
            self._running[name] = await asyncio.shield(forking)
        except asyncio.CancelledError:
            # The power was cut during the fork: the process must not outlive the PC.
            process = await forking
            process.signal(signal.SIGKILL)
            self._killed.append(process)
            raise

    # --- ends -------------------------------------------------------------------------

    def kill(self) -> None:
        """Kill all services and all programs that they started; return at once."""
        self._killed += self._running.values()
        self._running.clear()
        self.signal_killed()

    def signal_killed(self) -> None:
        """Repeat the kill for every killed process whose end is not confirmed."""
        for process in self._killed:
            process.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every running service."""
        for process in self._running.values():
            process.signal(number)

    async def kill_agent(self) -> None:
        """Kill only the agent."""
        agent = self._running.pop("agent", None)
        if agent is not None:
            agent.signal(signal.SIGKILL)
            self._killed.append(agent)
            await self.reap()

    async def revive_agent(self) -> None:
        """Start the agent again, as the service manager does after a service has crashed."""
        await self.start_agent()

    async def stop(self, within: float) -> None:
        """End all services in an orderly way; kill those that still run after `within` seconds."""
        agent_first = self._machine.settings.agent_stops_first
        if agent_first:
            await self._stop_agent()
            await asyncio.sleep(agent_first)
        for name, process in self._running.items():
            if name != "agent":
                process.signal(signal.SIGTERM)
        ends = [asyncio.to_thread(process.join, within) for process in self._running.values()]
        last = [] if agent_first else [self._stop_agent()]
        await asyncio.gather(*last, *ends)
        await self._switch_off()

    async def _stop_agent(self) -> None:
        self.notify("shutdown")

    async def _switch_off(self) -> None:
        self.kill()
        await self.reap()

    async def reap(self) -> None:
        """Wait until every killed process is gone."""
        killed, self._killed = self._killed, []
        for process in killed:
            process.signal(signal.SIGKILL)
            if not await asyncio.to_thread(process.join, 10.0):
                self._killed.append(process)
                msg = f"process {process.pid} of {self._machine.settings.name} does not end"
                raise LabError(msg)

    def close(self) -> None:
        """Release the ports."""
        self.listeners.close()
