# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Incidents on a PC of the lab, besides its customer's acts and its fault switches."""

from __future__ import annotations

import resource
import secrets
from typing import TYPE_CHECKING

from lab.simulated.keys import MachineKeys
from lab.simulated.loop import lab_loop
from latchkey_agent.ports import RENAME

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from lab.simulated.machine import Machine
    from lab.simulated.pc_services import Services
    from lab.simulated.power_model import Power
    from lab.simulated.windows_model import Windows
    from lab.simulated.windows_server import PortServer


class Incidents:
    """The incidents of a `SimulatedComputer`, which inherits this class."""

    windows: Windows
    _machine: Machine
    _ports: PortServer
    _power: Power
    _services: Services

    @property
    def agent_pid(self) -> int | None:
        """The process id of the agent, if it runs."""
        return self._services.agent_pid

    def windows_update_restart(self, grace: float = 0.0) -> None:
        """Let Windows Update restart the PC."""
        lab_loop.call(lambda: self._power.restart(message="Updates", grace=grace, by_agent=False))

    def freeze(self) -> None:
        """Hang: accept connections and never answer."""
        lab_loop.call(self._power.freeze)

    def thaw(self) -> None:
        """Continue after `freeze`."""
        lab_loop.call(self._power.thaw)

    def sleep(self, time: timedelta, seconds: float = 1.0, *, lock: bool = True) -> None:
        """Sleep for `seconds`, while `time` passes on the PC; return when it is awake again.

        `lock`: Windows asks for a sign-in after it, as "Require a password on wakeup" is by default.
        """

        async def sleep() -> None:
            await self._ports.notify_and_wait("sessions_changed")
            await self._power.sleep(seconds, time, lock=lock)

        lab_loop.run(sleep())

    def crash_agent(self) -> None:
        """Kill only the agent; the service manager starts it again. Returns when it answers."""

        async def crash() -> None:
            await self._services.kill_agent()
            self._machine.record("pc", "agent_crashed", "The agent's process has ended.")
            self._machine.ready["agent"].clear()
            await self._services.revive_agent()
            await self._services.wait_ready("agent")

        lab_loop.run(crash())

    def lose_keys(self) -> None:
        """Let DPAPI refuse all that it has sealed, as after a restored profile; restart the agent."""
        lab_loop.call(self._renew_keys)
        self.crash_agent()

    def _renew_keys(self) -> None:
        self._machine.keys = MachineKeys()

    def block_keys(self, *, blocked: bool = True) -> None:
        """Let DPAPI open nothing for a while, or open everything again."""
        lab_loop.call(lambda: setattr(self._machine.keys, "blocked", blocked))

    def show_banner(self) -> None:
        """Let Windows show a text before each logon; a person has to confirm it."""
        lab_loop.call(self._show_banner)

    def _show_banner(self) -> None:
        self.windows.facts = self.windows.facts._replace(logon_banner=True)

    def rename(self) -> None:
        """Give the PC another name; it takes effect with the next restart."""
        lab_loop.call(lambda: self.windows.registry.pending_restart.append(RENAME))

    def set_clock(self, moment: datetime) -> None:
        """Set the PC's clock; return when the agent has the new time."""

        async def set_it() -> None:
            self.windows.clock.set(moment)
            self._machine.record("pc", "clock_set", f"The clock is set to {moment.isoformat()}.")
            await self._ports.notify_and_wait("clock_changed")

        lab_loop.run(set_it())

    def let_pass(self, time: timedelta) -> None:
        """Let time pass on the PC at once; return when the agent has the new time."""

        async def pass_it() -> None:
            self.windows.clock.let_pass(time)
            self._machine.record("pc", "time_passed", f"{time} pass.")
            await self._ports.notify_and_wait("clock_changed")

        lab_loop.run(pass_it())

    def fill_disk(self, *, full: bool = True) -> None:
        """Let every write of the agent fail as on a full disk, or succeed again.

        This sets RLIMIT_FSIZE of its process; a real full disk would still accept overwrites.
        """

        def limit() -> None:
            if self.agent_pid is not None:
                most = 0 if full else resource.RLIM_INFINITY
                bytes_left = (most, resource.RLIM_INFINITY)
                resource.prlimit(self.agent_pid, resource.RLIMIT_FSIZE, bytes_left)

        lab_loop.call(limit)

    def connect_remotely(self) -> None:
        """Let the customer come by remote desktop: it takes their session from the console, and unlocks it."""
        account = self._machine.customer.account
        lab_loop.call(lambda: self.windows.sessions.sign_in(account, console=False))

    def sign_in_again(self) -> None:
        """Start one more session of the customer's account, by remote desktop."""
        account = self._machine.customer.account
        lab_loop.call(lambda: self.windows.sessions.sign_in_again(account))

    def sign_in_other(self, user: str, *, console: bool = False) -> None:
        """Sign another person in, remotely or at the console."""

        def sign_in() -> None:
            other = self.windows.accounts.find(user) or self.windows.accounts.add(
                user, bytearray(secrets.token_urlsafe(12).encode("utf-16-le"))
            )
            self.windows.sessions.sign_in(other.account, console=console)

        lab_loop.call(sign_in)
