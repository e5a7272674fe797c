# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on a whole Wine PC: Wine itself with the agent's service, and the listeners in front of it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from agent.packaging.installer import HOST
from agent.packaging.workshop import WorkError
from lab.computer import LabError
from lab.simulated.listeners import Listeners
from lab.simulated.services import Services

from .host import WineHost, wine_host
from .pc import PACKAGED_RUN

if TYPE_CHECKING:
    import signal

    from lab.simulated.machine import Machine

    from .installed import InstalledPC

PROGRAMS = ("updates", "accounting", "hostname")


class WineListeners(Listeners):
    """The listeners of a simulated PC, with Wine's disk and programs behind them."""

    def _host(self) -> WineHost:
        machine = self._machine
        host = str(machine.drive() / "Program Files" / "Latchkey" / HOST)
        seconds = str(machine.settings.updates_seconds)
        run = ("wine", host, "-I", "-B", PACKAGED_RUN, "lab.wine.guest.programs")
        programs = {rf"C:\Lab\{name}.exe": (*run, name, seconds) for name in PROGRAMS}
        return wine_host(machine.disk, {machine.operator.account.user: self._operator_password}, programs)


class WineServices(Services):
    """Starts and ends Wine and the listeners. Runs on the lab's loop."""

    def __init__(self, machine: Machine, listeners: WineListeners, pc: InstalledPC) -> None:
        super().__init__(machine, listeners)
        self._pc = pc

    async def start(self) -> None:
        """Start all services; returns when all answer."""
        if self._machine.faults.agent_stays_down:
            msg = (
                "agent_stays_down cannot be played on a Wine PC: its service manager starts what is installed"
            )
            raise LabError(msg)
        await super().start()

    async def start_agent(self) -> None:
        """Boot Wine, which starts the service."""
        booting = asyncio.create_task(asyncio.to_thread(self._pc.power_on))
        try:
            await asyncio.shield(booting)
        except asyncio.CancelledError:
            # The power went meanwhile: nothing of it may outlive the PC.
            with suppress(WorkError):
                await booting
            self._pc.cut_power()
            raise

    async def kill_agent(self) -> None:
        """Refuse: Wine does not start a service again that has died."""
        msg = "the agent alone cannot crash on a Wine PC: its service manager would not notice"
        raise LabError(msg)

    def kill(self) -> None:
        """Kill everything that runs on the PC; returns when it is gone."""
        super().kill()
        self._pc.cut_power()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to everything that runs."""
        super().signal(number)
        self._pc.signal(number)

    async def _stop_agent(self) -> None:
        await asyncio.to_thread(self._pc.stop_service)

    async def _switch_off(self) -> None:
        # In good order, so that the registry is saved; first what could start a program again.
        Services.kill(self)
        await asyncio.to_thread(self._pc.power_off)
        await self.reap()
