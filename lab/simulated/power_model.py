# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power, boots and restarts of a simulated PC. Runs on the lab's loop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

from lab.computer import LabError
from lab.simulated import codes
from lab.simulated.windows_model import WindowsError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from lab.simulated.machine import Machine
    from lab.simulated.pc_services import Services

State = Literal["off", "starting", "on", "going_down", "restarting", "halted", "frozen"]


class Power:
    """The PC's power state, and everything that changes it."""

    def __init__(self, machine: Machine, services: Services) -> None:
        self._machine = machine
        self._services = services
        self._change: asyncio.Task[None] | None = None
        self._scheduled_by_agent: bool | None = None
        self._ending = asyncio.Lock()
        self.state: State = "off"
        self.boots = 0
        self.up = asyncio.Event()
        self.on_boot: list[Callable[[], None]] = []
        machine.on_event.append(self._cut_at)

    # --- by the power button ------------------------------------------------------

    async def on(self) -> None:
        """Start to boot as soon as every process of the last boot is gone."""
        # Otherwise ending the last boot would also kill parts of the new one.
        async with self._ending:
            if self.state not in {"off", "halted"}:
                msg = f"{self._machine.settings.name} is not off, it is {self.state}"
                raise LabError(msg)
            self.state = "starting"
            self._begin(self._boot(), "boot")

    async def cut(self) -> None:
        """Kill every process at once."""
        self._kill()
        self._machine.record("pc", "power_cut", "The power is cut.")
        await self.scrap()

    async def scrap(self) -> None:
        """Kill every process without an event: the lab has finished with this PC, or its power is gone."""
        self._kill()
        async with self._ending:
            self.state = "off"
            self.up.clear()
            await self._forget()

    async def shut_down(self) -> None:
        """Shut down in an orderly way."""
        await self._stop_change()
        await self._go_down()
        self.state = "off"

    def freeze(self) -> None:
        """Stop every process; the PC accepts connections and answers none."""
        self._services.signal(signal.SIGSTOP)
        self.state = "frozen"
        self._machine.record("pc", "frozen", "The PC hangs: it accepts connections and answers none.")

    def thaw(self) -> None:
        """Let a frozen PC continue."""
        self._services.signal(signal.SIGCONT)
        self.state = "on"
        self._machine.record("pc", "thawed", "The PC continues.")

    # --- by Windows ---------------------------------------------------------------

    def restart(self, *, message: str, grace: float, by_agent: bool) -> None:
        """Schedule a restart, as InitiateShutdownW does without SHUTDOWN_FORCE_OTHERS.

        Asking twice for one's own restart changes nothing.

        Raises:
            WindowsError: Windows refuses, or another party's restart is already scheduled.
        """
        if by_agent and self._scheduled_by_agent:
            return
        self._refuse_restart()
        self._scheduled_by_agent = by_agent
        who = "The consent agent" if by_agent else "Windows Update"
        text = f"{who} restarts this PC in {grace:g} s" + (f": {message}" if message else "")
        self._begin(self._restart(grace), "restart")
        self._machine.record("customer", "restart_announced", text)

    @property
    def restart_begun(self) -> bool:
        """Whether a restart that the agent started is under way."""
        return self._scheduled_by_agent is True

    def _refuse_restart(self) -> None:
        if self._machine.faults.restart_refused:
            raise WindowsError(5, self._machine.faults.restart_refused)
        if self._scheduled_by_agent is not None:
            code = codes.ERROR_SHUTDOWN_IS_SCHEDULED
            raise WindowsError(code, "A restart has already been scheduled.")
        if self.state != "on":
            code = codes.ERROR_SHUTDOWN_IN_PROGRESS
            raise WindowsError(code, "A shutdown is in progress.")
        if self._machine.windows.others_signed_in():
            code = codes.ERROR_SHUTDOWN_USERS_LOGGED_ON
            raise WindowsError(code, "Another user is signed in on this PC.")

    async def _restart(self, grace: float) -> None:
        await asyncio.sleep(grace)
        faults = self._machine.faults
        if faults.never_goes_down:
            self._scheduled_by_agent = None
            self._machine.record("pc", "not_going_down", "A program blocks the restart.")
            return
        if faults.hangs_on_restart:
            self.freeze()
            return
        await self._go_down()
        if faults.never_comes_back:
            self.state = "halted"
            self._machine.record("pc", "halted", "The PC waits at the BitLocker prompt.")
            return
        await self._come_back()
        if faults.restarts_twice:
            faults.restarts_twice = False
            await self._go_down()
            await self._come_back()

    async def _come_back(self) -> None:
        self.state = "restarting"
        await asyncio.sleep(self._machine.settings.restart_seconds)
        await self._boot()

    async def _boot(self) -> None:
        machine = self._machine
        self.state = "starting"
        self.boots += 1
        self._scheduled_by_agent = None
        machine.windows.boot()
        for service in machine.ready.values():
            service.clear()
        machine.running = True
        machine.record("pc", "boot", f"Boot {self.boots}.")
        for listener in self.on_boot:
            listener()
        await asyncio.sleep(machine.settings.boot_seconds)
        await self._services.start()
        self.state = "on"
        self.up.set()
        machine.record("pc", "up", "The PC is up; no user is signed in yet.")

    async def _go_down(self) -> None:
        machine = self._machine
        self.state = "going_down"
        machine.running = False
        self.up.clear()
        machine.record("pc", "going_down", "Windows shuts down.")
        for session in machine.windows.sessions.all():
            machine.windows.sessions.sign_out(session.id)
        await machine.boot_tasks.cancel()
        await self._services.stop(machine.settings.shutdown_seconds)
        machine.record("pc", "down", "The PC is down.")

    # --- running changes ------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._change = self._machine.tasks.follow(work, name)

    async def _stop_change(self) -> None:
        change, self._change = self._change, None
        if change is not None and change is not asyncio.current_task():
            change.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.wait([change])

    async def _forget(self) -> None:
        await self._stop_change()
        await self._machine.boot_tasks.cancel()
        # A process may have been forked at the moment of the power cut.
        self._services.kill()
        await self._services.reap()
        self._scheduled_by_agent = None

    def _kill(self) -> None:
        self._machine.running = False
        self._services.kill()

    def _cut_at(self, what: str) -> None:
        if self._machine.faults.cut_power_at != what:
            return
        self._machine.faults.cut_power_at = ""
        # The kill itself must not wait: the code that recorded the event continues at once.
        self._kill()
        self._machine.tasks.start(self.cut(), "power-cut")
