# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the stored effects on the computer, each at least once."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from latchkey_agent.domain import Account, Closing, Erasure, Permit, PermitState, Refused, others
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import effects as fx
from latchkey_agent.ports import PortError, SignIn
from latchkey_agent.storage.journal import Change

from .core import Core

log = logging.getLogger(__name__)
POLL = 0.05
"""Seconds between two looks at a session that is being locked; Windows does not confirm a lock."""
SIGN_IN_TIME = timedelta(minutes=2)
"""A desktop may take this long to open after Windows has accepted the logon."""


class EffectRunner:
    """Runs the effects that the journal holds.

    A failed effect stays stored and is tried again, at the next call and after a crash.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self._seen_open: set[str] = set()
        self._restarting: set[str] = set()

    def run(self) -> bool:
        """Run every pending effect once; tell whether all of them succeeded.

        Raises:
            Refused: there is no journal, or the disk does not work.
        """
        with self._core.storage() as journal:
            pending = journal.pending()
        # Equal effects are run once: all of them were stored before the first one runs.
        results = {effect: self._attempt(effect) for effect in dict.fromkeys(effect for _, effect in pending)}
        if done := [number for number, effect in pending if results[effect]]:
            with self._core.storage() as journal:
                journal.done(done)
        return all(results.values())

    def _attempt(self, effect: fx.AnyEffect) -> bool:
        try:
            if not effect.boot_id or effect.boot_id == self._core.computer.power.boot_id():
                self._carry_out(effect)
        except (PortError, Refused) as fault:
            log.warning("effect %s failed and stays to be done: %s", type(effect).__name__, fault)
            return False
        return True

    def _carry_out(self, effect: fx.AnyEffect) -> None:
        match effect:
            case fx.SummonCompanion():
                self._core.computer.notifier.summon_companion(effect.account)
            case fx.Restart():
                self._restart(effect)
            case fx.AnnouncePermit():
                self._core.computer.notifier.announce_permit()
            case fx.CloseDesktop():
                self._close_desktop(effect.permit)
            case fx.ConfirmErasure():
                self._confirm_erasure(effect.grant)

    def _restart(self, effect: fx.Restart) -> None:
        self._core.tick()
        permit = self._core.state.permits.get(effect.permit)
        if permit is None or permit.state is not PermitState.ISSUED or permit.id in self._restarting:
            return
        try:
            self._require_alone(permit.account)
            self._core.computer.power.restart(message=effect.message, grace=effect.grace)
            # Windows refuses a second restart, and the refusal would cancel the permit of the first.
            self._restarting.add(permit.id)
        except PortError as refusal:
            self._core.execute(c.CancelPermit(permit=permit.id, detail=str(refusal)))

    def _require_alone(self, account: Account) -> None:
        """Raise PortError if another person has signed in since the permit was issued."""
        if strangers := others(self._core.computer.sessions.signed_in(), account):
            msg = f"{' and '.join(strangers)} signed in meanwhile without agreeing to a restart"
            raise PortError(msg)

    # --- rule 9: a logon with a permit ends locked ----------------------------------

    def _close_desktop(self, permit_id: str) -> None:
        permit = self._core.state.permits.get(permit_id)
        if permit is None or permit.closing is not None:
            return
        self._core.execute(c.CloseDesktop(permit=permit.id, how=self.secure(permit)))
        self._seen_open.discard(permit.id)

    def secure(self, permit: Permit) -> Closing:
        """Close the desktop that a permit has opened; return how. Journals nothing.

        Raises:
            PortError: the desktop is open, or may still open.
        """
        return self._lock(permit) or self._cut_off(permit)

    def _lock(self, permit: Permit) -> Closing | None:
        """Lock the account's desktops and wait until they are locked, at most the policy's time."""

        def look() -> Closing | None:
            for desktop in self._desktops(permit):
                self._seen_open.add(permit.id)
                self._core.computer.sessions.lock(desktop.session_id)
            return None if self._may_still_open(permit) else self._closed(permit)

        try:
            return self._poll(look)
        except PortError as fault:
            log.warning("the session could not be locked: %s", fault)
            return None

    def _may_still_open(self, permit: Permit) -> bool:
        """Tell whether the desktop may open later: Windows accepts a logon before it lists or unlocks the session."""
        begun = permit.logged_on_at or permit.redeemed_at or permit.issued_at
        is_fresh = timedelta() <= self._core.now() - begun < SIGN_IN_TIME
        return is_fresh and permit.id not in self._seen_open

    def _cut_off(self, permit: Permit) -> Closing:
        """Disconnect the desktops that could not be locked (rule 9)."""
        if self._may_still_open(permit):
            msg = "the desktop has not opened yet"
            raise PortError(msg)
        if not (desktops := self._desktops(permit)):
            return self._closed(permit) or "gone"
        log.warning("the lock could not be confirmed; the session is disconnected")
        for desktop in desktops:
            self._core.computer.sessions.disconnect(desktop.session_id)
        if self._poll(lambda: self._closed(permit)) is None:
            msg = "the session could be neither locked nor disconnected"
            raise PortError(msg)
        return "disconnected"

    def _closed(self, permit: Permit) -> Closing | None:
        """Return how the account's desktops are closed, None while one is open or the account has no session."""
        sign_ins = self._sign_ins(permit)
        # Decide by one look at the sessions: the lock may happen between two.
        if not sign_ins or _desktops(sign_ins):
            return None
        return "locked" if all(s.locked for s in sign_ins) else "disconnected"

    def _poll(self, look: Callable[[], Closing | None]) -> Closing | None:
        within = self._core.settings.policy_or_nothing().lock_within
        for _ in range(max(1, round(within / POLL))):
            if (seen := look()) is not None:
                return seen
            self._core.pause(POLL)
        return None

    def _sign_ins(self, permit: Permit) -> list[SignIn]:
        here = self._core.computer.sessions.signed_in()
        return [s for s in here if s.account.sid == permit.account.sid]

    def _desktops(self, permit: Permit) -> list[SignIn]:
        return _desktops(self._sign_ins(permit))

    # --- rule 8: erased means read back ------------------------------------------------

    def _confirm_erasure(self, grant_id: str) -> None:
        grant = self._core.state.grants.get(grant_id)
        if grant is None or (grant.erasure is not None and grant.erasure.confirmed):
            return
        erasure = self._read_back(grant_id, bytes.fromhex(grant.tag))
        self._core.execute(c.RecordErasure(grant=grant_id, erasure=erasure))
        if not erasure.confirmed:
            msg = "the erasure could not be confirmed"
            raise PortError(msg)
        with self._core.storage() as journal:
            journal.keep_reserve()

    def _read_back(self, grant_id: str, tag: bytes) -> Erasure:
        with self._core.storage() as journal:
            if journal.sealed(grant_id) is not None:
                journal.commit(Change(erased=[grant_id]))
            emptied = journal.truncate_log()
            row = journal.sealed(grant_id)
            files = journal.search(tag)
        checks = [
            ("sealed record deleted", row is None, "no record" if row is None else "a record is there again"),
            ("write-ahead log emptied", emptied, "0 bytes waiting" if emptied else "another reader holds it"),
        ]
        checks += [
            (f"{f.name} read back", f.found == 0, f"{f.size} bytes, seal tag found {f.found} times")
            for f in files
        ]
        confirmed = all(passed for _, passed, _ in checks)
        return Erasure(self._core.now(), confirmed, tuple(checks))


def _desktops(sign_ins: list[SignIn]) -> list[SignIn]:
    """Return the sessions whose desktop is open."""
    return [s for s in sign_ins if s.active and not s.locked]
