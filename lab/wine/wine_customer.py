# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer at the screen of a whole Wine PC: answers the real companion with real keys."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from lab.simulated.loop import lab_loop
from lab.simulated.session_model import Sessions
from lab.simulated.simulated_companion import Companions

from .agent_pc import WithPipeClients

if TYPE_CHECKING:
    from lab.simulated.account_model import AccountBook
    from lab.simulated.machine import Machine
    from lab.simulated.session_model import Change, Session
    from lab.simulated.windows_model import Windows

    from .installed import InstalledPC
    from .screen import Seat


class OnLoop:
    """Sessions, accounts or the whole Windows, for other threads: makes each call on the lab's loop."""

    def __init__(self, thing: Windows | Sessions | AccountBook) -> None:
        self._thing = thing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the wrapped object
        value = getattr(self._thing, name)
        if not callable(value):
            return OnLoop(value)
        return lambda *arguments, **named: lab_loop.call(lambda: value(*arguments, **named))


class LoopedWindows:
    """The `windows` of `UiDriver`: a model, and a lock, which has no effect because of the loop."""

    def __init__(self, model: Windows) -> None:
        self.lock = nullcontext()
        self.model = cast("Windows", OnLoop(model))


class Office(WithPipeClients):
    """`ui_driver.WinePCWithAgent`: the PC's interface for its customer."""

    def __init__(self, pc: InstalledPC, machine: Machine) -> None:
        super().__init__(pc)
        self.windows = LoopedWindows(machine.windows)

    @property
    def model(self) -> Windows:
        """The model of its accounts and sessions."""
        return self.windows.model


class SeatedCompanions(Companions):
    """Starts the real companion in the customer's session, as HKLM's Run key does at each sign-in."""

    def __init__(self, machine: Machine, seat: Seat) -> None:
        super().__init__(machine)
        self._seat = seat

    def _session_changed(self, change: Change, session: Session) -> None:
        if session.account != self._machine.customer.account:
            return
        if change == "signed_in":
            self._start(session)
        elif change == "signed_out":
            self._seat.leave()

    def _start(self, session: Session) -> None:
        # Windows may sign in by itself before the PC is up. A program under Wine would then start a second wineserver.
        self._machine.boot_tasks.start(self._start_once_up(session), f"companion-{session.id}")

    async def _start_once_up(self, session: Session) -> None:
        await self._machine.ready["agent"].wait()
        if self._machine.windows.sessions.of(session.account.sid) is not None:
            self._seat.start_companion(session.account.sid, session.id)
