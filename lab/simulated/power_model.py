# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power, boots and restarts of a simulated PC. Runs on the lab's loop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from datetime import timedelta
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
        self.signs_on = False
        self.up = asyncio.Event()
        self.on_boot: list[Callable[[], None]] = []
        self._hibernated = False
        self._clock_error = timedelta()
        machine.on_event += [self._cut_at, self._restart_at]

    # --- by the power button ------------------------------------------------------

    async def on(self) -> None:
        """Start to boot as soon as every process of the last boot is gone."""
        # Otherwise ending the last boot would also kill parts of the new one.
        async with self._ending:
            if self.state not in {"off", "halted"}:
                msg = f"{self._machine.settings.name} is not off, it is {self.state}"
                raise LabError(msg)
            self.state = "starting"
            self._begin(self._wake_up() if self._hibernated else self._boot(), "boot")

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
        """Shut down in an orderly way; with fast startup Windows hibernates without its users."""
        await self._stop_change()
        if self._machine.settings.fast_startup:
            await self._hibernate()
        else:
            await self._go_down()
        self.state = "off"

    async def sleep(self, seconds: float, counted: timedelta, *, lock: bool) -> None:
        """Sleep: every process stands still, `counted` passes on the PC, and Windows may ask for a sign-in after it.

        The time since the boot also counts sleep ("GetTickCount64", Microsoft Learn).
        """
        self._services.signal(signal.SIGSTOP)
        self._machine.record("pc", "asleep", "The PC sleeps.")
        await asyncio.sleep(seconds)
        self._machine.windows.clock.let_pass(counted)
        sessions = self._machine.windows.sessions
        if lock and (console := sessions.on_console()) is not None:
            sessions.lock(console.id)
        self._services.signal(signal.SIGCONT)
        self._machine.record("pc", "awake", f"The PC is awake again after {counted}.")
        self._services.notify("clock_changed")

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

    def restart(
        self,
        *,
        message: str,
        grace: float,
        by_agent: bool,
        sign_on: bool = False,
        by: str = "Windows Update",
    ) -> None:
        """Schedule a restart, as InitiateShutdownW does without SHUTDOWN_FORCE_OTHERS.

        Asking twice for one's own restart changes nothing. `by`: who asks, if it is not the agent.

        Raises:
            WindowsError: Windows refuses, or another party's restart is already scheduled.
        """
        if by_agent and self._scheduled_by_agent:
            return
        self._refuse_restart()
        self._scheduled_by_agent = by_agent
        self.signs_on = sign_on
        who = "The consent agent" if by_agent else by
        text = f"{who} restarts this PC in {grace:g} s" + (f": {message}" if message else "")
        self._begin(self._restart(grace), "restart")
        self._machine.record("customer", "restart_announced", text)

    def abort_restart(self) -> None:
        """Take back a restart that waits for the end of its warning, as AbortSystemShutdownW does.

        Raises:
            WindowsError: no restart waits.
        """
        if self._scheduled_by_agent is None or self.state != "on" or self._change is None:
            code = codes.ERROR_NO_SHUTDOWN_IN_PROGRESS
            raise WindowsError(
                code, "Unable to abort the system shutdown because no shutdown was in progress."
            )
        self._change.cancel()
        self._change = self._scheduled_by_agent = None
        self._machine.record("customer", "restart_aborted", "The restart is taken back.")

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
        self._set_clock_wrong()
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
        await self._end_sessions()
        await self._services.stop(self._machine.settings.shutdown_seconds)
        self._machine.record("pc", "down", "The PC is down.")

    def _set_clock_wrong(self) -> None:
        settings = self._machine.settings
        if self.boots > 1 and settings.clock_error:
            self._shift_clock(settings.clock_error)
            self._machine.boot_tasks.start(self._set_clock_right(), "windows-time")

    def _shift_clock(self, error: timedelta) -> None:
        """Let the clock be wrong by this much; a PC that goes down early may not have set it right."""
        self._machine.windows.clock.offset += error - self._clock_error
        self._clock_error = error

    async def _set_clock_right(self) -> None:
        clock = self._machine.windows.clock
        await self.up.wait()
        await asyncio.sleep(self._machine.settings.clock_right_after)
        self._shift_clock(timedelta())
        self._machine.record("pc", "clock_set", f"Windows Time sets the clock to {clock.now().isoformat()}.")
        self._services.notify("clock_changed")

    async def _end_sessions(self) -> None:
        machine = self._machine
        self.state = "going_down"
        machine.running = False
        self.up.clear()
        machine.record("pc", "going_down", "Windows shuts down.")
        for listener in machine.on_going_down:
            listener()
        for session in machine.windows.sessions.all():
            machine.windows.sessions.sign_out(session.id)
        await asyncio.sleep(machine.settings.ending_seconds)
        await machine.boot_tasks.cancel()

    async def _hibernate(self) -> None:
        """Sign everybody out, and keep the services as they are: they are not told and do not end."""
        await self._end_sessions()
        self._scheduled_by_agent = None
        self._hibernated = True
        self._services.signal(signal.SIGSTOP)
        self._machine.record("pc", "down", "The PC is down; the services are hibernated.")

    async def _wake_up(self) -> None:
        """Start from a hibernated Windows: the services continue in the same boot, with a new logon screen."""
        machine = self._machine
        await asyncio.sleep(machine.settings.boot_seconds)
        self._hibernated = False
        machine.running = True
        self._services.signal(signal.SIGCONT)
        for listener in self.on_boot:
            listener()
        self.state = "on"
        self.up.set()
        machine.record("pc", "up", "The PC is up after a fast startup; no user is signed in yet.")

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
        self._hibernated = False
        await self._stop_change()
        await self._machine.boot_tasks.cancel()
        # A process may have been forked at the moment of the power cut.
        self._services.kill()
        await self._services.reap()
        self._scheduled_by_agent = None

    def _kill(self) -> None:
        self._machine.running = False
        self._services.kill()

    def _restart_at(self, what: str) -> None:
        if self._machine.faults.restarts_at == what:
            self._machine.faults.restarts_at = ""
            self._machine.tasks.start(self._restart_once_more(), "update-restart")

    async def _restart_once_more(self) -> None:
        await self.up.wait()
        self.restart(message="Updates", grace=0.0, by_agent=False)

    def _cut_at(self, what: str) -> None:
        if self._machine.faults.cut_power_at != what:
            return
        self._machine.faults.cut_power_at = ""
        # The kill itself must not wait: the code that recorded the event continues at once.
        self._kill()
        self._machine.tasks.start(self.cut(), "power-cut")
