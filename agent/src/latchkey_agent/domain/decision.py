# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decisions, and the endings that several rules share."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from . import effects as fx
from . import events as e
from .model import (
    Account,
    Actor,
    DropReason,
    Grant,
    Permit,
    Rejection,
    Request,
    State,
    StopReason,
    SupportSession,
    owes_erasure,
)
from .refusal import Refused
from .transitions import LIVE_GRANTS, OPEN_PERMITS, OPEN_REQUESTS, PermitState, SessionState

_NO_CHANGES = (e.CallNoted, e.ChallengeIssued, e.ChallengeUsed)


class Decision(Struct, frozen=True):
    """Events to journal and effects to run after them; `subject` is the id that the answer is about.

    A decision with effects has an event: the thread that runs effects watches the state's version.
    """

    events: tuple[e.AnyEvent, ...] = ()
    effects: tuple[fx.AnyEffect, ...] = ()
    subject: str = ""

    @property
    def is_change(self) -> bool:
        """Whether the decision changes something; noting a call does not, nor do challenges."""
        return any(not isinstance(event, _NO_CHANGES) for event in self.events)

    def __add__(self, other: Decision) -> Decision:
        """Join two decisions; the first one's subject stays."""
        return Decision(
            self.events + other.events, self.effects + other.effects, self.subject or other.subject
        )


def caused_by(decision: Decision, actor: Actor) -> Decision:
    """Return the decision with the account that caused it on each of its events."""
    return replace(decision, events=tuple(replace(event, actor=actor) for event in decision.events))


def started_session(state: State, name: str) -> SupportSession:
    """Return the started session of that name.

    Raises:
        Refused: `no_session`.
    """
    for session in state.sessions.values():
        if session.name == name and session.state is SessionState.STARTED:
            return session
    raise Refused("no_session", session=name)


def own_session(state: State, name: str, by: Account) -> SupportSession:
    """Return the started session of that name, for an account that may ask and use grants in it.

    Raises:
        Refused: `no_session`, `not_owner`.
    """
    session = started_session(state, name)
    may_use(session, by)
    return session


def may_use(session: SupportSession, by: Account) -> None:
    """Raise Refused (`not_owner`) unless the session is the account's own, or named the account at its start."""
    if by.sid not in own_sids(session):
        raise Refused("not_owner", session=session.name, account=by.qualified, detail=session.owner.qualified)


def own_sids(session: SupportSession) -> set[str]:
    """Return the SIDs of the session's owner and of the accounts that it named at its start."""
    return {session.owner.sid, *(account.sid for account in session.operators)}


def live_grants(state: State, session: str | None = None) -> list[Grant]:
    """Return the active and paused grants, of one session or of all."""
    return [
        grant
        for grant in state.grants.values()
        if grant.state in LIVE_GRANTS and (session is None or grant.session == session)
    ]


def in_use(state: State, session: str | None = None) -> list[Grant]:
    """Return the live grants and those that hold a desktop open, of one session or of all."""
    holding = {permit.grant for permit in state.permits.values() if holds_open(permit)}
    return [
        grant
        for grant in state.grants.values()
        if (grant.state in LIVE_GRANTS or grant.id in holding) and session in {None, grant.session}
    ]


def holds_open(permit: Permit) -> bool:
    """Tell whether a desktop that an unlock opened is still open."""
    return permit.owes_lock and not permit.must_lock


def open_requests(state: State, customer: str) -> list[Request]:
    """Return the requests that wait for a customer (a SID)."""
    return [r for r in state.requests.values() if r.account.sid == customer and r.state in OPEN_REQUESTS]


def checked_requests(state: State) -> list[Request]:
    """Return the open requests with an entry that Windows has not answered yet."""
    return [r for r in state.requests.values() if r.state in OPEN_REQUESTS and r.entries > r.entries_refused]


def decline_all(requests: Iterable[Request], at: datetime, refusal: str = "") -> Decision:
    """Close requests because of what the customer, or another one (`refusal`), answered elsewhere."""
    closed = (e.RequestClosed(at=at, request=r.id, how="decline", refusal=refusal) for r in requests)
    return Decision(tuple(closed))


def issued_permits(state: State, grant: str) -> list[Permit]:
    """Return the grant's unredeemed permits."""
    return [t for t in state.permits.values() if t.grant == grant and t.state is PermitState.ISSUED]


def cancel(permit: Permit, at: datetime, why: DropReason) -> e.PermitDropped:
    """Return the event that makes an unredeemed permit void before its time is over.

    A use that the customer or a restart of the agent ended is not counted if nothing has happened for it.
    """
    refund = why in {"paused", "signed_out", "agent_started"} and costs_nothing(permit)
    return e.PermitDropped(at=at, permit=permit.id, how="cancel", why=why, refund=refund)


def costs_nothing(permit: Permit) -> bool:
    """Tell whether a permit that is void before its redeeming is no use: only our own restart has happened then."""
    return permit.foreign or permit.action == "unlock"


def end_grant(state: State, grant: Grant, ended: e.GrantEnded, *, settled: str = "") -> Decision:
    """End a grant: its permits are void, its programs end, its sealed record is deleted, the customer is notified.

    Its open desktops are closed, unless it is only used up (rule 9). `settled` is a permit that another event of
    the same decision has made void.
    """
    issued = (permit for permit in issued_permits(state, grant.id) if permit.id != settled)
    why: Literal["session_ended", "grant_ended"] = (
        "session_ended" if ended.how == "end_session" else "grant_ended"
    )
    void = tuple(cancel(permit, ended.at, why) for permit in issued)
    erase = (fx.ConfirmErasure(grant=grant.id),) if grant.terms.has_secret else ()
    decision = Decision((*void, ended), (*erase, fx.SummonCompanion(account=grant.account)), grant.id)
    decision += stop_programs(state, grant.id, ended.at, why)
    return decision if ended.how == "use_up" else decision + relock_all(state, grant.id, ended.at)


def stop_programs(state: State, grant: str, at: datetime, why: StopReason) -> Decision:
    """End the running programs of a grant. The events themselves let the shell end them."""
    running = (p for p in state.programs.values() if p.grant == grant and p.end is None)
    return Decision(tuple(e.ProgramEnded(at=at, program=p.id, end="stopped", why=why) for p in running))


def reject_grant(
    state: State, grant: Grant, at: datetime, why: Rejection | None, detail: str = "", *, settled: str = ""
) -> Decision:
    """End a grant that cannot sign in any more; `settled` is as for `end_grant`."""
    ended = e.GrantEnded(at=at, grant=grant.id, how="reject", rejection=why, detail=detail)
    return end_grant(state, grant, ended, settled=settled)


def relock_all(state: State, grant: str, at: datetime) -> Decision:
    """Close the desktops that the uses of a grant hold open."""
    return sum((relock(p, at) for p in state.permits.values() if p.grant == grant), Decision())


def end_session(
    state: State,
    session: SupportSession,
    at: datetime,
    how: Literal["end", "expire"],
    settled_steps: tuple[str, ...] = (),
) -> Decision:
    """End a session with all its requests, grants and open desktops. `settled_steps` need no more work."""
    decision = Decision(subject=session.id)
    for request in state.requests.values():
        if request.session == session.id and request.state in OPEN_REQUESTS:
            closed = e.RequestClosed(at=at, request=request.id, how="withdraw")
            decision += Decision((closed,), (fx.SummonCompanion(account=request.account),))
    for grant in live_grants(state, session.id):
        decision += end_grant(state, grant, e.GrantEnded(at=at, grant=grant.id, how="end_session"))
    ended = e.SessionEnded(at=at, session=session.id, how=how, settled_steps=settled_steps)
    decision += Decision((ended,))
    live = {grant.id for grant in live_grants(state, session.id)}
    for permit in state.permits.values():
        if permit.session == session.id and permit.grant not in live:
            decision += relock(permit, at)
    return decision


def relock(permit: Permit, at: datetime) -> Decision:
    """Lock the desktop that an unlock holds open."""
    if permit.relock_at is None:
        return Decision()
    return Decision((e.RelockDue(at=at, permit=permit.id),), (closing(permit),))


def closing(permit: Permit) -> fx.CloseDesktop:
    """Return the effect that closes a permit's desktop, in the boot that it was opened in."""
    return fx.CloseDesktop(permit=permit.id, boot_id=permit.boot_after or "")


def owed_effects(state: State) -> list[fx.CloseDesktop | fx.ConfirmErasure]:
    """Return the effects that the state itself still asks for: desktops to close now, and erasures to confirm.

    They are stored with their events, too. No chain covers the stored ones, so a missing one is no reason to stop.
    """
    due = (p for p in state.permits.values() if p.owes_lock and p.state not in OPEN_PERMITS)
    closings = [closing(p) for p in due if p.relock_at is None and not p.is_unseen]
    over = (g for g in state.grants.values() if g.ended is not None and owes_erasure(g))
    return [*closings, *(fx.ConfirmErasure(grant=g.id) for g in over)]


def use_up(state: State, grant: Grant, at: datetime, permit: str) -> Decision:
    """End a grant that has nothing left to use, once no other permit of it is open.

    One that covers programs lives until its time is over: the customer's yes is still in use, and is revoked with it.
    """
    if grant.state not in LIVE_GRANTS or grant.terms.programs or not is_spent(state, grant, settled=permit):
        return Decision()
    return end_grant(state, grant, e.GrantEnded(at=at, grant=grant.id, how="use_up"), settled=permit)


def is_spent(state: State, grant: Grant, *, settled: str = "") -> bool:
    """Tell whether no restart and no unlock is left, and no permit is open. `settled`: a permit that does not count."""
    others = (
        t
        for t in state.permits.values()
        if t.grant == grant.id and t.id != settled and t.state in OPEN_PERMITS
    )
    return not (grant.left.restarts or grant.left.unlocks or any(others))
