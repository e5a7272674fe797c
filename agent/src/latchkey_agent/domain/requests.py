# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for sessions, requests and what the customer answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .decision import Decision, close_session, end_grant, live_grants, open_session
from .model import Grant, Request, State, SupportSession, Terms
from .policy import Policy
from .refusal import Refused
from .terms import covers
from .transitions import OPEN_REQUESTS, REQUEST, GrantState, RequestState, SessionState, step

TRIES = 2
"""Checks of a password per request window (rule 6)."""


def open_(state: State, command: c.StartSession, now: datetime, policy: Policy) -> Decision:
    """Open a session; the same name again finds it, for the same purpose only."""
    for session in state.sessions.values():
        if session.name == command.name and session.state is SessionState.STARTED:
            _same_purpose(session, command)
            return Decision(subject=session.id)
    if not command.reason.strip():
        raise Refused("reason_missing")
    if policy.require_ticket and not command.ticket.strip():
        raise Refused("policy_refuses", detail="a support session needs a ticket")
    latest = now + timedelta(hours=policy.max_session_hours)
    ends_at = min(command.ends_at or latest, latest)
    if ends_at <= now:
        raise Refused("bad_time", field="ends", detail="the session would be over before it begins")
    opened = e.SessionStarted(
        at=now,
        session=command.session,
        name=command.name,
        requester=command.requester,
        reason=command.reason,
        ticket=command.ticket,
        language=command.language,
        ends_at=ends_at,
    )
    return Decision((opened,), subject=command.session)


def _same_purpose(session: SupportSession, command: c.StartSession) -> None:
    """What the customer may already have read must not change under the same name."""
    pairs = (("reason", session.reason, command.reason), ("ticket", session.ticket, command.ticket))
    for field, open_one, asked in pairs:
        if asked and asked != open_one:
            raise Refused("session_in_use", session=command.name, detail=f"its {field} is {open_one!r}")


def end(state: State, command: c.EndSession, now: datetime, _policy: Policy) -> Decision:
    """End a session; one that is over already stays as it ended."""
    try:
        session = open_session(state, command.name)
    except Refused:
        closed = [s for s in state.sessions.values() if s.name == command.name]
        if not closed:
            raise
        return Decision(subject=closed[-1].id)
    return close_session(state, session, now, "end")


def set_checkpoint(state: State, command: c.SetCheckpoint, now: datetime, _policy: Policy) -> Decision:
    """Set or remove a checkpoint."""
    session = open_session(state, command.name)
    before = session.checkpoints.get(command.step)
    if (before.state if before else None) == command.state:
        return Decision(subject=session.id)
    event = e.CheckpointSet(at=now, session=session.id, step=command.step, state=command.state)
    return Decision((event,), subject=session.id)


def ask(state: State, command: c.MakeRequest, now: datetime, policy: Policy) -> Decision:
    """Ask, unless a grant covers it or the same question is open already."""
    session = open_session(state, command.name)
    blocked_by_erasure(state)
    _allowed(command.terms, policy)
    if (grant := _covering(state, session.id, command)) is not None:
        return Decision(subject=grant.id)
    same, others = _open_requests(state, session.id, command)
    if same is not None:
        return Decision(subject=same.id)
    answer_by = min(command.answer_by, session.ends_at, command.terms.not_after)
    if command.answer_by < now:
        raise Refused("bad_time", field="answer_by", detail="it is over already")
    withdrawn = tuple(e.RequestClosed(at=now, request=r.id, how="withdraw") for r in others)
    made = e.RequestMade(
        at=now,
        request=command.request,
        session=session.id,
        account=command.account,
        terms=command.terms,
        code=command.code,
        answer_by=answer_by,
    )
    return Decision((*withdrawn, made), (fx.SummonCompanion(account=command.account),), command.request)


def _allowed(terms: Terms, policy: Policy) -> None:
    if terms.restarts + terms.unlocks == 0:
        raise Refused("bad_terms", detail="no restart and no unlock is asked for")
    if terms.restarts > policy.max_restarts:
        raise Refused("policy_refuses", detail=f"at most {policy.max_restarts} restarts may be lent")
    if terms.unlocks > policy.max_unlocks:
        raise Refused("policy_refuses", detail=f"at most {policy.max_unlocks} unlocks may be lent")
    if terms.foreign_restarts and not policy.allow_foreign_restarts:
        raise Refused("policy_refuses", detail="restarts that others start may not be covered")


def _covering(state: State, session: str, command: c.MakeRequest) -> Grant | None:
    for grant in live_grants(state, session):
        if grant.account.sid == command.account.sid and covers(grant.terms, command.terms):
            return grant
    return None


def _open_requests(
    state: State, session: str, command: c.MakeRequest
) -> tuple[Request | None, list[Request]]:
    """Split the session's open questions to this account: the same one, and others."""
    mine = [
        r
        for r in state.requests.values()
        if r.session == session and r.account.sid == command.account.sid and r.state in OPEN_REQUESTS
    ]
    same = next((r for r in mine if covers(r.terms, command.terms)), None)
    return same, [] if same else mine


def blocked_by_erasure(state: State) -> None:
    """Refuse new secrets while an old one is not known to be gone (rule 8)."""
    for grant in state.grants.values():
        if grant.state is GrantState.ERASE_FAILED and grant.erasure is not None:
            failed = [f"{name}: {detail}" for name, passed, detail in grant.erasure.checks if not passed]
            raise Refused("erasure_unconfirmed", detail="; ".join(failed))


def find_request(state: State, request: str) -> Request:
    """Return a request by its id.

    Raises:
        Refused: `no_request`.
    """
    if (found := state.requests.get(request)) is None:
        raise Refused("no_request", request=request)
    return found


def withdraw(state: State, command: c.WithdrawRequest, now: datetime, _policy: Policy) -> Decision:
    """Take an open question back; one that is answered stays answered."""
    request = find_request(state, command.request)
    if request.state not in OPEN_REQUESTS:
        return Decision(subject=request.id)
    closed = e.RequestClosed(at=now, request=request.id, how="withdraw")
    return Decision((closed,), (fx.SummonCompanion(account=request.account),), request.id)


def show(state: State, command: c.ShowRequest, now: datetime, _policy: Policy) -> Decision:
    """The window is up; showing it again (another companion start) is not news."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "show")
    shown = e.RequestShown(at=now, request=request.id, text_sha256=command.text_sha256)
    return Decision((shown,), subject=request.id)


def postpone(state: State, command: c.PostponeRequest, now: datetime, _policy: Policy) -> Decision:
    """Later, but never past the moment until which an answer makes sense."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "postpone")
    until = min(command.until, request.answer_by)
    return Decision((e.RequestPostponed(at=now, request=request.id, until=until),), subject=request.id)


def deny(state: State, command: c.DenyRequest, now: datetime, _policy: Policy) -> Decision:
    """No."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "deny")
    refusal = "reported" if command.reported else ""
    denied = e.RequestDenied(at=now, request=request.id, why=command.why, refusal=refusal)
    return Decision((denied,), subject=request.id)


def try_entry(state: State, command: c.TryEntry, now: datetime, _policy: Policy) -> Decision:
    """Count an entry before Windows is asked: a crash in between must not give it back (rule 6)."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "grant")
    if request.entries >= TRIES:
        raise Refused("out_of_order", detail=f"{TRIES} entries were tried already")
    return Decision((e.EntryTried(at=now, request=request.id),), subject=request.id)


def refuse_password(state: State, command: c.RefusePassword, now: datetime, _policy: Policy) -> Decision:
    """Windows said no to what was typed: once more, or the end of the request."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "deny")
    return refused_entry(request, command.why, now, retry=command.retry)


def refused_entry(request: Request, why: str, now: datetime, *, retry: bool) -> Decision:
    """Note why an entry could not serve; the last one ends the request."""
    events: tuple[e.AnyEvent, ...] = (e.PasswordRefused(at=now, request=request.id, why=why),)
    if retry and request.entries < TRIES:
        return Decision(events, subject=request.id)
    if request.state is RequestState.SHOWN:
        events += (e.RequestDenied(at=now, request=request.id, refusal=why),)
    else:
        # Put off while the entry was judged: nobody could answer it any more.
        events += (e.RequestClosed(at=now, request=request.id, how="withdraw"),)
    return Decision(events, subject=request.id)


def give(state: State, command: c.GiveGrant, now: datetime, _policy: Policy) -> Decision:
    """The grant begins. An older one of the same session and account makes way."""
    request = find_request(state, command.request)
    step(REQUEST, request.state, "grant")
    blocked_by_erasure(state)
    decision = Decision(subject=command.grant)
    for grant in live_grants(state, request.session):
        if grant.account.sid == request.account.sid:
            decision += end_grant(state, grant, now, "withdraw", "replaced")
    given = e.GrantGiven(at=now, grant=command.grant, request=request.id, tag=command.tag)
    told = fx.SummonCompanion(account=request.account)
    return Decision(subject=command.grant) + decision + Decision((given,), (told,))


def close_notices(state: State, command: c.CloseNotices, now: datetime, _policy: Policy) -> Decision:
    """The customer closed these; of others' notices nothing is closed."""
    mine = tuple(
        n for n in command.notices if n in state.notices and state.notices[n].account == command.account
    )
    return Decision((e.NoticesClosed(at=now, notices=mine),)) if mine else Decision()
