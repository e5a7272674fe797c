# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The services of a whole Wine PC: Wine itself with the agent's service, and the listeners in front of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.packaging.installer import HOST
from agent.packaging.workshop import WorkError
from lab.simulated.listeners import Listeners, environment
from lab.simulated.pc_services import Services

from .installed import ServiceStart
from .wine_host import WineHost, wine_host
from .wine_pc import PACKAGED_RUN

if TYPE_CHECKING:
    import signal
    from collections.abc import Sequence

    from lab.simulated.machine import Machine

    from .installed import InstalledPC

PROGRAMS = ("updates", "accounting", "hostname")


class WineListeners(Listeners):
    """The listeners of a simulated PC, with Wine's disk and programs behind them."""

    def _host(self) -> WineHost:
        machine = self._machine
        host = str(machine.drive() / "Program Files" / "Latchkey" / HOST)
        seconds = str(machine.settings.updates_seconds)
        run = ("wine", host, "-I", "-B", PACKAGED_RUN, "lab.wine.guest.guest_programs")
        programs: dict[str, Sequence[str]] = {
            rf"C:\Lab\{name}.exe": (*run, name, seconds) for name in PROGRAMS
        }
        # A test's own programs are Linux programs; the environment of a Wine PC would break them.
        outside = ["env", *(f"{name}={value}" for name, value in environment().items())]
        brought = {path: (*outside, *command) for path, command in self._more_programs().items()}
        accounts = {machine.operator.account.user: self._operator_password}
        return wine_host(machine.disk, accounts, {**programs, **brought})


class WineServices(Services):
    """Starts and ends Wine and the listeners. Runs on the lab's loop."""

    def __init__(self, machine: Machine, listeners: WineListeners, pc: InstalledPC) -> None:
        super().__init__(machine, listeners)
        self._pc = pc

    @property
    def agent_pid(self) -> int | None:
        """The process id of the agent's service, if it runs."""
        service = self._pc.service()
        return int(service.name) if service else None

    async def start(self) -> None:
        """Start all services; return when all answer."""
        start = self._service_start()
        self._pc.set_service_start(start)
        if start is not ServiceStart.AUTOMATIC:
            # Before the listeners: their first program would boot Wine.
            await self.start_agent()
        await super().start()

    async def start_agent(self) -> None:
        """Boot Wine, which starts the service if that starts automatically."""
        booting = asyncio.create_task(asyncio.to_thread(self._pc.power_on))
        try:
            await asyncio.shield(booting)
        except asyncio.CancelledError:
            # The power was cut meanwhile: no process may outlive the PC.
            with suppress(WorkError):
                await booting
            self._pc.cut_power()
            raise

    def _service_start(self) -> ServiceStart:
        if self._machine.faults.agent_stays_down:
            return ServiceStart.DISABLED
        return ServiceStart.ON_DEMAND if self._machine.settings.agent_start_delay else ServiceStart.AUTOMATIC

    async def _start_agent_late(self) -> None:
        if self._machine.settings.agent_start_delay:
            await asyncio.sleep(self._machine.settings.agent_start_delay)
            await asyncio.to_thread(self._pc.start_service)
        else:
            await self.start_agent()

    async def kill_agent(self) -> None:
        """Kill the service's process; Wine's service manager does not notice."""
        await asyncio.to_thread(self._pc.kill_service)

    async def revive_agent(self) -> None:
        """Start the service again, instead of the service manager."""
        await asyncio.to_thread(self._pc.start_service)

    def kill(self) -> None:
        """Kill every program of the PC; return when all are gone."""
        super().kill()
        self._pc.cut_power()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every running program."""
        super().signal(number)
        self._pc.signal(number)

    async def _stop_agent(self) -> None:
        await asyncio.to_thread(self._pc.stop_service)

    async def _switch_off(self) -> None:
        # In order, so that Wine saves the registry; first the programs that could start others again.
        Services.kill(self)
        await asyncio.to_thread(self._pc.power_off)
        await self.reap()
