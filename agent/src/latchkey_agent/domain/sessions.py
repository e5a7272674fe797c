# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for support sessions: start, end, checkpoints, and the notices that their customers close."""

from __future__ import annotations

from datetime import timedelta

from . import commands as c
from . import events as e
from .clock import Now
from .decision import Decision, end_session, may_use, own_session, own_sids, started_session
from .model import Bounds, State, SupportSession
from .policy import Policy
from .refusal import Refused
from .transitions import SessionState

MOST_CHECKPOINTS = 500
"""The checkpoints that a session may have; each of them makes the state larger."""
MOST_STARTED = 500
"""The started sessions that an account may have; each of them makes every command slower."""


def start(state: State, command: c.StartSession, now: Now, policy: Policy) -> Decision:
    """Start a session. A started session of that name is joined, by its own accounts and for the same purpose only.

    Until the end that a session had agreed, its name means the same work. So a job that is launched again does not ask
    a customer anew for steps that are settled: the ended session is returned in place of a new one.
    """
    for session in state.sessions.values():
        if session.name == command.name and session.state is SessionState.STARTED:
            may_use(session, command.by)
            _same_purpose(session, command)
            return Decision(subject=session.id)
    if (settled := _settled(state, command, now)) is not None:
        return Decision(subject=settled.id)
    if not command.reason:
        raise Refused("reason_missing")
    if policy.require_ticket and not command.ticket:
        raise Refused("policy_refuses", detail="a support session needs a ticket")
    theirs = (s for s in state.sessions.values() if s.owner.sid == command.by.sid)
    if sum(s.state is SessionState.STARTED for s in theirs) >= MOST_STARTED:
        raise Refused(
            "policy_refuses", detail=f"at most {MOST_STARTED} started support sessions of an account"
        )
    latest = now.at + timedelta(hours=policy.max_session_hours)
    ends_at = command.ends_at or latest
    if ends_at > latest:
        raise Refused(
            "policy_refuses",
            detail=f"a support session lasts {policy.max_session_hours:g} h at most, "
            f"so this one would end by {latest.isoformat(timespec='minutes')}",
        )
    if ends_at <= now.ends:
        raise Refused("bad_time", field="ends", detail="the session would be over before it begins")
    started = e.SessionStarted(
        at=now.at,
        session=command.session,
        name=command.name,
        owner=command.by,
        operators=command.operators,
        requester=command.requester,
        reason=command.reason,
        ticket=command.ticket,
        ends_at=ends_at,
    )
    return Decision((started,), subject=command.session)


def _settled(state: State, command: c.StartSession, now: Now) -> SupportSession | None:
    """Return the account's latest session of that name, if it ended early with the command's steps settled."""
    theirs = [s for s in state.sessions.values() if s.name == command.name and command.by.sid in own_sids(s)]
    if not command.settled_steps or not theirs:
        return None
    latest = theirs[-1]
    is_settled = set(command.settled_steps) <= set(latest.settled_steps)
    is_same_work = not _differences(latest, command)
    return latest if is_settled and is_same_work and now.ends < latest.ends_at else None


def _differences(session: SupportSession, command: c.StartSession) -> list[tuple[str, str]]:
    """Return each text that the command names and the session has otherwise: the field, and the session's text."""
    pairs = (("reason", session.reason, command.reason), ("ticket", session.ticket, command.ticket))
    return [(field, known) for field, known, asked in pairs if asked and asked != known]


def _same_purpose(session: SupportSession, command: c.StartSession) -> None:
    """Raise Refused (`session_in_use`) if a part that the customer may have read differs."""
    for field, known in _differences(session, command):
        raise Refused("session_in_use", session=command.name, detail=f"its {field} is {known!r}")
    for account in command.operators:
        if account.sid not in own_sids(session):
            detail = f"it started without the operator {account.qualified}"
            raise Refused("session_in_use", session=command.name, detail=detail)


def end(state: State, command: c.EndSession, now: Now, _policy: Policy) -> Decision:
    """End a session; an ended one stays as it is."""
    try:
        session = started_session(state, command.name)
    except Refused:
        ended = [s for s in state.sessions.values() if s.name == command.name]
        if not ended:
            raise
        return Decision(subject=ended[-1].id)
    return end_session(state, session, now.at, "end", command.settled_steps)


def set_checkpoint(state: State, command: c.SetCheckpoint, now: Now, _policy: Policy) -> Decision:
    """Set or remove a checkpoint."""
    session = own_session(state, command.name, command.by)
    if command.bounds is not None:
        must_fit(state, command.step, command.bounds, now)
    before = session.checkpoints.get(command.step)
    # A step that begins again has a new beginning: its duration counts from there.
    if (before.state if before else None) == command.state and command.state != "started":
        return Decision(subject=session.id)
    if before is None and len(session.checkpoints) >= MOST_CHECKPOINTS:
        raise Refused("policy_refuses", detail=f"at most {MOST_CHECKPOINTS} checkpoints for a session")
    event = e.CheckpointSet(at=now.at, session=session.id, step=command.step, state=command.state)
    return Decision((event,), subject=session.id)


def needs(state: State, step: str, bounds: Bounds) -> timedelta:
    """Return the time that a step and its restart need: the step's limit, else its last duration on this PC."""
    known = state.durations.get(step, timedelta())
    return (known if bounds.limit is None else bounds.limit) + bounds.spare


def must_fit(state: State, step: str, bounds: Bounds, now: Now) -> None:
    """Raise Refused if a step that begins now may end outside of the maintenance window.

    A wrong clock opens no window early and prolongs none (see `clock`).

    Raises:
        Refused: `window_not_open` before the window, `window_too_short` if the time left in it is too short.
    """
    if now.opens < bounds.opens_at:
        wait = (bounds.opens_at - now.opens) / timedelta(seconds=1)
        opens = bounds.opens_at.isoformat(timespec="minutes")
        raise Refused("window_not_open", retry_after=wait, step=step, detail=f"it opens at {opens}")
    asked, left = needs(state, step, bounds), bounds.closes_at - now.ends
    if left <= timedelta() or asked > left:
        closes = bounds.closes_at.isoformat(timespec="minutes")
        raise Refused(
            "window_too_short",
            step=step,
            detail=f"it closes at {closes}, and {step} needs {_minutes(asked)}",
        )


def _minutes(duration: timedelta) -> str:
    return f"{-(-duration // timedelta(minutes=1))} min"


def close_notices(state: State, command: c.CloseNotices, now: Now, _policy: Policy) -> Decision:
    """Close notices of the customer's own account."""
    mine = tuple(
        n for n in command.notices if n in state.notices and state.notices[n].account == command.account
    )
    return Decision((e.NoticesClosed(at=now.at, notices=mine),)) if mine else Decision()
