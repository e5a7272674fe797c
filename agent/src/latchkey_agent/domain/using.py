# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for grants that exist: use, pause, end; tickets; boots; locks."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .decision import Decision, drop, end_grant, issued_tickets, live_grants, open_session, use_up
from .model import Grant, State, Ticket, finished
from .policy import Policy
from .refusal import Refused
from .transitions import GRANT, OPEN_TICKETS, TICKET, GrantState, TicketState, step


def pause(state: State, command: c.PauseGrant, now: datetime, _policy: Policy) -> Decision:
    """Hold a grant back (open tickets are void), or let it go on."""
    grant = find_grant(state, command.grant)
    step(GRANT, grant.state, "pause" if command.pause else "resume")
    if not command.pause:
        return Decision((e.GrantResumed(at=now, grant=grant.id),), subject=grant.id)
    void = tuple(drop(ticket, now, "cancel", "paused") for ticket in issued_tickets(state, grant.id))
    return Decision((*void, e.GrantPaused(at=now, grant=grant.id)), subject=grant.id)


def find_grant(state: State, grant: str) -> Grant:
    """Return a grant by its id.

    Raises:
        Refused: `no_grant`.
    """
    if (found := state.grants.get(grant)) is None:
        raise Refused("no_grant", session="")
    return found


def end(state: State, command: c.EndGrant, now: datetime, _policy: Policy) -> Decision:
    """End a grant; one that is over stays as it ended."""
    grant = find_grant(state, command.grant)
    if grant not in live_grants(state):
        return Decision(subject=grant.id)
    return end_grant(state, grant, now, command.how, command.why)


def apply(state: State, command: c.ApplyGrant, now: datetime, policy: Policy) -> Decision:
    """Begin one use, or join the one that is under way or was done for this step."""
    session = open_session(state, command.name)
    if (ticket := _joined(state, session.id, command)) is not None:
        return Decision(subject=ticket.id)
    grant = usable(state, session.id, command.name, command.action, now)
    if command.action == "unlock" and command.desktop == "unlocked":
        return Decision()
    _nothing_under_way(state)
    if command.action == "restart":
        _not_too_soon(state, now, policy)
    ticket_ends = min(now + timedelta(seconds=command.within), grant.terms.not_after, session.ends_at)
    issued = e.TicketIssued(
        at=now,
        ticket=command.ticket,
        grant=grant.id,
        action=command.action,
        expires_at=ticket_ends,
        boot_before=command.boot_id,
        step=command.step,
        must_lock=command.action == "restart" or command.desktop == "none",
        relock_seconds=command.relock_after,
    )
    return Decision((issued,), (_begin(command),), command.ticket)


def _begin(command: c.ApplyGrant) -> fx.AnyEffect:
    if command.action == "unlock":
        return fx.AnnounceTicket(ticket=command.ticket, boot_id=command.boot_id)
    return fx.Restart(
        ticket=command.ticket, boot_id=command.boot_id, message=command.message, grace=command.grace
    )


def _joined(state: State, session: str, command: c.ApplyGrant) -> Ticket | None:
    """The use that this command means: a job launched again does nothing twice (rule 13)."""
    for ticket in reversed(state.tickets.values()):
        if ticket.session != session or ticket.foreign:
            continue
        if not finished(ticket) and ticket.action == command.action and ticket.step == command.step:
            return ticket
        if command.step and ticket.step == command.step and ticket.state is TicketState.LOGGED_ON:
            return ticket
    return None


_WHY_ENDED = {
    GrantState.REVOKED: "grant_revoked",
    GrantState.WITHDRAWN: "grant_withdrawn",
    GrantState.EXPIRED: "grant_expired",
    GrantState.REJECTED: "grant_rejected",
    GrantState.USED_UP: "terms_used_up",
}


def usable(state: State, session: str, name: str, action: str, now: datetime) -> Grant:
    """Return the session's grant, if it allows `action` now.

    Raises:
        Refused: why it does not.
    """
    grants = [g for g in state.grants.values() if g.session == session]
    if not grants:
        raise Refused("no_grant", session=name)
    grant = grants[-1]
    if grant.ended is not None:
        raise ended_refusal(grant)
    if grant.state is GrantState.PAUSED:
        raise Refused("grant_paused")
    _within(grant, now)
    if (grant.restarts_left if action == "restart" else grant.unlocks_left) <= 0:
        raise Refused("terms_used_up", detail=agreed(grant))
    return grant


def ended_refusal(grant: Grant) -> Refused:
    """Return the refusal that says how a grant ended."""
    code = _WHY_ENDED.get(grant.ended, "no_grant") if grant.ended else "no_grant"
    details = {
        "grant_expired": f"until {grant.terms.not_after.isoformat(timespec='minutes')}",
        "grant_rejected": grant.why,
        "terms_used_up": agreed(grant),
    }
    return Refused(code, session=grant.session, detail=details.get(code, ""))


def agreed(grant: Grant) -> str:
    """Say what the customer agreed to, for an operator."""
    terms = grant.terms
    return f"{terms.restarts} restarts and {terms.unlocks} unlocks"


def _within(grant: Grant, now: datetime) -> None:
    terms = grant.terms
    if now < terms.not_before:
        wait = (terms.not_before - now).total_seconds()
        raise Refused(
            "too_early", retry_after=wait, detail=f"from {terms.not_before.isoformat(timespec='minutes')}"
        )
    if now >= terms.not_after:
        raise Refused("grant_expired", detail=f"until {terms.not_after.isoformat(timespec='minutes')}")


def _nothing_under_way(state: State) -> None:
    if any(not finished(ticket) for ticket in state.tickets.values()):
        raise Refused("restart_in_progress", retry_after=5.0)


def _not_too_soon(state: State, now: datetime, policy: Policy) -> None:
    if state.last_restart_at is None:
        return
    # A clock that was set back must not lock restarts out for longer than the interval.
    passed = max((now - state.last_restart_at).total_seconds(), 0.0)
    if (left := policy.min_restart_interval - passed) > 0:
        raise Refused("restart_too_soon", retry_after=left, detail=f"{policy.min_restart_interval:g} s")


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
    ticket = state.tickets.get(command.ticket)
    if ticket is None:
        raise Refused("no_ticket", ticket=command.ticket)
    step(TICKET, ticket.state, "redeem")
    if not _may_redeem(state, ticket, command.boot_id, now):
        raise Refused("ticket_cancelled", detail="it does not hold for this boot or time")
    redeemed = e.TicketRedeemed(at=now, ticket=ticket.id, boot_after=command.boot_id)
    return Decision((redeemed,), subject=ticket.id)


def report(state: State, command: c.ReportLogon, now: datetime, _policy: Policy) -> Decision:
    """Windows accepted the logon, or refused it: then the password is never tried again (rule 6)."""
    ticket = state.tickets.get(command.ticket)
    if ticket is None:
        raise Refused("no_ticket", ticket=command.ticket)
    if ticket.state is TicketState.LOGGED_ON and not command.refusal:
        return Decision(subject=ticket.id)
    step(TICKET, ticket.state, "log_on")
    if not command.refusal:
        return _logged_on(state, ticket, now)
    refused = e.TicketRefused(at=now, ticket=ticket.id, why="refused", detail=command.refusal)
    decision = Decision((refused,), subject=ticket.id)
    grant = state.grants[ticket.grant]
    if grant not in live_grants(state):
        return decision
    return decision + end_grant(state, grant, now, "reject", command.refusal)


def _logged_on(state: State, ticket: Ticket, now: datetime) -> Decision:
    effects: tuple[fx.AnyEffect, ...] = (fx.SummonCompanion(account=ticket.account),)
    if ticket.must_lock or not _session_open(state, ticket):
        effects = (fx.CloseDesktop(ticket=ticket.id, boot_id=ticket.boot_after or ""), *effects)
    decision = Decision((e.TicketLoggedOn(at=now, ticket=ticket.id),), effects, ticket.id)
    return decision + use_up(state, state.grants[ticket.grant], now, ticket.id)


def _session_open(state: State, ticket: Ticket) -> bool:
    return state.sessions[ticket.session].closed_at is None


def cancel(state: State, command: c.CancelTicket, now: datetime, _policy: Policy) -> Decision:
    """The use did not begin; it is not counted."""
    ticket = state.tickets.get(command.ticket)
    if ticket is None or ticket.state is not TicketState.ISSUED:
        return Decision()
    return Decision((drop(ticket, now, "cancel", command.why, refund=True),), subject=ticket.id)


def close_desktop(state: State, command: c.CloseDesktop, now: datetime, _policy: Policy) -> Decision:
    """The desktop that a ticket opened is closed (rule 9)."""
    ticket = state.tickets.get(command.ticket)
    if ticket is None or ticket.state is not TicketState.LOGGED_ON or ticket.closing is not None:
        return Decision()
    return Decision((e.DesktopClosed(at=now, ticket=ticket.id, how=command.how),), subject=ticket.id)


def record_erasure(state: State, command: c.RecordErasure, now: datetime, _policy: Policy) -> Decision:
    """Note what reading the disk back has shown (rule 8)."""
    grant = state.grants.get(command.grant)
    if grant is None or grant.state is GrantState.ERASED:
        return Decision()
    step(GRANT, grant.state, "erased" if command.erasure.confirmed else "erase_failed")
    if (
        not command.erasure.confirmed
        and grant.erasure is not None
        and grant.erasure.checks == command.erasure.checks
    ):
        return Decision(subject=grant.id)
    checked = e.ErasureChecked(at=now, grant=grant.id, erasure=command.erasure)
    return Decision((checked,), (fx.SummonCompanion(account=grant.account),), grant.id)


def see_boot(state: State, command: c.SeeBoot, now: datetime, policy: Policy) -> Decision:
    """A new boot: what the last one left half done is settled, waiting tickets are announced."""
    if command.boot_id == state.boot_id:
        return Decision()
    decision = Decision((e.BootSeen(at=now, boot_id=command.boot_id),))
    for ticket in state.tickets.values():
        decision += _after_boot(state, ticket, command, now)
    waiting = any(t.state is TicketState.ISSUED and t.action == "restart" for t in state.tickets.values())
    if state.boot_id and not waiting:
        decision += _foreign(state, command, now, policy)
    return decision


def _after_boot(state: State, ticket: Ticket, command: c.SeeBoot, now: datetime) -> Decision:
    if ticket.state is TicketState.REDEEMED:
        interrupted = e.TicketRefused(at=now, ticket=ticket.id, why="interrupted")
        return Decision((interrupted,)) + use_up(state, state.grants[ticket.grant], now, ticket.id)
    if ticket.state is TicketState.LOGGED_ON and ticket.closing is None:
        return Decision((e.DesktopClosed(at=now, ticket=ticket.id, how="gone"),))
    if ticket.state is not TicketState.ISSUED:
        return Decision()
    if ticket.action == "unlock":
        return Decision((drop(ticket, now, "cancel", "restarted"),))
    return Decision(effects=(fx.AnnounceTicket(ticket=ticket.id, boot_id=command.boot_id),))


def _foreign(state: State, command: c.SeeBoot, now: datetime, policy: Policy) -> Decision:
    """Somebody else restarted the PC: use a grant whose terms cover that."""
    for grant in live_grants(state):
        if not grant.terms.foreign_restarts:
            continue
        try:
            usable(state, grant.session, "", "restart", now)
            _not_too_soon(state, now, policy)
        except Refused:
            continue
        issued = e.TicketIssued(
            at=now,
            ticket=command.ticket,
            grant=grant.id,
            action="restart",
            expires_at=min(now + timedelta(minutes=15), grant.terms.not_after),
            boot_before=state.boot_id,
            foreign=True,
        )
        announce = fx.AnnounceTicket(ticket=command.ticket, boot_id=command.boot_id)
        return Decision((issued,), (announce,))
    return Decision()


def see_sign_ins(state: State, command: c.SeeSignIns, now: datetime, _policy: Policy) -> Decision:
    """A redeemed ticket's account has an open desktop: the logon happened, whoever reports it."""
    decision = Decision()
    for ticket in state.tickets.values():
        if ticket.state is TicketState.REDEEMED and ticket.account.sid in command.open_desktops:
            decision += _logged_on(state, ticket, now)
    return decision


def lapse(state: State, ticket: Ticket, now: datetime) -> Decision:
    """A ticket's time is over, or a desktop's."""
    if ticket.state in OPEN_TICKETS and now >= ticket.expires_at:
        if ticket.state is TicketState.ISSUED:
            lapsed = Decision((drop(ticket, now, "lapse", "time"),))
        else:
            lapsed = Decision((e.TicketRefused(at=now, ticket=ticket.id, why="interrupted"),))
        return lapsed + use_up(state, state.grants[ticket.grant], now, ticket.id)
    if ticket.relock_at is not None and now >= ticket.relock_at:
        return Decision(effects=(fx.CloseDesktop(ticket=ticket.id, boot_id=ticket.boot_after or ""),))
    return Decision()
