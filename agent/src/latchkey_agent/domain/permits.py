# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for logon tickets: redeemed once, reported, given up; and the desktops that they open."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .decision import Decision, closing, drop, end_grant, live_grants, relock, use_up
from .model import State, Ticket
from .policy import Policy
from .refusal import Refused
from .transitions import OPEN_TICKETS, TICKET, GrantState, IllegalTransitionError, TicketState, step

LOGON_TIME = timedelta(minutes=2)
"""A logon that has begun may take this long, even past the end of its ticket."""
LATE_LOGON = timedelta(minutes=30)
"""So long after a ticket was redeemed, an open desktop is taken for its logon, though that was given up."""


def find_ticket(state: State, ticket: str) -> Ticket:
    """Return a ticket by its id.

    Raises:
        Refused: `no_ticket`.
    """
    if (found := state.tickets.get(ticket)) is None:
        raise Refused("no_ticket", ticket=ticket)
    return found


def redeemable(state: State, boot_id: str, now: datetime) -> Ticket | None:
    """Return the ticket that the logon screen of this boot may redeem now."""
    for ticket in state.tickets.values():
        if ticket.state is TicketState.ISSUED and _may_redeem(state, ticket, boot_id, now):
            return ticket
    return None


def _may_redeem(state: State, ticket: Ticket, boot_id: str, now: datetime) -> bool:
    grant = state.grants[ticket.grant]
    right_boot = (ticket.boot_before != boot_id) == (ticket.action == "restart")
    in_time = grant.terms.not_before <= now < min(ticket.expires_at, grant.terms.not_after)
    return right_boot and in_time and grant.state is GrantState.ACTIVE


def redeem(state: State, command: c.RedeemTicket, now: datetime, _policy: Policy) -> Decision:
    """Mark a ticket used; only after this is on the disk is the secret handed over (rule 5)."""
    ticket = find_ticket(state, command.ticket)
    step(TICKET, ticket.state, "redeem")
    if not _may_redeem(state, ticket, command.boot_id, now):
        raise Refused("ticket_cancelled", detail="it does not hold for this boot or time")
    redeemed = e.TicketRedeemed(at=now, ticket=ticket.id, boot_after=command.boot_id)
    return Decision((redeemed,), subject=ticket.id)


def report(state: State, command: c.ReportLogon, now: datetime, _policy: Policy) -> Decision:
    """Windows accepted the logon, or refused it: then the password is never tried again (rule 6)."""
    ticket = find_ticket(state, command.ticket)
    if command.refusal:
        return _logon_refused(state, ticket, command.refusal, now)
    if ticket.state is TicketState.LOGGED_ON:
        return Decision(subject=ticket.id)
    step(TICKET, ticket.state, "log_on")
    if ticket.why == "refused":
        raise IllegalTransitionError(ticket.state, "log_on", [])
    return _logged_on(state, ticket, now)


def _logon_refused(state: State, ticket: Ticket, refusal: str, now: datetime) -> Decision:
    """Whatever was believed of the ticket since it was redeemed: the password was refused."""
    decision = Decision(subject=ticket.id)
    if ticket.redeemed_at is None or ticket.state is TicketState.REDEEMED:
        step(TICKET, ticket.state, "refuse")
        decision += Decision((e.TicketRefused(at=now, ticket=ticket.id, why="refused", detail=refusal),))
    grant = state.grants[ticket.grant]
    if grant not in live_grants(state):
        return decision
    return decision + end_grant(state, grant, now, "reject", refusal)


def _logged_on(state: State, ticket: Ticket, now: datetime) -> Decision:
    effects: tuple[fx.AnyEffect, ...] = (fx.SummonCompanion(account=ticket.account),)
    if ticket.must_lock or not _session_open(state, ticket):
        effects = (closing(ticket), *effects)
    decision = Decision((e.TicketLoggedOn(at=now, ticket=ticket.id),), effects, ticket.id)
    return decision + use_up(state, state.grants[ticket.grant], now, ticket.id)


def _session_open(state: State, ticket: Ticket) -> bool:
    return state.sessions[ticket.session].closed_at is None


def see_sign_ins(state: State, command: c.SeeSignIns, now: datetime, _policy: Policy) -> Decision:
    """A redeemed ticket's account has an open desktop: the logon happened, whoever reports it."""
    decision = Decision()
    for ticket in state.tickets.values():
        if ticket.account.sid in command.open_desktops and _may_log_on(state, ticket, now):
            decision += _logged_on(state, ticket, now)
    return decision


def _may_log_on(state: State, ticket: Ticket, now: datetime) -> bool:
    """Whether a desktop that is open now may come of the ticket: of one that was given up, for a while."""
    if ticket.state is TicketState.REDEEMED:
        return True
    if ticket.redeemed_at is None or ticket.why != "interrupted":
        return False
    return ticket.boot_after == state.boot_id and now < ticket.redeemed_at + LATE_LOGON


def cancel(state: State, command: c.CancelTicket, now: datetime, _policy: Policy) -> Decision:
    """The use did not begin; it is not counted."""
    ticket = find_ticket(state, command.ticket)
    if ticket.state is not TicketState.ISSUED:
        return Decision(subject=ticket.id)
    return Decision((drop(ticket, now, "cancel", command.why, refund=True),), subject=ticket.id)


def close_desktop(state: State, command: c.CloseDesktop, now: datetime, _policy: Policy) -> Decision:
    """The desktop that a ticket opened is closed (rule 9)."""
    ticket = find_ticket(state, command.ticket)
    if ticket.state is not TicketState.LOGGED_ON or ticket.closing is not None:
        return Decision(subject=ticket.id)
    return Decision((e.DesktopClosed(at=now, ticket=ticket.id, how=command.how),), subject=ticket.id)


def lapse(state: State, ticket: Ticket, now: datetime) -> Decision:
    """A ticket's time is over, or a desktop's."""
    if ticket.state in OPEN_TICKETS:
        return _lapsed(state, ticket, now) if now >= last_moment(ticket) else Decision()
    if ticket.relock_at is None or ticket.logged_on_at is None:
        return Decision()
    # A clock that was set back must not keep the desktop open for longer.
    return relock(ticket, now) if not ticket.logged_on_at <= now < ticket.relock_at else Decision()


def last_moment(ticket: Ticket) -> datetime:
    """Return when an open ticket is given up."""
    if ticket.redeemed_at is None:
        return ticket.expires_at
    return max(ticket.expires_at, ticket.redeemed_at + LOGON_TIME)


def _lapsed(state: State, ticket: Ticket, now: datetime) -> Decision:
    if ticket.state is TicketState.REDEEMED:
        lapsed = Decision((e.TicketRefused(at=now, ticket=ticket.id, why="interrupted"),))
    else:
        is_waiting = ticket.action == "restart" and ticket.boot_before == state.boot_id
        lapsed = Decision((drop(ticket, now, "lapse", "not_restarted" if is_waiting else "not_used"),))
    return lapsed + use_up(state, state.grants[ticket.grant], now, ticket.id)
