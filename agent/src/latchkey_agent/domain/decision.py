# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `decide` returns, and the endings that several rules share."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from . import effects as fx
from . import events as e
from .model import Grant, State, SupportSession, Ticket
from .refusal import Refused
from .transitions import LIVE_GRANTS, OPEN_REQUESTS, OPEN_TICKETS, SessionState, TicketState


class Decision(Struct, frozen=True):
    """Events to journal, effects to run after; `subject` is what the answer is about.

    Effects never come without an event: whoever waits for something to do
    looks at the state's version.
    """

    events: tuple[e.AnyEvent, ...] = ()
    effects: tuple[fx.AnyEffect, ...] = ()
    subject: str = ""

    def __add__(self, other: Decision) -> Decision:
        """Join two decisions; the first one's subject stays."""
        return Decision(
            self.events + other.events, self.effects + other.effects, self.subject or other.subject
        )


def open_session(state: State, name: str) -> SupportSession:
    """Return the open session of that name.

    Raises:
        Refused: `no_session`.
    """
    for session in state.sessions.values():
        if session.name == name and session.state is SessionState.OPEN:
            return session
    raise Refused("no_session", session=name)


def live_grants(state: State, session: str | None = None) -> list[Grant]:
    """Return the grants that can still be used or paused, of one session or of all."""
    return [
        grant
        for grant in state.grants.values()
        if grant.state in LIVE_GRANTS and (session is None or grant.session == session)
    ]


def in_use(state: State, session: str | None = None) -> list[Grant]:
    """Return the grants that can still be used or paused, or that hold a desktop open, of one session or of all."""
    holding = {ticket.grant for ticket in state.tickets.values() if ticket.relock_at is not None}
    return [
        grant
        for grant in state.grants.values()
        if (grant.state in LIVE_GRANTS or grant.id in holding) and session in {None, grant.session}
    ]


def issued_tickets(state: State, grant: str) -> list[Ticket]:
    """Return the grant's tickets that nobody has redeemed yet."""
    return [t for t in state.tickets.values() if t.grant == grant and t.state is TicketState.ISSUED]


def drop(ticket: Ticket, at: datetime, how: str, why: str, *, refund: bool = False) -> e.TicketDropped:
    """Return the event that makes an unredeemed ticket void."""
    return e.TicketDropped(
        at=at, ticket=ticket.id, how="lapse" if how == "lapse" else "cancel", why=why, refund=refund
    )


def end_grant(
    state: State, grant: Grant, at: datetime, how: e.GrantEnding, why: str = "", *, settled: str = ""
) -> Decision:
    """End a grant: its tickets are void, its secret goes, the customer hears of it.

    `settled` is a ticket that is void already by an event of the same decision.
    """
    issued = (ticket for ticket in issued_tickets(state, grant.id) if ticket.id != settled)
    void = tuple(drop(ticket, at, "cancel", how) for ticket in issued)
    return Decision(
        (*void, e.GrantEnded(at=at, grant=grant.id, how=how, why=why)),
        (fx.ConfirmErasure(grant=grant.id), fx.SummonCompanion(account=grant.account)),
        grant.id,
    )


def close_session(state: State, session: SupportSession, at: datetime, how: str) -> Decision:
    """Close a session: nothing that belongs to it stays open or sealed."""
    decision = Decision(subject=session.id)
    for request in state.requests.values():
        if request.session == session.id and request.state in OPEN_REQUESTS:
            closed = e.RequestClosed(at=at, request=request.id, how="withdraw")
            decision += Decision((closed,), (fx.SummonCompanion(account=request.account),))
    for grant in live_grants(state, session.id):
        decision += end_grant(state, grant, at, "end_session")
    closed_session = e.SessionClosed(at=at, session=session.id, how="expire" if how == "expire" else "end")
    decision += Decision((closed_session,))
    for ticket in state.tickets.values():
        if ticket.session == session.id:
            decision += relock(ticket, at)
    return decision


def relock(ticket: Ticket, at: datetime) -> Decision:
    """Close the desktop that an unlock still holds open."""
    if ticket.relock_at is None:
        return Decision()
    return Decision((e.RelockDue(at=at, ticket=ticket.id),), (closing(ticket),))


def closing(ticket: Ticket) -> fx.CloseDesktop:
    """Return the effect that closes a ticket's desktop, in the boot that it was opened in."""
    return fx.CloseDesktop(ticket=ticket.id, boot_id=ticket.boot_after or "")


def use_up(state: State, grant: Grant, at: datetime, ticket: str) -> Decision:
    """End a grant that has nothing left to use, once no other ticket of it is open."""
    others = [
        t
        for t in state.tickets.values()
        if t.grant == grant.id and t.id != ticket and t.state in OPEN_TICKETS
    ]
    if grant.state not in LIVE_GRANTS or grant.restarts_left or grant.unlocks_left or others:
        return Decision()
    return end_grant(state, grant, at, "use_up", settled=ticket)
