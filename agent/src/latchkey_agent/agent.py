# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: core, handlers, and the threads that run effects and watch the clock."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from .core.core import Core
from .core.effect_runner import EffectRunner
from .core.settings import SettingsFile
from .domain import commands as c
from .domain.decide import next_deadline
from .domain.decision import live_grants
from .domain.refusal import Refused
from .domain.transitions import OPEN_REQUESTS, PermitState
from .handlers.control import ControlHandler
from .handlers.customer import CustomerHandler
from .handlers.display_blocks import DisplayBlocks
from .handlers.logon import LogonHandler
from .handlers.peer import Peer
from .ports import Computer, PortError
from .protocol import answers as ans
from .protocol import codec, frames
from .protocol.errors import error

log = logging.getLogger(__name__)
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0
"""Seconds until what failed is tried again: twice as many each time, until something changes."""
LONGEST_SLEEP = 60.0
"""A clock that jumps without notice, or stood still in sleep, is noticed after so many seconds."""
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
        held = DisplayBlocks(self.core.state_changed, self._is_asked)
        self._control = ControlHandler(self.core, held)
        self._customer = CustomerHandler(self.core, held)
        self._logon = LogonHandler(self.core)
        self._unnoted = False
        self._notices = 0
        self._told = ""
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def _is_asked(self, request: str) -> bool:
        found = self.core.state.requests.get(request)
        return found is not None and found.state in OPEN_REQUESTS

    # --- life ---------------------------------------------------------------------

    def start(self) -> None:
        """Load, erase what is over, settle what the last boot left; then begin to work.

        Open the pipes only after this has returned.
        """
        self._begin()
        for name, work in (("effects", self._run_effects), ("clock", self._watch_clock)):
            thread = threading.Thread(target=work, name=f"latchkey-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _begin(self) -> None:
        self.core.load()
        if not self.core.problem:
            self.sessions_changed()
        elif self.core.problem != self._told:
            log.error("the agent refuses everything: %s", self.core.problem)
        self._told = self.core.problem

    def stop(self) -> None:
        """Stop; what is still to do stays in the journal."""
        self._stopping.set()
        self.core.close()
        for thread in self._threads:
            thread.join(timeout=2)

    def _run_effects(self) -> None:
        """Run effects whenever the state changes; try failed ones again after a while."""
        pause = FIRST_RETRY
        while not self._stopping.is_set():
            seen = self._news()
            if self._effects_done():
                pause = FIRST_RETRY
                self._wait(seen, None)
            elif self._wait(seen, pause):
                pause = FIRST_RETRY
            else:
                pause = min(2 * pause, LONGEST_RETRY)

    def _effects_done(self) -> bool:
        if self.core.problem:
            return True
        try:
            return self.effects.run()
        except Refused as refusal:
            log.warning("effects wait: %s", refusal.code)
            return False

    def _news(self) -> tuple[int, int]:
        """Return what changes with the state, and with what Windows tells of its sessions."""
        with self.core.lock:
            return self.core.state.version, self._notices

    def _wait(self, seen: tuple[int, int], seconds: float | None) -> bool:
        """Wait for other news than those that were `seen`; tell if there are any."""

        def newer() -> bool:
            return self._stopping.is_set() or self._news() != seen

        with self.core.lock:
            return self.core.state_changed.wait_for(newer, seconds)

    def _watch_clock(self) -> None:
        """End what is over at its moment; sleep as long as nothing is."""
        while not self._stopping.is_set():
            self.wake()
            with self.core.lock:
                if not self._stopping.is_set():
                    self.core.state_changed.wait(self._until_next())

    def wake(self) -> None:
        """Do what time brings: end what is over, try again what could not be begun or noted."""
        if self.core.may_load_again:
            self._begin()
            return
        self._logon.note_reports()
        if self._unnoted:
            self.sessions_changed()
        else:
            self.core.try_tick()

    def _until_next(self) -> float | None:
        """Return the seconds until time brings something; None: nothing waits for it."""
        if self._unnoted or self._logon.has_unnoted or self.core.may_load_again:
            return FIRST_RETRY
        deadline = next_deadline(self.core.state)
        if deadline is None:
            return None
        left = (deadline - self.core.now()).total_seconds()
        return min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)

    # --- what the computer tells ------------------------------------------------------

    def sessions_changed(self) -> None:
        """Windows says that somebody signed in or out, locked or unlocked."""
        try:
            here = self.core.computer.sessions.signed_in()
            desktops = tuple(s.account.sid for s in here if s.active and not s.locked)
            self.core.execute(c.SeeSignIns(open_desktops=desktops))
            self._unnoted = False
        except (Refused, PortError) as fault:
            log.warning("the change of sessions was not noted: %s", fault)
            # Without a journal there is no permit, and nothing to note.
            self._unnoted = not self.core.problem
            self._secure_desktops()
        with self.core.lock:
            self._notices += 1
            self.core.state_changed.notify_all()
        # Last: a desktop that a permit has opened is closed first.
        self._summon_companions()

    def _summon_companions(self) -> None:
        """See that whoever is asked, or lends, can answer and take back, also where their companion has ended."""
        state = self.core.state
        asked = (r.account for r in state.requests.values() if r.state in OPEN_REQUESTS)
        people = {a.sid: a for a in (*asked, *(g.account for g in live_grants(state)))}
        for account in people.values():
            try:
                self.core.computer.notifier.summon_companion(account)
            except PortError as fault:
                log.warning("the companion was not called: %s", fault)

    def _secure_desktops(self) -> None:
        """Lock what a permit may have opened, although it cannot be journalled now (rule 9)."""
        for permit in self.core.state.permits.values():
            if permit.state is PermitState.REDEEMED:
                try:
                    self.effects.secure(permit)
                except PortError as fault:
                    log.warning("the desktop may be open: %s", fault)

    def clock_changed(self) -> None:
        """Windows says that the clock was set."""
        with self.core.lock:
            self.core.state_changed.notify_all()

    # --- the pipes ----------------------------------------------------------------------

    def control(self, body: bytes, peer: Peer) -> bytes:
        """Answer one message of the control pipe."""
        answer = codec.encode(self._control.answer(body, peer))
        if len(answer) <= frames.MAX_JSON:
            return answer
        view = error("too_much_to_tell", size=len(answer), limit=frames.MAX_JSON)
        return codec.encode(ans.Answer(outcome="unknown", error=view))

    def customer(self, body: bytes, secret: bytearray, peer: Peer) -> bytes:
        """Answer one message of the customer pipe; the caller overwrites `secret`."""
        return codec.encode(self._customer.answer(body, secret, peer))

    def logon(self, body: bytes, peer: Peer) -> tuple[bytes, bytearray]:
        """Answer one message of the logon pipe; the caller overwrites the secret."""
        answer, secret = self._logon.answer(body, peer)
        return codec.encode_logon(answer), secret
