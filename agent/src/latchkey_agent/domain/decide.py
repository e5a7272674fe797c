# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`decide(state, command, now, policy)`: the decision on a command, or its refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from . import (
    challenges,
    clock,
    grants,
    idempotency,
    permits,
    plain_restarts,
    programs,
    recovery,
    requests,
    sessions,
)
from . import commands as c
from . import effects as fx
from . import events as e
from .clock import Now
from .decision import Decision, end_grant, end_session, live_grants
from .evolve import evolve
from .model import Request, State
from .policy import Policy
from .transitions import OPEN_PERMITS, OPEN_REQUESTS, RequestState, SessionState


def decide(state: State, command: c.AnyCommand, now: Now, policy: Policy) -> Decision:
    """Return the events and effects of a command.

    Raises:
        Refused: the rules do not allow it.
        IllegalTransitionError: no table lists it.
    """
    return _RULES[type(command)](state, command, now, policy)


def tick(state: State, _command: c.Tick, now: Now, _policy: Policy) -> Decision:
    """End everything whose time is over. Each part sees the changes of the parts before it.

    Sessions come after grants and requests, so that these end for their own reason.
    """
    total = clock.take(state, now) + clock.see(state, now)
    for part in (_requests, _grants, _sessions, _permits):
        decision = sum(part(state, now), Decision())
        for event in decision.events:
            state = evolve(state, event)
        total += decision
    return total


def _sessions(state: State, now: Now) -> Iterator[Decision]:
    for session in state.sessions.values():
        if session.state is SessionState.STARTED and now.ends >= session.ends_at:
            yield end_session(state, session, now.at, "expire")


def _grants(state: State, now: Now) -> Iterator[Decision]:
    for grant in live_grants(state):
        if now.ends >= grant.terms.not_after:
            yield end_grant(state, grant, e.GrantEnded(at=now.at, grant=grant.id, how="expire"))


def _requests(state: State, now: Now) -> Iterator[Decision]:
    for request in state.requests.values():
        if request.state in OPEN_REQUESTS:
            yield _request(request, now)


def _request(request: Request, now: Now) -> Decision:
    notify = (fx.SummonCompanion(account=request.account),)
    if now.ends >= request.answer_by:
        return Decision((e.RequestClosed(at=now.at, request=request.id, how="expire"),), notify)
    if (
        request.state is RequestState.LATER
        and request.later_until is not None
        and now.at >= request.later_until
    ):
        return Decision((e.RequestAskedAgain(at=now.at, request=request.id),), notify)
    # It belongs to the end of the request, so it counts by the same time.
    if (remind_at := requests.reminder_at(request)) is not None and now.ends >= remind_at:
        return Decision((e.RequestReminded(at=now.at, request=request.id),), notify)
    return Decision()


def _permits(state: State, now: Now) -> Iterator[Decision]:
    for permit in state.permits.values():
        yield permits.lapse(state, permit, now)
    for restart in state.restarts.values():
        yield plain_restarts.lapse(restart, now)


def seconds_left(state: State, now: Now) -> float | None:
    """Return the seconds until time alone changes something next, None if it never does; not below 0."""
    left = min(_seconds(state, now), default=None)
    return None if left is None else max(left, 0.0)


def _seconds(state: State, now: Now) -> Iterator[float]:
    ends = [s.ends_at for s in state.sessions.values() if s.state is SessionState.STARTED]
    ends += [g.terms.not_after for g in live_grants(state)]
    for request in state.requests.values():
        if request.state in OPEN_REQUESTS:
            ends.append(requests.reminder_at(request) or request.answer_by)
            if request.later_until is not None:
                # An interval: the PC's clock does not shorten it.
                yield (request.later_until - now.at).total_seconds()
    yield from ((end - now.ends).total_seconds() for end in ends)
    yield from ((r.lapses_at - now.at).total_seconds() for r in state.restarts.values() if r.is_pending)
    for permit in state.permits.values():
        if permit.state in OPEN_PERMITS:
            yield (permits.last_moment(permit) - now.at).total_seconds()
            begin = state.grants[permit.grant].terms.not_before
            if begin > now.opens:
                # The logon screen is notified again at that moment: a clock that is set can move it.
                yield (begin - now.opens).total_seconds()
        elif permit.relock_at is not None:
            yield (permit.relock_at - now.at).total_seconds()
            yield (state.grants[permit.grant].terms.not_after - now.ends).total_seconds()


_Rule = Callable[[State, Any, Now, Policy], Decision]
_RULES: dict[type[c.Command], _Rule] = {
    c.StartSession: sessions.start,
    c.EndSession: sessions.end,
    c.IssueChallenge: challenges.issue,
    c.SetCheckpoint: sessions.set_checkpoint,
    c.MakeRequest: requests.ask,
    c.WithdrawRequest: requests.withdraw,
    c.ShowRequest: requests.show,
    c.PostponeRequest: requests.postpone,
    c.DenyRequest: requests.deny,
    c.UnblockAsker: requests.unblock,
    c.TryEntry: requests.try_entry,
    c.RefusePassword: requests.refuse_password,
    c.GiveGrant: requests.give,
    c.BeginTrial: grants.begin_trial,
    c.EndTrial: grants.end_trial,
    c.PauseGrant: grants.pause,
    c.RevokeGrants: grants.revoke,
    c.RejectGrant: grants.reject,
    c.ApplyGrant: grants.apply,
    c.OrderRestart: plain_restarts.order,
    c.DropRestart: plain_restarts.drop,
    c.StartProgram: programs.start,
    c.EndProgram: programs.end,
    c.NoteCall: idempotency.note,
    c.RedeemPermit: permits.redeem,
    c.ReportLogon: permits.report,
    c.CancelPermit: permits.cancel,
    c.CloseDesktop: permits.close_desktop,
    c.RecordErasure: grants.record_erasure,
    c.CloseNotices: sessions.close_notices,
    c.Recover: recovery.recover,
    c.SeeBoot: recovery.see_boot,
    c.SeeSignIns: permits.see_sign_ins,
    c.Tick: tick,
}
