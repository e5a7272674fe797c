# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two services of a simulated PC, each a process: the agent and the WinRM listener."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

import latchkey_agent
from lab.computer import LabError
from lab.simulated import agent_host, listener_host, processes
from lab.wsman.host import LocalHost
from lab.wsman.listener import ADDRESS, ListenerConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.simulated.machine import Machine
    from lab.simulated.processes import PcProcess

START_SECONDS = 60.0
AGENT_PROGRAM = r"C:\Program Files\Latchkey\latchkeyctl.exe"
SETTINGS_FILE = "settings.toml"


class Services:
    """Starts and ends the processes of one PC. Runs on the lab's loop."""

    def __init__(self, machine: Machine, operator_password: str) -> None:
        self._machine = machine
        self._operator_password = operator_password
        self._running: dict[str, PcProcess] = {}
        self._killed: list[PcProcess] = []
        self.notify: Callable[[str], None]
        self._port = _reserve_port()
        self.port = int(self._port.getsockname()[1])
        """The listener's port; it stays the same and belongs to this PC alone."""

    @property
    def agent_pid(self) -> int | None:
        """The agent's process id, if it runs."""
        agent = self._running.get("agent")
        return agent.pid if agent else None

    async def start(self) -> None:
        """Start both services; returns when both answer."""
        await self.reap()
        starts = {"listener": self.start_listener}
        if not self._machine.faults.agent_stays_down:
            starts["agent"] = self.start_agent
        await asyncio.gather(*(start() for start in starts.values()))
        for name in starts:
            await self.wait_ready(name)

    async def wait_ready(self, name: str) -> None:
        """Wait until a service answers; raises LabError where it does not."""
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
            log=str(self._log("agent")),
        )
        await self._spawn("agent", agent_host.run, config)

    async def start_listener(self) -> None:
        """Start the WinRM listener's process."""
        machine = self._machine
        host = LocalHost(
            root=machine.disk,
            programs=self._programs(),
            passwords={machine.operator.account.user: self._operator_password},
            environment=_environment(),
            name=machine.windows.device,
        )
        listener = ListenerConfig(
            host=host,
            port=self.port,
            faults=machine.disk.parent / "listener-faults.json",
            request_log=machine.disk.parent / "requests.log",
        )
        config = listener_host.ListenerHostConfig(listener, str(machine.pipes), str(self._log("listener")))
        await self._spawn("listener", listener_host.run, config)

    def _programs(self) -> dict[str, list[str]]:
        windows = str(self._machine.pipe("windows"))
        control = str(self._machine.pipe("control"))
        sid = self._machine.operator.account.sid
        seconds = str(self._machine.settings.updates_seconds)
        run = [sys.executable, "-m"]
        return {
            AGENT_PROGRAM: [*run, "lab.simulated.programs.latchkeyctl", control, sid],
            r"C:\Lab\updates.exe": [*run, "lab.simulated.programs.updates", windows, seconds],
            r"C:\Lab\accounting.exe": [*run, "lab.simulated.programs.accounting", windows, seconds],
            r"C:\Lab\hostname.exe": [*run, "lab.simulated.programs.hostname", windows],
        }

    def _log(self, name: str) -> Path:
        return self._machine.disk.parent / f"{name}.log"

    async def _spawn(self, name: str, target: Callable[[Any], None], config: object) -> None:
        title = f"{self._machine.settings.name} {name}"
        forking = asyncio.create_task(asyncio.to_thread(processes.start, title, target, config))
        try:
            self._running[name] = await asyncio.shield(forking)
        except asyncio.CancelledError:
            # The power went while it was being forked: it must not outlive the PC.
            self._killed.append(await forking)
            self.kill()
            raise

    # --- ends -------------------------------------------------------------------------

    def kill(self) -> None:
        """Kill both with all they started; returns at once."""
        self._killed += self._running.values()
        self._running.clear()
        self.signal_killed()

    def signal_killed(self) -> None:
        """Repeat the kill for whatever was killed but has not been seen to end."""
        for process in self._killed:
            process.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to everything that runs."""
        for process in self._running.values():
            process.signal(number)

    async def kill_agent(self) -> None:
        """Kill the agent alone."""
        agent = self._running.pop("agent", None)
        if agent is not None:
            agent.signal(signal.SIGKILL)
            self._killed.append(agent)
            await self.reap()

    async def stop(self, within: float) -> None:
        """End both in good order; what has not ended after `within` seconds is killed."""
        if (listener := self._running.get("listener")) is not None:
            listener.signal(signal.SIGTERM)
        self.notify("shutdown")
        ends = [asyncio.to_thread(process.join, within) for process in self._running.values()]
        await asyncio.gather(*ends)
        self.kill()
        await self.reap()

    async def reap(self) -> None:
        """Wait until everything that was killed is gone."""
        killed, self._killed = self._killed, []
        for process in killed:
            process.signal(signal.SIGKILL)
            if not await asyncio.to_thread(process.join, 10.0):
                self._killed.append(process)
                msg = f"process {process.pid} of {self._machine.settings.name} does not end"
                raise LabError(msg)

    def close(self) -> None:
        """Give the port back."""
        self._port.close()


def _reserve_port() -> socket.socket:
    # Bound but never listening: while the PC is down the port refuses
    # connections, and no other program can be given it.
    reserved = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind((ADDRESS, 0))
    return reserved


def _environment() -> dict[str, str]:
    """Return the environment of the PC's programs: where Python finds them, and nothing more."""
    places = (
        Path(__file__).parents[2],
        Path(latchkey_agent.__file__).parents[1],
        sysconfig.get_paths()["purelib"],
    )
    return {
        "PYTHONPATH": ":".join(str(place) for place in places),
        "PYTHONDONTWRITEBYTECODE": "1",
        "LC_ALL": "C.UTF-8",
    }
