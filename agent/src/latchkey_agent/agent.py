# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: core, desks, and the threads that run effects and watch the clock."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from .control import ControlDesk
from .core import Core
from .customer import CustomerDesk
from .domain import commands as c
from .domain.decide import next_deadline
from .domain.refusal import Refused
from .effects import EffectRunner
from .logon import LogonDesk
from .peer import Peer
from .ports import Computer, PortError
from .protocol import codec
from .settings import SettingsFile

log = logging.getLogger(__name__)
RETRY_EFFECTS = 2.0
"""Seconds until an effect that failed is tried again."""
LONGEST_SLEEP = 3600.0
SHORTEST_SLEEP = 0.5


class Agent:
    """One PC's consent agent, whatever its pipes are made of.

    Args:
        computer: the ports.
        folder: the agent's data, readable by nobody else.
        settings_file: organisation and policy.
        random: returns that many random bytes.
    """

    def __init__(
        self,
        computer: Computer,
        folder: Path,
        settings_file: Path,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self.core = Core(computer, folder, SettingsFile(settings_file), random)
        self.effects = EffectRunner(self.core)
        self._control = ControlDesk(self.core)
        self._customer = CustomerDesk(self.core)
        self._logon = LogonDesk(self.core)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    # --- life ---------------------------------------------------------------------

    def start(self) -> None:
        """Load, erase what is over, settle what the last boot left; then begin to work.

        Open the pipes only after this has returned.
        """
        self.core.load()
        self.sessions_changed()
        for name, work in (("effects", self._run_effects), ("clock", self._watch_clock)):
            thread = threading.Thread(target=work, name=f"latchkey-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop; what is still to do stays in the journal."""
        self._stopping.set()
        self.core.close()
        for thread in self._threads:
            thread.join(timeout=2)

    def _run_effects(self) -> None:
        """Run effects whenever the state changes; try failed ones again after a while."""
        seen = -1
        while not self._stopping.is_set():
            try:
                well = self.effects.run()
            except Refused as refusal:
                well = False
                if not self._stopping.is_set():
                    log.warning("effects wait: %s", refusal.code)
            with self.core.changed:
                if self.core.state.version == seen or not well:
                    self.core.changed.wait(None if well else RETRY_EFFECTS)
                seen = self.core.state.version if well else -1

    def _watch_clock(self) -> None:
        """End what is over at its moment; sleep as long as nothing is."""
        while not self._stopping.is_set():
            self.core.try_tick()
            with self.core.changed:
                if not self._stopping.is_set():
                    self.core.changed.wait(self._until_next())

    def _until_next(self) -> float | None:
        deadline = next_deadline(self.core.state)
        if deadline is None:
            return None
        left = (deadline - self.core.computer.clock.now()).total_seconds()
        return min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)

    # --- what the computer tells ------------------------------------------------------

    def sessions_changed(self) -> None:
        """Windows says that somebody signed in or out, locked or unlocked."""
        try:
            here = self.core.computer.sessions.signed_in()
            desktops = tuple(s.account.sid for s in here if s.active and not s.locked)
            self.core.execute(c.SeeSignIns(open_desktops=desktops))
        except (Refused, PortError) as fault:
            log.warning("the change of sessions was not noted: %s", fault)
        with self.core.changed:
            self.core.changed.notify_all()

    def clock_changed(self) -> None:
        """Windows says that the clock was set."""
        with self.core.changed:
            self.core.changed.notify_all()

    # --- the pipes ----------------------------------------------------------------------

    def control(self, body: bytes, peer: Peer) -> bytes:
        """Answer one message of the control pipe."""
        return codec.encode(self._control.answer(body, peer))

    def customer(self, body: bytes, secret: bytearray, peer: Peer) -> bytes:
        """Answer one message of the customer pipe; the caller overwrites `secret`."""
        return codec.encode(self._customer.answer(body, secret, peer))

    def logon(self, body: bytes, peer: Peer) -> tuple[bytes, bytearray]:
        """Answer one message of the logon pipe; the caller overwrites the secret."""
        answer, secret = self._logon.answer(body, peer)
        return codec.encode(answer), secret
