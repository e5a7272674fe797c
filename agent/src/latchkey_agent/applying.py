# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying a grant: terms and password are checked again, then a ticket is written."""

from __future__ import annotations

from typing import Literal

from . import views
from .core import Core
from .domain import commands as c
from .domain.decision import Decision, open_session
from .domain.model import Account, Grant, State, finished
from .domain.refusal import Refused
from .domain.terms import canonical
from .domain.using import usable
from .peer import Peer
from .ports import LogonRefusal
from .protocol import codec
from .protocol import messages as m
from .protocol.frames import wipe
from .vault import VaultError

TEMPORARY = frozenset({LogonRefusal.NO_LOGON_SERVERS, LogonRefusal.LOGON_HOURS})
"""Refusals that say nothing about the password; the grant stays."""


class Applying:
    """Answers `credential_apply` and `apply_wait`."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def apply(self, request: m.CredentialApply, peer: Peer) -> m.Answer:
        """Begin one use, or join the one that this request means."""
        self._core.policy()
        command = self._command(request)
        decision, state = self._core.preview(command)
        if decision.events and not request.check:
            # Outside the lock: Windows may ask a domain controller, and a revocation must not wait for it.
            self._check_password(request)
            decision = self._core.execute(command, actor=peer.name)
            state = self._core.state
        return codec.done(self._answer(state, request.session, decision), changed=bool(decision.events))

    def _command(self, request: m.CredentialApply) -> c.ApplyGrant:
        return c.ApplyGrant(
            name=request.session,
            ticket=self._core.new_id(),
            action=request.action,
            boot_id=self._core.computer.power.boot_id(),
            step=request.step,
            message=request.message,
            grace=request.grace,
            within=request.within,
            relock_after=request.relock_after,
            desktop=self._desktop(request),
        )

    def _grant(self, request: m.CredentialApply) -> Grant:
        state = self._core.state
        session = open_session(state, request.session)
        return usable(state, session.id, request.session, request.action, self._core.computer.clock.now())

    def _desktop(self, request: m.CredentialApply) -> Literal["none", "locked", "unlocked"]:
        session = open_session(self._core.state, request.session)
        accounts = [g.account for g in self._core.state.grants.values() if g.session == session.id]
        return self._desktop_of(accounts[-1]) if accounts else "none"

    def _desktop_of(self, account: Account) -> Literal["none", "locked", "unlocked"]:
        mine = [s for s in self._core.computer.sessions.signed_in() if s.account.sid == account.sid]
        if not mine:
            return "none"
        return "unlocked" if any(s.active and not s.locked for s in mine) else "locked"

    def _check_password(self, request: m.CredentialApply) -> None:
        """Ask Windows whether the sealed password is still good; if not, erase it (rule 6)."""
        grant = self._grant(request)
        refusal = self._try_password(grant)
        if refusal is None:
            return
        sentence = views.ACCOUNT_SENTENCES.get(refusal, str(refusal))
        if refusal in TEMPORARY:
            raise Refused("account_refused", detail=sentence)
        self._core.execute(c.EndGrant(grant=grant.id, how="reject", why=sentence))
        raise Refused("grant_rejected", detail=sentence)

    def _try_password(self, grant: Grant) -> LogonRefusal | str | None:
        terms = canonical(grant.terms, grant.account, grant.id, self._core.computer.device)
        try:
            secret = self._core.unseal(grant.id, terms)
        except VaultError as fault:
            return str(fault)
        try:
            return self._core.computer.accounts.check(grant.account, secret)
        finally:
            wipe(secret)

    def _answer(self, state: State, session: str, decision: Decision) -> m.ApplyAnswer:
        if decision.subject:
            return apply_answer(state, session, decision.subject, self._core.computer.power.boot_id())
        found = open_session(state, session)
        grant = [g for g in state.grants.values() if g.session == found.id][-1]
        boot_id = self._core.computer.power.boot_id()
        return m.ApplyAnswer(session=session, left=views.left_view(grant), boot_id=boot_id, finished=True)

    def wait(self, request: m.ApplyWait, _peer: Peer) -> m.Answer:
        """Answer when the ticket's story moves on, or when the wait is over."""
        first = self._core.state.tickets.get(request.ticket)
        if first is None:
            raise Refused("no_ticket", ticket=request.ticket)

        def moved() -> bool | None:
            now = self._core.state.tickets.get(request.ticket)
            return None if now is not None and now.state == first.state and not finished(now) else True

        self._core.wait_for(moved, request.wait)
        boot_id = self._core.computer.power.boot_id()
        return codec.done(
            apply_answer(self._core.state, request.session, request.ticket, boot_id), changed=False
        )


def apply_answer(state: State, session: str, ticket_id: str, boot_id: str) -> m.ApplyAnswer:
    """Return how far a use is."""
    ticket = state.tickets.get(ticket_id)
    if ticket is None:
        raise Refused("no_ticket", ticket=ticket_id)
    return m.ApplyAnswer(
        session=session,
        use=views.use_view(state, ticket),
        left=views.left_view(state.grants[ticket.grant]),
        boot_id=boot_id,
        finished=finished(ticket),
        waiting_for=views.use_waits_for(state, ticket),
    )
