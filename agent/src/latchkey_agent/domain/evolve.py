# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`evolve(state, event)`: the state after an event. The journal's fold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Literal, TypeVar

from msgspec.structs import replace

from . import events as e
from .model import Grant, Mark, Notice, NoticeKind, Request, State, SupportSession, Ticket, settled
from .transitions import GRANT, REQUEST, SESSION, TICKET, GrantState, SessionState, step

V = TypeVar("V")
KEPT_SESSIONS = 32
"""Closed sessions stay in the state as long as no newer ones push them out; the journal keeps all."""
KEPT_NOTICES = 64
"""Notices that an account has not closed; older ones make way, their receipts stay."""


def evolve(state: State, event: e.AnyEvent) -> State:
    """Return the state after `event`.

    Raises:
        IllegalTransitionError: the journal says what the tables do not allow.
    """
    return replace(_RULES[type(event)](state, event), version=state.version + 1)


def fold(state: State, events: Iterable[e.AnyEvent]) -> State:
    """Return the state after all of these events; raises IllegalTransitionError."""
    for event in events:
        state = evolve(state, event)
    return state


def _with(items: dict[str, V], key: str, item: V) -> dict[str, V]:
    return {**items, key: item}


def _session_opened(state: State, event: e.SessionOpened) -> State:
    session = SupportSession(
        id=event.session,
        name=event.name,
        requester=event.requester,
        reason=event.reason,
        ticket=event.ticket,
        language=event.language,
        opened_at=event.at,
        ends_at=event.ends_at,
    )
    state = _forget(state, event.name)
    return replace(state, sessions=_with(state.sessions, session.id, session))


def _forget(state: State, name: str) -> State:
    """Drop closed sessions of that name, and the oldest ones beyond the number kept."""
    unsettled = _unsettled(state)
    over = [s.id for s in state.sessions.values() if s.id not in unsettled]
    gone = {i for i in over if state.sessions[i].name == name} | set(
        over[: max(0, len(over) - KEPT_SESSIONS)]
    )
    if not gone:
        return state
    return replace(
        state,
        sessions={k: v for k, v in state.sessions.items() if k not in gone},
        requests={k: v for k, v in state.requests.items() if v.session not in gone},
        grants={k: v for k, v in state.grants.items() if v.session not in gone},
        tickets={k: v for k, v in state.tickets.items() if v.session not in gone},
    )


def _unsettled(state: State) -> set[str]:
    """Return the sessions that are open, or have something sealed, unconfirmed or under way."""
    opened = {s.id for s in state.sessions.values() if s.state is SessionState.OPEN}
    sealed = {g.session for g in state.grants.values() if g.state is not GrantState.ERASED}
    under_way = {t.session for t in state.tickets.values() if not settled(t)}
    return opened | sealed | under_way


def _session_closed(state: State, event: e.SessionClosed) -> State:
    session = state.sessions[event.session]
    after = replace(session, state=step(SESSION, session.state, event.how), closed_at=event.at)
    return replace(state, sessions=_with(state.sessions, session.id, after))


def _mark_set(state: State, event: e.MarkSet) -> State:
    session = state.sessions[event.session]
    marks = {k: v for k, v in session.marks.items() if k != event.step}
    if event.state is not None:
        marks[event.step] = Mark(event.state, event.at)
    return replace(state, sessions=_with(state.sessions, session.id, replace(session, marks=marks)))


def _request(state: State, request: Request, given: str, **changes: Any) -> State:
    after = replace(request, state=step(REQUEST, request.state, given), **changes)
    return replace(state, requests=_with(state.requests, request.id, after))


def _request_made(state: State, event: e.RequestMade) -> State:
    request = Request(
        id=event.request,
        session=event.session,
        account=event.account,
        terms=event.terms,
        code=event.code,
        asked_at=event.at,
        answer_by=event.answer_by,
    )
    return replace(state, requests=_with(state.requests, request.id, request))


def _request_shown(state: State, event: e.RequestShown) -> State:
    request = state.requests[event.request]
    return _request(state, request, "show", shown_at=request.shown_at or event.at)


def _request_postponed(state: State, event: e.RequestPostponed) -> State:
    return _request(state, state.requests[event.request], "postpone", later_until=event.until)


def _request_asked_again(state: State, event: e.RequestAskedAgain) -> State:
    return _request(state, state.requests[event.request], "ask_again", later_until=None)


def _password_refused(state: State, event: e.PasswordRefused) -> State:
    request = state.requests[event.request]
    after = replace(request, judged=request.attempts, last_refusal=event.why)
    return replace(state, requests=_with(state.requests, request.id, after))


def _entry_tried(state: State, event: e.EntryTried) -> State:
    request = state.requests[event.request]
    after = replace(request, attempts=request.attempts + 1)
    return replace(state, requests=_with(state.requests, request.id, after))


def _request_denied(state: State, event: e.RequestDenied) -> State:
    changes = {"answered_at": event.at, "why": event.why, "refusal": event.refusal}
    return _request(state, state.requests[event.request], "deny", **changes)


def _request_closed(state: State, event: e.RequestClosed) -> State:
    return _request(state, state.requests[event.request], event.how)


def _grant_given(state: State, event: e.GrantGiven) -> State:
    request = state.requests[event.request]
    grant = Grant(
        id=event.grant,
        request=request.id,
        session=request.session,
        account=request.account,
        terms=request.terms,
        tag=event.tag,
        granted_at=event.at,
        restarts_left=request.terms.restarts,
        unlocks_left=request.terms.unlocks,
    )
    state = _request(state, request, "grant", answered_at=event.at)
    state = replace(state, grants=_with(state.grants, grant.id, grant))
    return _notice(state, grant, event, "granted", while_away=False)


def _grant(state: State, grant: Grant, given: str, **changes: Any) -> State:
    after = replace(grant, state=step(GRANT, grant.state, given), **changes)
    return replace(state, grants=_with(state.grants, grant.id, after))


def _trial(state: State, event: e.TrialBegun | e.TrialEnded) -> State:
    grant = replace(state.grants[event.grant], on_trial=isinstance(event, e.TrialBegun))
    return replace(state, grants=_with(state.grants, grant.id, grant))


def _grant_paused(state: State, event: e.GrantPaused) -> State:
    return _grant(state, state.grants[event.grant], "pause")


def _grant_resumed(state: State, event: e.GrantResumed) -> State:
    return _grant(state, state.grants[event.grant], "resume")


def _grant_ended(state: State, event: e.GrantEnded) -> State:
    grant = state.grants[event.grant]
    ended = step(GRANT, grant.state, event.how)
    state = _grant(state, grant, event.how, ended=ended, ended_at=event.at, why=event.why)
    return _notice(state, grant, event, "ended", detail=ended, while_away=event.how != "revoke")


def _erasure_checked(state: State, event: e.ErasureChecked) -> State:
    grant = state.grants[event.grant]
    before = grant.state
    given: Literal["erased", "erase_failed"] = "erased" if event.erasure.confirmed else "erase_failed"
    state = _grant(state, grant, given, erasure=event.erasure)
    if given == before.value:
        return state
    return _notice(state, grant, event, given)


def _ticket_issued(state: State, event: e.TicketIssued) -> State:
    grant = state.grants[event.grant]
    ticket = Ticket(
        id=event.ticket,
        grant=grant.id,
        session=grant.session,
        account=grant.account,
        action=event.action,
        issued_at=event.at,
        expires_at=event.expires_at,
        boot_before=event.boot_before,
        step=event.step,
        foreign=event.foreign,
        must_lock=event.must_lock,
        relock_seconds=event.relock_seconds,
    )
    state = _count(state, replace(grant, on_trial=False), event.action, -1)
    if event.action == "restart":
        state = replace(state, last_restart_at=event.at)
    return replace(state, tickets=_with(state.tickets, ticket.id, ticket))


def _count(state: State, grant: Grant, action: str, by: int) -> State:
    if action == "restart":
        after = replace(grant, restarts_left=grant.restarts_left + by)
    else:
        after = replace(grant, unlocks_left=grant.unlocks_left + by)
    return replace(state, grants=_with(state.grants, grant.id, after))


def _ticket(state: State, ticket: Ticket, given: str, **changes: Any) -> State:
    after = replace(ticket, state=step(TICKET, ticket.state, given), **changes)
    return replace(state, tickets=_with(state.tickets, ticket.id, after))


def _ticket_redeemed(state: State, event: e.TicketRedeemed) -> State:
    ticket = state.tickets[event.ticket]
    return _ticket(state, ticket, "redeem", boot_after=event.boot_after, redeemed_at=event.at)


def _ticket_logged_on(state: State, event: e.TicketLoggedOn) -> State:
    ticket = state.tickets[event.ticket]
    grant, relock = state.grants[ticket.grant], None
    if not ticket.must_lock:
        relock = min(event.at + timedelta(seconds=ticket.relock_seconds), grant.terms.not_after)
    changes = {"logged_on_at": event.at, "relock_at": relock, "why": "", "detail": ""}
    return _notice(_ticket(state, ticket, "log_on", **changes), grant, event, "used", detail=ticket.action)


def _ticket_refused(state: State, event: e.TicketRefused) -> State:
    ticket = state.tickets[event.ticket]
    state = _ticket(state, ticket, "refuse", why=event.why, detail=event.detail)
    return _notice(state, state.grants[ticket.grant], event, "failed", detail=event.why)


def _ticket_dropped(state: State, event: e.TicketDropped) -> State:
    ticket = state.tickets[event.ticket]
    if event.refund:
        state = _count(state, state.grants[ticket.grant], ticket.action, +1)
    return _ticket(state, ticket, event.how, why=event.why)


def _relock_due(state: State, event: e.RelockDue) -> State:
    ticket = replace(state.tickets[event.ticket], relock_at=None)
    return replace(state, tickets=_with(state.tickets, ticket.id, ticket))


def _desktop_closed(state: State, event: e.DesktopClosed) -> State:
    ticket = state.tickets[event.ticket]
    after = replace(ticket, closing=event.how, closed_at=event.at, relock_at=None)
    state = replace(state, tickets=_with(state.tickets, ticket.id, after))
    return _notice(state, state.grants[ticket.grant], event, "locked", detail=event.how)


def _notice(
    state: State, grant: Grant, event: e.Event, kind: NoticeKind, *, detail: str = "", while_away: bool = True
) -> State:
    session = state.sessions[grant.session]
    notice = Notice(
        id=f"n{state.version}",
        account=grant.account.sid,
        kind=kind,
        at=event.at,
        requester=session.requester.name or session.requester.operator,
        ticket=session.ticket,
        detail=detail,
        not_after=grant.terms.not_after,
        while_away=while_away,
    )
    return replace(state, notices=_with(_room(state.notices, notice.account), notice.id, notice))


def _room(notices: dict[str, Notice], account: str) -> dict[str, Notice]:
    """Drop an account's oldest notices where a new one would be one too many."""
    theirs = [n.id for n in notices.values() if n.account == account]
    gone = theirs[: len(theirs) - KEPT_NOTICES + 1] if len(theirs) >= KEPT_NOTICES else []
    return {k: v for k, v in notices.items() if k not in gone} if gone else notices


def _notices_closed(state: State, event: e.NoticesClosed) -> State:
    gone = frozenset(event.notices)
    return replace(state, notices={k: v for k, v in state.notices.items() if k not in gone})


def _boot_seen(state: State, event: e.BootSeen) -> State:
    # The first boot that is seen was not a restart that anybody could have asked for.
    restarted = event.at if state.boot_id else state.last_restart_at
    return replace(state, boot_id=event.boot_id, last_restart_at=restarted)


def _clock_set_back(state: State, event: e.ClockSetBack) -> State:
    return replace(state, last_restart_at=event.at)


def _nothing(state: State, _event: e.Event) -> State:
    return state


_RULES: dict[type[e.Event], Callable[[State, Any], State]] = {
    e.SessionOpened: _session_opened,
    e.SessionClosed: _session_closed,
    e.MarkSet: _mark_set,
    e.RequestMade: _request_made,
    e.RequestShown: _request_shown,
    e.RequestPostponed: _request_postponed,
    e.RequestAskedAgain: _request_asked_again,
    e.EntryTried: _entry_tried,
    e.PasswordRefused: _password_refused,
    e.RequestDenied: _request_denied,
    e.RequestClosed: _request_closed,
    e.GrantGiven: _grant_given,
    e.TrialBegun: _trial,
    e.TrialEnded: _trial,
    e.GrantPaused: _grant_paused,
    e.GrantResumed: _grant_resumed,
    e.GrantEnded: _grant_ended,
    e.ErasureChecked: _erasure_checked,
    e.TicketIssued: _ticket_issued,
    e.TicketRedeemed: _ticket_redeemed,
    e.TicketLoggedOn: _ticket_logged_on,
    e.TicketRefused: _ticket_refused,
    e.TicketDropped: _ticket_dropped,
    e.RelockDue: _relock_due,
    e.DesktopClosed: _desktop_closed,
    e.NoticesClosed: _notices_closed,
    e.BootSeen: _boot_seen,
    e.ClockSetBack: _clock_set_back,
    e.CommandRefused: _nothing,
    e.JournalBegun: _nothing,
}
