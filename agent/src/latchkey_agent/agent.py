# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent: core, handlers, and the threads that run effects and watch the clock."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from .core.core import Core
from .core.desktops import Target, follow_desktops, sign_ins
from .core.effect_runner import EffectRunner
from .core.program_runner import ProgramRunner
from .core.settings import SettingsFile
from .domain import (
    OPEN_REQUESTS,
    Permit,
    PermitState,
    Refused,
    live_grants,
    may_stay_open,
    redeemable,
    seconds_left,
)
from .handlers.control import ControlHandler
from .handlers.customer import CustomerHandler
from .handlers.display_blocks import DisplayBlocks
from .handlers.logon import LogonHandler
from .handlers.peer import Peer
from .ports import Computer, PortError
from .protocol import answers as ans
from .protocol import codec, frames
from .protocol.errors import error
from .storage.lock_duties import LockDuty

log = logging.getLogger(__name__)
FIRST_RETRY, LONGEST_RETRY = 1.0, 30.0
"""Seconds until failed work is tried again: doubled each time, until something changes."""
LONGEST_SLEEP = 60.0
"""Seconds after which a clock that jumped or stood still is noticed, if Windows does not notify."""
SHORTEST_SLEEP = 0.5


class LogonAnswerBytes(NamedTuple):
    """An answer on the logon pipe, encoded; see `LogonReply`."""

    body: bytes
    secret: bytearray
    permit_waits: bool


class Agent:
    """The consent agent of one PC, without its pipes.

    Args:
        computer: the ports.
        folder: the agent's data; only the agent's account may read it.
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
        self.programs = ProgramRunner(self.core)
        display_blocks = DisplayBlocks(self.core.state_changed, self._is_asked)
        self._control = ControlHandler(self.core, display_blocks, self.programs)
        self._customer = CustomerHandler(self.core, display_blocks)
        self._logon = LogonHandler(self.core)
        self._session_change_pending = False
        self._lock_pending = False
        self._not_yet_redeemable: set[str] = set()
        self._session_changes = 0
        self._logged_problem = ""
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def _is_asked(self, request: str) -> bool:
        found = self.core.state.requests.get(request)
        return found is not None and found.state in OPEN_REQUESTS

    # --- life ---------------------------------------------------------------------

    def start(self) -> None:
        """Load the journal, settle what a crash or a restart interrupted, and start the threads.

        Open the pipes only after this has returned.
        """
        self._begin()
        for name, work in (("effects", self._run_effects), ("clock", self._watch_clock)):
            thread = threading.Thread(target=work, name=f"latchkey-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _begin(self) -> None:
        self.core.load()
        # The event of the agent before this one may be gone: the logon screen is notified again.
        self._not_yet_redeemable = {
            permit.id for permit in self.core.state.permits.values() if permit.state is PermitState.ISSUED
        }
        if not self.core.problem:
            self.sessions_changed()
        else:
            self._meet_duties()
            if self.core.problem != self._logged_problem:
                log.error("the agent refuses everything: %s", self.core.problem)
        self._logged_problem = self.core.problem

    def stop(self) -> None:
        """Stop; effects that have not run stay in the journal."""
        self._stopping.set()
        self.core.close()
        for thread in self._threads:
            thread.join(timeout=2)

    def _run_effects(self) -> None:
        """Run effects whenever the state changes; run failed ones again after a pause."""
        pause = FIRST_RETRY
        while not self._stopping.is_set():
            seen = self._versions()
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

    def _versions(self) -> tuple[int, int]:
        """Return the version of the state and the count of session changes."""
        with self.core.lock:
            return self.core.state.version, self._session_changes

    def _wait(self, seen: tuple[int, int], seconds: float | None) -> bool:
        """Wait for versions other than `seen`; tell whether there are any."""

        def newer() -> bool:
            return self._stopping.is_set() or self._versions() != seen

        with self.core.lock:
            return self.core.state_changed.wait_for(newer, seconds)

    def _watch_clock(self) -> None:
        """End everything at the moment its time is over; sleep in between."""
        while not self._stopping.is_set():
            self.wake()
            with self.core.lock:
                if not self._stopping.is_set():
                    self.core.state_changed.wait(self._until_next())

    def wake(self) -> None:
        """End everything whose time is over; retry a failed loading or journalling."""
        if self.core.journal_life.may_load_again:
            self._begin()
            return
        self._logon.journal_reports()
        if self._session_change_pending or self._lock_pending:
            self.sessions_changed()
        else:
            self.core.try_tick()
            if not self.core.duties.is_empty:
                self._meet_duties()
        self._announce_again()

    def _announce_again(self) -> None:
        """Notify the logon screen of a permit that it could not redeem yet: a clock that was set can change that."""
        with self.core.lock:
            state, boot_id = self.core.state, self.core.boot_id
            waiting = {p.id for p in state.permits.values() if p.state is PermitState.ISSUED}
            permit = redeemable(state, boot_id, self.core.now(), self.core.halves.held)
        if permit is None:
            self._not_yet_redeemable = waiting
        elif permit.id in self._not_yet_redeemable:
            try:
                self.core.computer.notifier.announce_permit()
                self._not_yet_redeemable = set()
            except PortError as fault:
                log.warning("the logon screen was not notified: %s", fault)

    def _until_next(self) -> float | None:
        """Return the seconds until the next deadline, None if there is none."""
        if (
            self._session_change_pending
            or self._lock_pending
            or self.core.closings
            or self._logon.has_unjournalled
            or self.core.journal_life.may_load_again
        ):
            return FIRST_RETRY
        ends = (
            seconds_left(self.core.state, self.core.now()),
            self.core.halves.seconds_left(self.core.computer.clock.uptime()),
        )
        left = min((end for end in ends if end is not None), default=None)
        return None if left is None else min(max(left, SHORTEST_SLEEP), LONGEST_SLEEP)

    # --- what the computer tells ------------------------------------------------------

    def sessions_changed(self) -> None:
        """Take in that a person signed in or out, locked or unlocked."""
        try:
            seen = sign_ins(self.core)
            with self.core.lock:
                follow_desktops(self.core, seen.sessions)
            self.core.execute(seen)
            self._session_change_pending = False
        except (Refused, PortError) as fault:
            log.warning("the change of sessions was not journalled: %s", fault)
            # Without a journal there is no permit whose logon could be missed.
            self._session_change_pending = not self.core.problem
        self._meet_duties()
        with suppress(PortError):
            self.effects.desktops.watch()
        with self.core.lock:
            self._session_changes += 1
            self.core.state_changed.notify_all()
        # Summon companions last: closing an open desktop comes first.
        self._summon_companions()

    def _summon_companions(self) -> None:
        """Start the companion of each customer with an open request or a live grant, if it does not run."""
        state = self.core.state
        asked = (r.account for r in state.requests.values() if r.state in OPEN_REQUESTS)
        people = {a.sid: a for a in (*asked, *(g.account for g in live_grants(state)))}
        for account in people.values():
            try:
                self.core.computer.notifier.summon_companion(account)
            except PortError as fault:
                log.warning("the companion was not started: %s", fault)

    def _meet_duties(self) -> None:
        """Lock the desktops that the journal cannot see closed, because it is damaged, full or forgot them (rule 9)."""
        self._lock_pending = False
        for duty in self.core.duties.all():
            permit = self.core.state.permits.get(duty.permit)
            if duty.boot_id != self.core.boot_id:
                continue
            if duty.late:
                self._meet_late(duty)
            elif not self._is_in_journal(permit):
                self._meet(duty, is_known=permit is not None)

    def _meet(self, duty: LockDuty, *, is_known: bool) -> None:
        try:
            self.effects.desktops.close(Target.of_duty(duty))
            permit = self.core.state.permits.get(duty.permit)
            if permit is not None and permit.state is PermitState.LOGGED_ON:
                self.core.closed_early(duty.permit)
            if not is_known and not self.core.duties.is_late(duty.permit):
                self.core.duties.settle(duty.permit)
        except PortError as fault:
            log.warning("the desktop may be open: %s", fault)
            self._lock_pending = True

    def _meet_late(self, duty: LockDuty) -> None:
        """Lock a desktop that has opened after it counted as closed, once; forget it if its session is gone."""
        target = Target.of_duty(duty)
        try:
            own = self.effects.desktops.sessions_of(target)
            if any(s.is_open for s in own):
                self.effects.desktops.close(target)
            elif own:
                return
            self.core.duties.settle(duty.permit)
        except PortError as fault:
            log.warning("a late desktop may be open: %s", fault)
            self._lock_pending = True

    def _is_in_journal(self, permit: Permit | None) -> bool:
        """Tell whether the journal's own effect closes the desktop, now or at the agreed time."""
        if permit is None or permit.id in self.core.closings:
            return False
        if self.core.is_closed_early(permit.id):
            return True
        if permit.state is PermitState.REDEEMED:
            return not self._session_change_pending
        is_agreed = may_stay_open(self.core.state, permit, self.core.now())
        return is_agreed or not permit.owes_lock or not self.core.is_disk_failing

    def clock_changed(self) -> None:
        """Take in that the clock was set."""
        with self.core.lock:
            self.core.state_changed.notify_all()

    # --- the pipes ----------------------------------------------------------------------

    def control(self, body: bytes, peer: Peer) -> bytes:
        """Answer one message of the control pipe."""
        answer = codec.encode(self._control.answer(body, peer))
        if len(answer) <= frames.MAX_BODY:
            return answer
        view = error("response_exceeds_limit", size=len(answer), limit=frames.MAX_BODY)
        return codec.encode(ans.Answer(outcome="unknown", error=view))

    def customer(self, body: bytes, secret: bytearray, peer: Peer) -> bytes:
        """Answer one message of the customer pipe; the caller overwrites `secret`."""
        return codec.encode(self._customer.answer(body, secret, peer))

    def logon(self, body: bytes, peer: Peer) -> LogonAnswerBytes:
        """Answer one message of the logon pipe; the caller overwrites the secret."""
        reply = self._logon.answer(body, peer)
        return LogonAnswerBytes(codec.encode_logon(reply.answer), reply.secret, reply.permit_waits)
