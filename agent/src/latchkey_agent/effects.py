# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out stored effects on the computer, each at least once."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .core import Core
from .domain import commands as c
from .domain import effects as fx
from .domain.model import Erasure, Ticket
from .domain.transitions import TicketState
from .ports import PortError, SignIn

log = logging.getLogger(__name__)
POLL = 0.05
"""Seconds between two looks at a session that is being locked; Windows sends no answer to a lock."""


class EffectRunner:
    """Runs what the journal says is still to do.

    An effect that fails stays stored and is tried again: at the next call,
    and after a crash.
    """

    def __init__(self, core: Core) -> None:
        self._core = core

    def run(self) -> bool:
        """Run every pending effect once; tell whether all of them succeeded."""
        with self._core.changed:
            pending = self._core.journal.pending()
        results = [self._attempt(number, effect) for number, effect in pending]
        return all(results)

    def _attempt(self, number: int, effect: fx.AnyEffect) -> bool:
        try:
            if not effect.boot_id or effect.boot_id == self._core.computer.power.boot_id():
                self._carry_out(effect)
        except PortError as fault:
            log.warning("effect %s failed and stays to be done: %s", type(effect).__name__, fault)
            return False
        with self._core.changed:
            self._core.journal.done(number)
        return True

    def _carry_out(self, effect: fx.AnyEffect) -> None:
        match effect:
            case fx.SummonCompanion():
                self._core.computer.desk.summon_companion(effect.account)
            case fx.Restart():
                self._restart(effect)
            case fx.AnnounceTicket():
                self._core.computer.desk.announce_ticket()
            case fx.CloseDesktop():
                self._close_desktop(effect.ticket)
            case fx.ConfirmErasure():
                self._confirm_erasure(effect.grant)

    def _restart(self, effect: fx.Restart) -> None:
        ticket = self._core.state.tickets.get(effect.ticket)
        if ticket is None or ticket.state is not TicketState.ISSUED:
            return
        try:
            self._core.computer.power.restart(message=effect.message, grace=effect.grace)
        except PortError as refusal:
            self._core.execute(c.CancelTicket(ticket=ticket.id, why=f"refused: {refusal}"))

    # --- rule 9: a logon with a ticket ends locked ----------------------------------

    def _close_desktop(self, ticket_id: str) -> None:
        ticket = self._core.state.tickets.get(ticket_id)
        if ticket is None or ticket.closing is not None:
            return
        if self._lock(ticket):
            self._core.execute(c.CloseDesktop(ticket=ticket.id, how="locked"))
            return
        log.warning("the lock could not be confirmed; the session is disconnected")
        for sign_in in self._desktops(ticket):
            self._core.computer.sessions.disconnect(sign_in.session_id)
        if any(s.active for s in self._desktops(ticket)):
            msg = "the session could be neither locked nor disconnected"
            raise PortError(msg)
        self._core.execute(c.CloseDesktop(ticket=ticket.id, how="disconnected"))

    def _lock(self, ticket: Ticket) -> bool:
        """Lock the account's sessions and see it happen, within the policy's time."""
        within = self._core.policy_or_default().lock_within

        def look() -> bool | None:
            sign_ins = self._sign_ins(ticket)
            for sign_in in sign_ins:
                if not sign_in.locked:
                    self._core.computer.sessions.lock(sign_in.session_id)
            return True if sign_ins and all(s.locked for s in self._sign_ins(ticket)) else None

        return bool(self._poll(look, within))

    def _poll(self, look: Callable[[], bool | None], within: float) -> bool | None:
        for _ in range(max(1, round(within / POLL))):
            if (seen := look()) is not None:
                return seen
            self._core.pause(POLL)
        return None

    def _sign_ins(self, ticket: Ticket) -> list[SignIn]:
        here = self._core.computer.sessions.signed_in()
        return [s for s in here if s.account.sid == ticket.account.sid]

    def _desktops(self, ticket: Ticket) -> list[SignIn]:
        return [s for s in self._sign_ins(ticket) if s.active and not s.locked]

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

    def _read_back(self, grant_id: str, tag: bytes) -> Erasure:
        with self._core.changed:
            journal = self._core.journal
            emptied = journal.truncate_log()
            row = journal.sealed(grant_id)
            files = journal.search(tag)
        checks = [
            ("sealed record deleted", row is None, "no record in the journal's database"),
            ("write-ahead log emptied", emptied, "0 bytes waiting" if emptied else "another reader holds it"),
        ]
        checks += [
            (f"{f.name} read back", f.found == 0, f"{f.size} bytes, mark found {f.found} times")
            for f in files
        ]
        confirmed = all(passed for _, passed, _ in checks)
        return Erasure(self._core.computer.clock.now(), confirmed, tuple(checks))
