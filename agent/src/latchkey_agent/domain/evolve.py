# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`evolve(state, event)` returns the state after an event, `fold` the state after many.

The rules change a draft; a state itself never changes. One draft for all
events of a journal is many times faster than one state for each event.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

from msgspec.structs import replace

from . import events as e
from .model import (
    AGENT,
    Account,
    Archived,
    Asking,
    Authorities,
    Call,
    Challenge,
    Checkpoint,
    ClockBase,
    Grant,
    Notice,
    NoticeKind,
    Omitted,
    Permit,
    PlainRestart,
    Program,
    Request,
    State,
    SupportSession,
    Uses,
    how_ended,
    is_under_way,
    may_restart,
    open_since,
    owes_erasure,
    restarts_itself,
    signed_on,
)
from .transitions import GRANT, PERMIT, REQUEST, SESSION, PermitState, SessionState, step

KEPT_SESSIONS = 32
"""Ended sessions stay in the state until newer ones push them out; the journal keeps all."""
KEPT_CALLS = 256
"""Calls of an account that are known again; who lost an answer asks again within minutes."""
ASKING_TIME = timedelta(hours=1)
"""The time in which an account's requests to one customer are counted."""
KEPT_ARCHIVE = timedelta(days=1100)
"""The longest time for which a policy can keep receipts (`Policy.receipt_days`)."""
KEPT_OMISSIONS = 16
"""Restarts by others that a grant remembers without a sign-in; the journal keeps all."""
KEPT_CHALLENGES = 16
"""The latest challenges of a session; an older one counts as unknown."""
KEPT_NOTICES = 256
"""Notices that an account has not closed; older ones make way, their receipts stay."""
KEPT_DURATIONS = 200
"""Steps whose last duration is known; the latest stay."""
PROMPTLY = timedelta(seconds=10)
"""The notice of a desktop that is closed later than this after the password was used says how long it was open."""
AT_ONCE = 8
"""The number of sessions that are dropped together: dropping one at a time would dominate reading a long journal."""


def evolve(state: State, event: e.AnyEvent) -> State:
    """Return the state after `event`.

    Raises:
        IllegalTransitionError: an event contradicts the state tables.
    """
    return fold(state, (event,))


def fold(state: State, events: Iterable[e.AnyEvent]) -> State:
    """Return the state after all of these events.

    Raises:
        IllegalTransitionError: an event contradicts the state tables.
    """
    draft = _Draft(state)
    for event in events:
        draft.seen_at = event.at if draft.seen_at is None else max(draft.seen_at, event.at)
        _RULES[type(event)](draft, event)
        if event.call is not None:
            _remember(draft, replace(event.call, by=event.actor.sid))
        draft.version += 1
    return draft.state()


class _Draft:
    """A mutable copy of a state; the values in it are immutable."""

    def __init__(self, state: State) -> None:
        self.version = state.version
        self.sessions: dict[str, SupportSession] = dict(state.sessions)
        self.requests: dict[str, Request] = dict(state.requests)
        self.grants: dict[str, Grant] = dict(state.grants)
        self.permits: dict[str, Permit] = dict(state.permits)
        self.programs: dict[str, Program] = dict(state.programs)
        self.restarts: dict[str, PlainRestart] = dict(state.restarts)
        self.notices: dict[str, Notice] = dict(state.notices)
        self.boot_id: str = state.boot_id
        self.clock: ClockBase | None = state.clock
        self.seen_at: datetime | None = state.seen_at
        self.clock_ahead: timedelta = state.clock_ahead
        self.last_restart_at: datetime | None = state.last_restart_at
        self.asking: dict[str, Asking] = dict(state.asking)
        self.blocked: dict[str, str] = dict(state.blocked)
        self.quiet: dict[str, datetime] = dict(state.quiet)
        self.archive: dict[str, Archived] = state.archive
        self._owns_archive = False
        self.calls: dict[str, Call] = dict(state.calls)
        self.replaced_at: datetime | None = state.replaced_at
        self.device_key = state.device_key
        self.challenges: dict[str, Challenge] = state.challenges
        self.authorities: Authorities = state.authorities
        self.durations: dict[str, timedelta] = state.durations

    def own_archive(self) -> dict[str, Archived]:
        """Return the archive to change, copied once: copying it for each event would make a start quadratic."""
        if not self._owns_archive:
            self.archive, self._owns_archive = dict(self.archive), True
        return self.archive

    def state(self) -> State:
        return State(
            version=self.version,
            sessions=self.sessions,
            requests=self.requests,
            grants=self.grants,
            permits=self.permits,
            programs=self.programs,
            restarts=self.restarts,
            notices=self.notices,
            boot_id=self.boot_id,
            clock=self.clock,
            seen_at=self.seen_at,
            clock_ahead=self.clock_ahead,
            last_restart_at=self.last_restart_at,
            asking=self.asking,
            blocked=self.blocked,
            quiet=self.quiet,
            archive=self.archive,
            calls=self.calls,
            replaced_at=self.replaced_at,
            device_key=self.device_key,
            challenges=self.challenges,
            authorities=self.authorities,
            durations=self.durations,
        )


def _remember(draft: _Draft, call: Call) -> None:
    draft.calls[call.key] = call
    if len(draft.calls) <= KEPT_CALLS:
        return
    theirs = [one for one in draft.calls.values() if one.by == call.by]
    if len(theirs) > KEPT_CALLS:
        gone = next((one for one in theirs if not _is_use(draft, one)), theirs[0])
        del draft.calls[gone.key]


def _is_use(draft: _Draft, call: Call) -> bool:
    """Tell whether a call used a grant of a started session: a repeat must not use it once more."""
    kinds = (draft.permits, draft.programs, draft.grants, draft.restarts)
    thing = next((things[call.subject] for things in kinds if call.subject in things), None)
    return thing is not None and draft.sessions[thing.session].state is SessionState.STARTED


def _session_started(draft: _Draft, event: e.SessionStarted) -> None:
    _forget(draft, event.at)
    draft.sessions[event.session] = SupportSession(
        id=event.session,
        name=event.name,
        owner=event.owner,
        operators=event.operators,
        requester=event.requester,
        reason=event.reason,
        ticket=event.ticket,
        started_at=event.at,
        ends_at=event.ends_at,
    )


def _forget(draft: _Draft, at: datetime) -> None:
    """Put the oldest ended sessions aside beyond the number that the rules keep; their receipts stay.

    The archive is in the order of time. While the clock was wrong it may not be: then a receipt is kept longer.
    """
    if len(draft.sessions) < KEPT_SESSIONS + AT_ONCE:
        return
    unsettled = _unsettled(draft)
    over = [s.id for s in draft.sessions.values() if s.id not in unsettled]
    gone = over[: max(0, len(over) - KEPT_SESSIONS)]
    archive = draft.own_archive()
    while archive and at - archive[oldest := next(iter(archive))].at >= KEPT_ARCHIVE:
        del archive[oldest]
    aside = (_archived(draft, session, at) for session in gone)
    # Receipts are about requests.
    archive.update((one.session.id, one) for one in aside if one.requests)
    draft.sessions = {k: v for k, v in draft.sessions.items() if k not in gone}
    draft.requests = {k: v for k, v in draft.requests.items() if v.session not in gone}
    draft.grants = {k: v for k, v in draft.grants.items() if v.session not in gone}
    draft.permits = {k: v for k, v in draft.permits.items() if v.session not in gone}
    draft.programs = {k: v for k, v in draft.programs.items() if v.session not in gone}
    draft.restarts = {k: v for k, v in draft.restarts.items() if v.session not in gone}


def _archived(draft: _Draft, session: str, at: datetime) -> Archived:
    return Archived(
        at,
        draft.sessions[session],
        tuple(r for r in draft.requests.values() if r.session == session),
        tuple(g for g in draft.grants.values() if g.session == session),
        tuple(p for p in draft.permits.values() if p.session == session),
        tuple(p for p in draft.programs.values() if p.session == session),
    )


def _unsettled(draft: _Draft) -> set[str]:
    """Return the sessions that are started, or have a sealed record, an unconfirmed erasure or an open use.

    A restart for a void permit is an open use until the account has been seen after it: it is told, and a desktop that
    Windows opens by itself is closed.
    """
    started = {s.id for s in draft.sessions.values() if s.state is SessionState.STARTED}
    sealed = {g.session for g in draft.grants.values() if owes_erasure(g)}
    under_way = {t.session for t in draft.permits.values() if is_under_way(t, draft.boot_id)}
    pending = {r.session for r in draft.restarts.values() if r.is_pending}
    return started | sealed | under_way | pending


def _session_ended(draft: _Draft, event: e.SessionEnded) -> None:
    session = draft.sessions[event.session]
    after = step(SESSION, session.state, event.how)
    draft.sessions[session.id] = replace(
        session, state=after, ended_at=event.at, settled_steps=event.settled_steps
    )
    draft.challenges = {k: v for k, v in draft.challenges.items() if v.session != session.id}


def _challenge_issued(draft: _Draft, event: e.ChallengeIssued) -> None:
    """Keep the challenge, and the latest ones of its session: each call of an operator may bring one."""
    theirs = [one.nonce for one in draft.challenges.values() if one.session == event.session]
    over = theirs[: max(0, len(theirs) - KEPT_CHALLENGES + 1)]
    kept = {k: v for k, v in draft.challenges.items() if k not in over}
    kept[event.nonce] = Challenge(
        nonce=event.nonce, session=event.session, seed=event.seed, expires_at=event.expires_at
    )
    draft.challenges = kept


def _challenge_used(draft: _Draft, event: e.ChallengeUsed) -> None:
    _use_challenge(draft, event.nonce)


def _use_challenge(draft: _Draft, nonce: str) -> None:
    draft.challenges = {**draft.challenges, nonce: replace(draft.challenges[nonce], used=True)}


def _authorities_pinned(draft: _Draft, event: e.AuthoritiesPinned) -> None:
    draft.authorities = event.authorities


def _checkpoint_set(draft: _Draft, event: e.CheckpointSet) -> None:
    session = draft.sessions[event.session]
    before = session.checkpoints.get(event.step)
    if event.state == "done" and before is not None:
        others = {k: v for k, v in draft.durations.items() if k != event.step}
        kept = list(others.items())[-KEPT_DURATIONS + 1 :]
        draft.durations = {**dict(kept), event.step: max(timedelta(), event.at - before.at)}
    checkpoints = {k: v for k, v in session.checkpoints.items() if k != event.step}
    if event.state is not None:
        checkpoints[event.step] = Checkpoint(event.state, event.at)
    draft.sessions[session.id] = replace(session, checkpoints=checkpoints)


def _request_made(draft: _Draft, event: e.RequestMade) -> None:
    draft.requests[event.request] = Request(
        id=event.request,
        session=event.session,
        asked_by=event.asked_by,
        account=event.account,
        terms=event.terms,
        code=event.code,
        asked_at=event.at,
        answer_by=event.answer_by,
        organization=event.organization,
        policy=event.policy,
        sealing=event.sealing,
        signed=event.signed,
    )
    if event.signed is not None:
        _use_challenge(draft, event.signed.nonce)
    key = asking_key(event.account, event.asked_by)
    before = draft.asking.get(key, Asking())
    draft.asking[key] = replace(before, made=(*recent(before, event.at), event.at))


def recent(asking: Asking, at: datetime) -> tuple[datetime, ...]:
    """Return the moments of the requests in the last hour."""
    return tuple(made for made in asking.made if timedelta() <= at - made < ASKING_TIME)


def _request(draft: _Draft, request: Request, given: str, **changes: Any) -> None:
    after = step(REQUEST, request.state, given)
    draft.requests[request.id] = replace(request, state=after, **changes)


def _request_shown(draft: _Draft, event: e.RequestShown) -> None:
    request = draft.requests[event.request]
    shown_at = request.shown_at or event.at
    _request(draft, request, "show", shown_at=shown_at, text_sha256=event.text_sha256)


def _request_postponed(draft: _Draft, event: e.RequestPostponed) -> None:
    request = draft.requests[event.request]
    _request(draft, request, "postpone", later_until=event.until, was_postponed=True)
    session = draft.sessions[request.session]
    for asker in (request.asked_by, session.owner, *session.operators):
        key = asking_key(request.account, asker)
        before = draft.asking.get(key, Asking())
        # A longer "later", of another session that names the same account, still holds.
        held_until = max(event.until, before.held_until or event.until)
        draft.asking[key] = replace(before, held_until=held_until)


def _request_asked_again(draft: _Draft, event: e.RequestAskedAgain) -> None:
    _request(draft, draft.requests[event.request], "ask_again", later_until=None)


def _request_reminded(draft: _Draft, event: e.RequestReminded) -> None:
    request = draft.requests[event.request]
    _request(draft, request, "remind", reminded_at=event.at)


def _entry_tried(draft: _Draft, event: e.EntryTried) -> None:
    request = draft.requests[event.request]
    draft.requests[request.id] = replace(request, entries=request.entries + 1)


def _password_refused(draft: _Draft, event: e.PasswordRefused) -> None:
    request = draft.requests[event.request]
    draft.requests[request.id] = replace(request, entries_refused=request.entries, last_refusal=event.why)


def _request_denied(draft: _Draft, event: e.RequestDenied) -> None:
    request = draft.requests[event.request]
    _request(draft, request, "deny", answered_at=event.at, why=event.why, refusal=event.refusal)
    if event.refusal == "reported":
        draft.blocked[request.asked_by.sid] = request.asked_by.qualified
    _without_yes(draft, request, event.at)
    if event.quiet_until is not None:
        draft.quiet[request.account.sid] = event.quiet_until


def _request_closed(draft: _Draft, event: e.RequestClosed) -> None:
    request = draft.requests[event.request]
    moment = "answered_at" if event.how == "decline" else "ended_at"
    _request(draft, request, event.how, refusal=event.refusal, **{moment: event.at})
    # A stranger's first withdrawal does not make the asker wait. A second one within an hour does: two accounts that
    # take turns could otherwise show any number of windows.
    session = draft.sessions[request.session]
    theirs = {AGENT.sid, session.owner.sid, *(account.sid for account in session.operators)}
    made = recent(draft.asking[asking_key(request.account, request.asked_by)], event.at)
    is_others = event.how == "withdraw" and event.actor.sid not in theirs and len(made) <= 1
    if request.shown_at is not None and not is_others:
        _without_yes(draft, request, event.at)


def asking_key(customer: Account, asker: Account) -> str:
    """Return the key of `State.asking` for the requests of an asker to a customer."""
    return f"{customer.sid} {asker.sid}"


def _without_yes(draft: _Draft, request: Request, at: datetime) -> None:
    key = asking_key(request.account, request.asked_by)
    before = draft.asking.get(key, Asking())
    # A reminder is one more window.
    windows = 1 if request.reminded_at is None else 2
    draft.asking[key] = replace(before, without_yes=before.without_yes + windows, last_at=at)


def _asker_unblocked(draft: _Draft, event: e.AskerUnblocked) -> None:
    draft.blocked.pop(event.asker, None)
    draft.quiet.pop(event.asker, None)


def _grant_given(draft: _Draft, event: e.GrantGiven) -> None:
    request = draft.requests[event.request]
    _request(draft, request, "grant", answered_at=event.at)
    grant = Grant(
        id=event.grant,
        request=request.id,
        session=request.session,
        account=request.account,
        terms=request.terms,
        tag=event.tag,
        granted_at=event.at,
        left=Uses(restarts=request.terms.restarts, unlocks=request.terms.unlocks),
    )
    draft.grants[grant.id] = grant
    draft.asking.pop(asking_key(request.account, request.asked_by), None)
    detail = "" if grant.terms.has_secret else grant.terms.means
    _notice(draft, grant, event, "granted", detail=detail, while_away=False)


def _grant(draft: _Draft, grant: Grant, given: str, **changes: Any) -> None:
    after = step(GRANT, grant.state, given)
    draft.grants[grant.id] = replace(grant, state=after, **changes)


def _trial(draft: _Draft, event: e.TrialBegun | e.TrialEnded) -> None:
    grant = draft.grants[event.grant]
    draft.grants[grant.id] = replace(grant, on_trial=isinstance(event, e.TrialBegun))


def _grant_paused(draft: _Draft, event: e.GrantPaused) -> None:
    _grant(draft, draft.grants[event.grant], "pause")


def _grant_resumed(draft: _Draft, event: e.GrantResumed) -> None:
    _grant(draft, draft.grants[event.grant], "resume")


def _grant_ended(draft: _Draft, event: e.GrantEnded) -> None:
    grant = draft.grants[event.grant]
    ended = step(GRANT, grant.state, event.how)
    _grant(
        draft,
        grant,
        event.how,
        ended=ended,
        ended_at=event.at,
        ended_by=event.actor,
        revoked_by=event.revoked_by,
        rejection=event.rejection,
        detail=event.detail,
        on_trial=False,
    )
    # The customer knows their own revocation.
    while_away = event.revoked_by != "customer"
    _notice(
        draft,
        draft.grants[grant.id],
        event,
        "ended",
        detail=_ending(draft.grants[grant.id]),
        while_away=while_away,
    )


def _ending(grant: Grant) -> str:
    """Return how a grant ended, with the reason if its password cannot serve though Windows has not refused it."""
    why = "" if grant.rejection in {None, "password_refused"} else f"_{grant.rejection}"
    by_windows = "_arso" if grant.revoked_by == "customer" and not grant.terms.has_secret else ""
    return how_ended(grant) + why + by_windows


def _erasure_checked(draft: _Draft, event: e.ErasureChecked) -> None:
    grant = draft.grants[event.grant]
    given: Literal["erased", "erase_failed"] = "erased" if event.erasure.confirmed else "erase_failed"
    _grant(draft, grant, given, erasure=event.erasure)
    if given != grant.state.value or event.erasure.lost:
        detail = "lost" if event.erasure.lost else ""
        _notice(draft, grant, event, given, detail=detail, while_away=grant.revoked_by != "customer")


def _permit_issued(draft: _Draft, event: e.PermitIssued) -> None:
    # A use begins after Windows has accepted the password; only after a restart by others it is not asked before.
    grant = draft.grants[event.grant]
    grant = replace(grant, on_trial=False, is_doubtful=grant.is_doubtful and event.foreign)
    _count(draft, grant, event.action, -1)
    if event.action == "restart":
        draft.last_restart_at = event.at
    draft.permits[event.permit] = Permit(
        id=event.permit,
        grant=grant.id,
        session=grant.session,
        account=grant.account,
        action=event.action,
        issued_at=event.at,
        expires_at=event.expires_at,
        boot_before=event.boot_before,
        by=event.actor,
        step=event.step,
        foreign=event.foreign,
        must_lock=event.must_lock,
    )


def _count(draft: _Draft, grant: Grant, action: str, by: int) -> None:
    if action == "restart":
        left = replace(grant.left, restarts=grant.left.restarts + by)
    else:
        left = replace(grant.left, unlocks=grant.left.unlocks + by)
    draft.grants[grant.id] = replace(grant, left=left)


def _permit(draft: _Draft, permit: Permit, given: str, **changes: Any) -> None:
    after = step(PERMIT, permit.state, given)
    draft.permits[permit.id] = replace(permit, state=after, **changes)


def _permit_redeemed(draft: _Draft, event: e.PermitRedeemed) -> None:
    permit = draft.permits[event.permit]
    _permit(
        draft,
        permit,
        "redeem",
        boot_after=event.boot_after,
        redeemed_at=event.at,
        windows_session=event.windows_session,
        owes_lock=True,
    )


def _permit_logged_on(draft: _Draft, event: e.PermitLoggedOn) -> None:
    permit = draft.permits[event.permit]
    # A desktop that is closed at once owes its lock to the use itself.
    # A report that comes late is of a logon before its desktop was closed.
    logged_on_at = event.at if permit.closed_at is None else min(event.at, permit.closed_at)
    changes = {"logged_on_at": logged_on_at, "relock_at": event.relock_at, "why": None, "detail": ""}
    _permit(draft, permit, "log_on", must_lock=event.relock_at is None, is_unseen=False, **changes)
    _doubt(draft, permit.grant, is_doubtful=not event.is_reported)
    detail = "by_others" if permit.foreign else permit.action
    _notice(draft, draft.grants[permit.grant], event, "used", detail=detail)


def _permit_signed_on(draft: _Draft, event: e.PermitSignedOn) -> None:
    permit = draft.permits[event.permit]
    _permit(
        draft,
        permit,
        "sign_on",
        boot_after=draft.boot_id,
        logged_on_at=event.at,
        opened_at=event.at,
        came_open=event.is_open,
        owes_lock=True,
    )
    detail = "arso_open" if event.is_open else "arso"
    _notice(draft, draft.grants[permit.grant], event, "used", detail=detail)


def _logon_reported(draft: _Draft, event: e.LogonReported) -> None:
    _doubt(draft, draft.permits[event.permit].grant, is_doubtful=False)


def _doubt(draft: _Draft, grant: str, *, is_doubtful: bool) -> None:
    draft.grants[grant] = replace(draft.grants[grant], is_doubtful=is_doubtful)


def _permit_refused(draft: _Draft, event: e.PermitRefused) -> None:
    permit = draft.permits[event.permit]
    is_interrupted = event.why == "interrupted"
    # A desktop may still open in the boot of the logon only.
    owes_lock = is_interrupted and permit.boot_after == draft.boot_id
    is_unseen = owes_lock or (is_interrupted and restarts_itself(permit, event.why))
    changes = {"why": event.why, "detail": event.detail, "owes_lock": owes_lock, "is_unseen": is_unseen}
    _permit(draft, permit, "refuse", **changes)
    _doubt(draft, permit.grant, is_doubtful=is_interrupted)
    _notice(draft, draft.grants[permit.grant], event, "failed", detail=event.why)


def _permit_dropped(draft: _Draft, event: e.PermitDropped) -> None:
    permit = draft.permits[event.permit]
    if event.refund:
        _count(draft, draft.grants[permit.grant], permit.action, +1)
    is_unseen = restarts_itself(permit, event.why) and draft.boot_id != permit.boot_before
    changes = {"why": event.why, "detail": event.detail, "owes_lock": event.owes_lock, "is_unseen": is_unseen}
    _permit(draft, permit, event.how, opened_at=event.at if event.owes_lock else None, **changes)
    if (detail := _restart_without_use(draft, permit, event)) is not None:
        _notice(draft, draft.grants[permit.grant], event, "restarted", detail=detail)


def _restart_without_use(draft: _Draft, permit: Permit, event: e.PermitDropped) -> str | None:
    """Return the detail of the notice about a restart after which the permit is void; None if nothing is to be told.

    A restart by others is told only if it has used up a use.
    """
    if permit.action != "restart" or draft.boot_id == permit.boot_before or event.why == "restart_refused":
        return None
    if permit.foreign:
        return "by_others" if event.how == "lapse" and not event.refund else None
    return "signed_in" if event.why == "signed_in" else ""


def _account_seen(draft: _Draft, event: e.AccountSeen) -> None:
    permit = draft.permits[event.permit]
    # If the permit owed its lock before, its password has left the agent, and the cause of the sign-in is unknown.
    opened_at = event.at if event.owes_lock and not permit.owes_lock else None
    draft.permits[permit.id] = replace(
        permit, is_unseen=False, owes_lock=event.owes_lock, opened_at=opened_at
    )


def _sign_in_omitted(draft: _Draft, event: e.SignInOmitted) -> None:
    grant = draft.grants[event.grant]
    draft.grants[grant.id] = replace(
        grant, omitted=(*grant.omitted, Omitted(event.at, event.why))[-KEPT_OMISSIONS:]
    )


def _relock_due(draft: _Draft, event: e.RelockDue) -> None:
    draft.permits[event.permit] = replace(draft.permits[event.permit], relock_at=None)


def _desktop_closed(draft: _Draft, event: e.DesktopClosed) -> None:
    event = replace(event, at=event.closed_at or event.at)
    permit = draft.permits[event.permit]
    after = replace(permit, closing=event.how, closed_at=event.at, relock_at=None, owes_lock=False)
    draft.permits[permit.id] = after
    grant, detail = draft.grants[permit.grant], _closed(permit, event)
    _notice(draft, grant, event, "locked", detail=detail, since=open_since(permit))


def _closed(permit: Permit, event: e.DesktopClosed) -> str:
    """Return how a desktop was opened and closed, as the detail of the notice."""
    end = "" if event.how == "locked" else f"_{event.how}"
    if signed_on(permit) and not permit.came_open:
        return f"arso{end}"
    if permit.opened_at is not None:
        return f"by_itself{end}"
    if (since := open_since(permit)) is None:
        return f"unknown{end}"
    if permit.action == "unlock":
        return f"unlocked{end}"
    is_late = event.how != "gone" and event.at - since > PROMPTLY
    return f"late{end}" if is_late else event.how


def _program_started(draft: _Draft, event: e.ProgramStarted) -> None:
    grant = draft.grants[event.grant]
    draft.programs[event.program] = Program(
        id=event.program,
        grant=grant.id,
        session=grant.session,
        account=grant.account,
        command_line=event.command_line,
        folder=event.folder,
        limit=event.limit,
        windows_session=event.windows_session,
        started_at=event.at,
        by=event.actor,
        step=event.step,
    )


def _program_ended(draft: _Draft, event: e.ProgramEnded) -> None:
    program = draft.programs[event.program]
    changes = {"why": event.why, "detail": event.detail, "exit_code": event.exit_code}
    draft.programs[program.id] = replace(program, end=event.end, ended_at=event.at, **changes)
    _notice(
        draft,
        draft.grants[program.grant],
        event,
        "program",
        detail=event.end,
        since=program.started_at,
        program=program.command_line,
        exit_code=event.exit_code,
    )


def _restart_ordered(draft: _Draft, event: e.RestartOrdered) -> None:
    draft.last_restart_at = event.at
    draft.restarts[event.restart] = PlainRestart(
        id=event.restart,
        session=event.session,
        step=event.step,
        ordered_at=event.at,
        lapses_at=event.lapses_at,
        boot_before=event.boot_before,
        by=event.actor,
    )


def _restart_dropped(draft: _Draft, event: e.RestartDropped) -> None:
    restart = draft.restarts[event.restart]
    draft.restarts[restart.id] = replace(restart, why=event.why, detail=event.detail)


def _notice(draft: _Draft, grant: Grant, event: e.Event, kind: NoticeKind, **content: Any) -> None:
    """Add a notice for the customer of a grant; `content` are further fields of the notice."""
    session = draft.sessions[grant.session]
    number = f"n{draft.version}"
    notice = Notice(
        id=number if number not in draft.notices else f"{number}-{len(draft.notices)}",
        account=grant.account.sid,
        kind=kind,
        at=event.at,
        ticket=session.ticket,
        not_after=grant.terms.not_after,
        **content,
    )
    _make_room(draft.notices, notice.account)
    draft.notices[notice.id] = notice


def _make_room(notices: dict[str, Notice], account: str) -> None:
    """Drop the oldest notices of an account that has too many."""
    if len(notices) < KEPT_NOTICES or len(notices) % AT_ONCE:
        return
    theirs = [n.id for n in notices.values() if n.account == account]
    for notice in theirs[: max(0, len(theirs) - KEPT_NOTICES)]:
        del notices[notice]


def _notices_closed(draft: _Draft, event: e.NoticesClosed) -> None:
    for notice in event.notices:
        draft.notices.pop(notice, None)


def _boot_seen(draft: _Draft, event: e.BootSeen) -> None:
    # The first boot in a journal is no restart.
    if draft.boot_id:
        draft.last_restart_at = event.at
    before, draft.boot_id = draft.boot_id, event.boot_id
    draft.clock = ClockBase(event.boot_id, event.at, event.up)
    for restart in draft.restarts.values():
        if restart.is_pending:
            draft.restarts[restart.id] = replace(restart, boot_after=event.boot_id)
    # Every Windows session of the last boot has ended with it. The desktop of a logon that Windows accepted gets an
    # event of its own.
    for permit in draft.permits.values():
        owes_lock = permit.owes_lock and permit.state is PermitState.LOGGED_ON
        # The restart was begun for the permit, and went on without it.
        went_on = may_restart(permit, before)
        # Windows may sign the account in by itself after a further restart, too.
        is_unseen = went_on or (permit.is_unseen and restarts_itself(permit, permit.why))
        if went_on:
            _notice(draft, draft.grants[permit.grant], event, "restarted", detail="begun")
        if (owes_lock, is_unseen) != (permit.owes_lock, permit.is_unseen):
            draft.permits[permit.id] = replace(permit, owes_lock=owes_lock, is_unseen=is_unseen)


def _time_seen(draft: _Draft, event: e.TimeSeen) -> None:
    draft.clock_ahead = timedelta(seconds=event.clock_ahead)


def _clock_taken(draft: _Draft, event: e.ClockTaken) -> None:
    draft.clock = ClockBase(draft.boot_id, event.at, event.up)
    draft.seen_at = event.at
    draft.clock_ahead = timedelta()
    # Nothing is under way, so an interval may count from now; a later moment would keep restarts waiting.
    if draft.last_restart_at is not None:
        draft.last_restart_at = min(draft.last_restart_at, event.at)


def _journal_begun(draft: _Draft, event: e.JournalBegun) -> None:
    draft.replaced_at = event.at if event.after else None
    draft.device_key = event.device_key


def _device_key_changed(draft: _Draft, event: e.DeviceKeyChanged) -> None:
    draft.device_key = event.new


def _nothing(_draft: _Draft, _event: e.Event) -> None:
    pass


_RULES: dict[type[e.Event], Callable[[_Draft, Any], None]] = {
    e.SessionStarted: _session_started,
    e.SessionEnded: _session_ended,
    e.CheckpointSet: _checkpoint_set,
    e.ChallengeIssued: _challenge_issued,
    e.ChallengeUsed: _challenge_used,
    e.AuthoritiesPinned: _authorities_pinned,
    e.RequestMade: _request_made,
    e.RequestShown: _request_shown,
    e.RequestPostponed: _request_postponed,
    e.RequestAskedAgain: _request_asked_again,
    e.RequestReminded: _request_reminded,
    e.EntryTried: _entry_tried,
    e.PasswordRefused: _password_refused,
    e.RequestDenied: _request_denied,
    e.AskerUnblocked: _asker_unblocked,
    e.RequestClosed: _request_closed,
    e.GrantGiven: _grant_given,
    e.TrialBegun: _trial,
    e.TrialEnded: _trial,
    e.GrantPaused: _grant_paused,
    e.GrantResumed: _grant_resumed,
    e.GrantEnded: _grant_ended,
    e.ErasureChecked: _erasure_checked,
    e.PermitIssued: _permit_issued,
    e.SignInOmitted: _sign_in_omitted,
    e.PermitRedeemed: _permit_redeemed,
    e.PermitLoggedOn: _permit_logged_on,
    e.PermitSignedOn: _permit_signed_on,
    e.LogonReported: _logon_reported,
    e.PermitRefused: _permit_refused,
    e.AccountSeen: _account_seen,
    e.TimeSeen: _time_seen,
    e.PermitDropped: _permit_dropped,
    e.RelockDue: _relock_due,
    e.DesktopClosed: _desktop_closed,
    e.ProgramStarted: _program_started,
    e.ProgramEnded: _program_ended,
    e.RestartOrdered: _restart_ordered,
    e.RestartDropped: _restart_dropped,
    e.NoticesClosed: _notices_closed,
    e.BootSeen: _boot_seen,
    e.ClockTaken: _clock_taken,
    e.CallNoted: _nothing,
    e.CommandRefused: _nothing,
    e.JournalBegun: _journal_begun,
    e.DeviceKeyChanged: _device_key_changed,
}
