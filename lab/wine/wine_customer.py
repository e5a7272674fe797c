# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The customer before the screen of a whole Wine PC: the real companion runs, real keys answer it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from lab.simulated.loop import lab_loop
from lab.simulated.session_model import Sessions
from lab.simulated.simulated_companion import Companions

from .agent_pc import Speaking

if TYPE_CHECKING:
    from lab.simulated.account_model import AccountBook
    from lab.simulated.machine import Machine
    from lab.simulated.session_model import Change, Session
    from lab.simulated.windows_model import Windows

    from .installed import InstalledPC
    from .screen import Seat


class OnLoop:
    """Sessions, accounts or the whole Windows, for other threads: each call is made on the lab's loop."""

    def __init__(self, thing: Windows | Sessions | AccountBook) -> None:
        self._thing = thing

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the thing has
        value = getattr(self._thing, name)
        if not callable(value):
            return OnLoop(value)
        return lambda *arguments, **named: lab_loop.call(lambda: value(*arguments, **named))


class LoopedWindows:
    """`windows` as `WineHands` knows it: a model, and a lock, which the loop makes needless."""

    def __init__(self, model: Windows) -> None:
        self.lock = nullcontext()
        self.model = cast("Windows", OnLoop(model))


class Office(Speaking):
    """`hands.WinePCWithAgent`: the PC as its customer's hands need it."""

    def __init__(self, pc: InstalledPC, machine: Machine) -> None:
        super().__init__(pc)
        self.windows = LoopedWindows(machine.windows)

    @property
    def model(self) -> Windows:
        """Its accounts and sessions."""
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
        self._seat.start_companion(session.account.sid, session.id)
