# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for grants: trial, use, pause, end, erasure."""

from __future__ import annotations

from datetime import datetime, timedelta

from latchkey_agent import plain_text

from . import commands as c
from . import effects as fx
from . import events as e
from .clock import Now
from .decision import (
    Decision,
    cancel,
    checked_requests,
    costs_nothing,
    decline_all,
    end_grant,
    issued_permits,
    live_grants,
    own_session,
    reject_grant,
    relock_all,
    stop_programs,
    use_up,
)
from .logon_refusals import sentence
from .model import Action, Erasure, Grant, Permit, Rejection, State, SupportSession, finished, succeeded
from .policy import Policy
from .refusal import Refused
from .transitions import GRANT, GrantState, IllegalTransitionError, step

CLOCK_CHECK = timedelta(seconds=10)
"""The time after which a use may be tried again: Windows sets its clock right soon after a boot."""
LOGON_TIME = timedelta(minutes=2)
"""The longest time of a logon, even past the end of its permit; sign-ins that take longer are rare."""


def pause(state: State, command: c.PauseGrant, now: Now, _policy: Policy) -> Decision:
    """Pause a grant, which voids its issued permits, ends its programs and closes its open desktops, or resume it."""
    grant = find_grant(state, command.grant)
    relocked = relock_all(state, grant.id, now.at)
    if command.pause and grant.ended is not None and relocked.events:
        # Nothing is left to hold back, but the desktop of its last use is open.
        return Decision(subject=grant.id) + relocked
    step(GRANT, grant.state, "pause" if command.pause else "resume")
    if not command.pause:
        _only_their_own_desktop(state, grant)
        return Decision((e.GrantResumed(at=now.at, grant=grant.id),), subject=grant.id)
    decision = Decision((e.GrantPaused(at=now.at, grant=grant.id),), subject=grant.id)
    for permit in issued_permits(state, grant.id):
        decision += Decision((cancel(permit, now.at, "paused"),))
        if not costs_nothing(permit):
            decision += use_up(state, grant, now.at, permit.id)
    return decision + stop_programs(state, grant.id, now.at, "paused") + relocked


def _only_their_own_desktop(state: State, grant: Grant) -> None:
    """Raise Refused (`out_of_order`) while a desktop of the account may be unlocked for IT.

    Another person may sit there until it has been seen closed, also if it is due to be locked at once.
    """
    if any(p.owes_lock and p.account.sid == grant.account.sid for p in state.permits.values()):
        raise Refused(
            "out_of_order", detail="the screen may be unlocked for IT, so it cannot be known who resumes"
        )


def find_grant(state: State, grant: str) -> Grant:
    """Return a grant by its id.

    Raises:
        Refused: `no_grant`.
    """
    if (found := state.grants.get(grant)) is None:
        raise Refused("no_grant", session=grant)
    return found


def revoke(state: State, command: c.RevokeGrants, now: Now, _policy: Policy) -> Decision:
    """Revoke grants, in one decision. One that has ended stays as it is; the desktops that it holds open are closed.

    An entry that Windows checks meanwhile lends nothing: its request is declined.
    """
    checked = [r for r in checked_requests(state) if r.id in command.requests]
    decision = decline_all(checked, now.at) + Decision(subject=" ".join(command.grants))
    for grant_id in command.grants:
        grant = find_grant(state, grant_id)
        if grant in live_grants(state):
            ended = e.GrantEnded(at=now.at, grant=grant.id, how="revoke", revoked_by=command.revoked_by)
            decision += end_grant(state, grant, ended)
        else:
            decision += relock_all(state, grant.id, now.at)
    return decision


def reject(state: State, command: c.RejectGrant, now: Now, _policy: Policy) -> Decision:
    """End a grant whose password cannot serve any more. One that has ended stays as it is."""
    grant = find_grant(state, command.grant)
    if grant not in live_grants(state):
        return Decision(subject=grant.id)
    return reject_grant(state, grant, now.at, command.rejection, command.detail)


def begin_trial(state: State, command: c.BeginTrial, now: Now, _policy: Policy) -> Decision:
    """Note that Windows is about to check the password: a crash must not lead to a second check (rule 6)."""
    grant = find_grant(state, command.grant)
    if grant.state is not GrantState.ACTIVE or grant.on_trial:
        raise IllegalTransitionError(grant.state, "try", [])
    return Decision((e.TrialBegun(at=now.at, grant=grant.id),), subject=grant.id)


def end_trial(state: State, command: c.EndTrial, now: Now, _policy: Policy) -> Decision:
    """Note that the check had no result: the password may be checked again."""
    grant = state.grants.get(command.grant)
    if grant is None or not grant.on_trial:
        return Decision(subject=command.grant)
    return Decision((e.TrialEnded(at=now.at, grant=grant.id),), subject=grant.id)


def apply(state: State, command: c.ApplyGrant, now: Now, policy: Policy) -> Decision:
    """Begin a use, or join the use that is under way or done for this step."""
    session = own_session(state, command.name, command.by)
    if (permit := _joined(state, session.id, command)) is not None:
        return Decision(subject=permit.id)
    grant = usable(state, session, command.action, now, tried=command.tried)
    if command.action == "unlock" and command.desktop == "unlocked":
        return Decision(subject=grant.id)
    if command.action == "unlock" and command.desktop == "none":
        raise Refused("not_signed_in", account=grant.account.qualified)
    nothing_under_way(state, now)
    terms_end = min(grant.terms.not_after, session.ends_at)
    permit_ends = min(now.at + timedelta(seconds=command.within), terms_end)
    if command.action == "restart":
        if not grant.terms.has_secret and command.desktop == "none":
            # Windows signs in only an account that is signed in when the restart begins.
            raise Refused("not_signed_in", account=grant.account.qualified)
        not_too_soon(state, now, policy)
        _signs_out_nobody_else(command)
        _restarts_in_time(grant, permit_ends, terms_end, now)
    issued = e.PermitIssued(
        at=now.at,
        permit=command.permit,
        grant=grant.id,
        action=command.action,
        expires_at=permit_ends,
        boot_before=command.boot_id,
        step=command.step,
        must_lock=command.action == "restart",
    )
    return Decision((issued,), _begin(command, grant), command.permit)


def _begin(command: c.ApplyGrant, grant: Grant) -> tuple[fx.AnyEffect, ...]:
    if command.action == "unlock":
        # Under two parties the permit is announced once the operator has delivered the half anew.
        waits = grant.terms.two_parties
        return () if waits else (fx.AnnouncePermit(permit=command.permit, boot_id=command.boot_id),)
    restart = fx.Restart(
        permit=command.permit,
        boot_id=command.boot_id,
        message=shown_message(command.message),
        grace=grant.terms.grace,
        sign_on=not grant.terms.has_secret,
    )
    return (restart,)


def shown_message(message: str) -> str:
    """Return an operator's text as Windows shows it before a restart: with its label, quoted and isolated."""
    return f"IT: \u201c{plain_text.quotable(message)}\u201d" if message else ""


def under_way(state: State, session: str, action: Action, step: str | None) -> bool:
    """Tell whether a use of this action and step has begun in a session and is not finished: a call joins it."""
    return any(not finished(permit) for permit in _of_step(state, session, action, step))


def _joined(state: State, session: str, command: c.ApplyGrant) -> Permit | None:
    """Return the use that this command repeats: a job that is launched again does nothing twice (rule 13)."""
    for permit in _of_step(state, session, command.action, command.step):
        if not finished(permit) or (command.step and succeeded(permit)):
            return permit
    return None


def _of_step(state: State, session: str, action: Action, step: str | None) -> list[Permit]:
    """Return the uses of an action and a step in a session, the newest one first."""
    return [
        permit
        for permit in reversed(state.permits.values())
        if (permit.session, permit.action, permit.step) == (session, action, step) and not permit.foreign
    ]


_WHY_ENDED = {
    GrantState.REVOKED: "grant_revoked",
    GrantState.REPLACED: "permit_cancelled",
    GrantState.EXPIRED: "grant_expired",
    GrantState.REJECTED: "grant_rejected",
    GrantState.USED_UP: "terms_used_up",
    GrantState.SESSION_ENDED: "no_session",
}


def session_grant(state: State, session: str) -> Grant | None:
    """Return the grant that a session uses: the newest live one, else the newest."""
    live = live_grants(state, session)
    theirs = live or [grant for grant in state.grants.values() if grant.session == session]
    return theirs[-1] if theirs else None


def usable(
    state: State, session: SupportSession, action: str, now: Now, *, tried: str | None = None
) -> Grant:
    """Return the session's grant, or the one that was tried, if it allows `action` now.

    Raises:
        Refused: the grant does not allow it; the code says why.
    """
    grant = live_grant(state, session, tried=tried)
    must_allow(grant, action, now)
    return grant


def live_grant(state: State, session: SupportSession, *, tried: str | None = None) -> Grant:
    """Return the session's grant, or the one that was tried.

    Raises:
        Refused: there is none, or it has ended; the code says why.
    """
    grant = session_grant(state, session.id) if tried is None else state.grants.get(tried)
    if grant is None or grant.session != session.id:
        raise Refused("no_grant", session=session.name)
    if grant.ended is not None:
        raise ended_refusal(grant, session.name)
    return grant


def must_allow(grant: Grant, action: str, now: Now) -> None:
    """Raise Refused unless a live grant allows `action` now (rule 3)."""
    must_hold(grant, now)
    if (grant.left.restarts if action == "restart" else grant.left.unlocks) <= 0:
        raise Refused("terms_used_up", detail=agreed(grant))


def must_hold(grant: Grant, now: Now) -> None:
    """Raise Refused unless a live grant is not paused, and now is within the time of its terms."""
    if grant.state is GrantState.PAUSED:
        raise Refused("grant_paused")
    _clock_is_right(now)
    _within(grant, now)


def ended_refusal(grant: Grant, session: str) -> Refused:
    """Return the refusal for a grant that has ended. `session` is the session's name."""
    code = _WHY_ENDED[grant.ended or GrantState.SESSION_ENDED]
    details = {
        "grant_expired": f"until {grant.terms.not_after.isoformat(timespec='minutes')}",
        "grant_revoked": "The operator" if grant.revoked_by == "operator" else "The customer",
        "grant_rejected": rejection_sentence(grant),
        "terms_used_up": agreed(grant),
        "permit_cancelled": "a newer grant replaced the one that it was for",
    }
    return Refused(code, session=session, detail=details.get(code, ""))


REJECTIONS: dict[Rejection, str] = {
    "agent_stopped": "the agent stopped while Windows checked the password",
    "trial_unresolved": "the result of an earlier check of the password is not known",
    "record_missing": "its sealed record is missing",
    "journal_restored": "the journal was restored from an older copy, so the grant may have ended since",
}
"""The sentences of rejections that need no evidence."""


def rejection_sentence(grant: Grant) -> str:
    """Return the reason why a rejected grant cannot serve, as a part of a sentence for an operator."""
    if grant.rejection is None:
        return ""
    return REJECTIONS.get(grant.rejection) or sentence(grant.detail)


def agreed(grant: Grant) -> str:
    """Return the agreed counts, as a part of a sentence for an operator."""
    terms = grant.terms
    return f"{terms.restarts} restarts and {terms.unlocks} unlocks"


def _clock_is_right(now: Now) -> None:
    """Raise Refused (`clock_behind`) while the PC's clock is behind the time that the agent has seen."""
    if now.is_behind:
        shown, seen = (moment.isoformat(timespec="minutes") for moment in (now.wall, now.at))
        detail = f"it shows {shown}, and the agent has seen {seen}"
        raise Refused("clock_behind", retry_after=CLOCK_CHECK.total_seconds(), detail=detail)


def _within(grant: Grant, now: Now) -> None:
    terms = grant.terms
    if now.opens < terms.not_before:
        wait = (terms.not_before - now.opens).total_seconds()
        raise Refused(
            "too_early", retry_after=wait, detail=f"from {terms.not_before.isoformat(timespec='minutes')}"
        )
    if now.ends >= terms.not_after:
        raise Refused("grant_expired", detail=f"until {terms.not_after.isoformat(timespec='minutes')}")


def nothing_under_way(state: State, now: Now) -> None:
    """Raise Refused (`restart_in_progress`) during a use; a desktop that does not appear holds up no further one."""
    if any(restart.is_pending for restart in state.restarts.values()):
        raise Refused("restart_in_progress", retry_after=5.0)
    for permit in state.permits.values():
        is_late = permit.logged_on_at is not None and now.at >= permit.logged_on_at + LOGON_TIME
        if not finished(permit) and not is_late:
            raise Refused("restart_in_progress", retry_after=5.0)


def _signs_out_nobody_else(command: c.ApplyGrant) -> None:
    """Raise Refused (`others_signed_in`) if a restart would sign out a person who has not agreed to it."""
    if command.others:
        raise Refused("others_signed_in", detail=" and ".join(command.others))


def _restarts_in_time(grant: Grant, permit_ends: datetime, terms_end: datetime, now: Now) -> None:
    """Raise Refused (`too_late`) if the warning ends after the permit: the PC would restart outside of the terms."""
    if warning_outlasts(grant.terms.grace, permit_ends, terms_end, now):
        ends = permit_ends.isoformat(timespec="seconds")
        detail = f"the warning takes {grant.terms.grace:g} s, and the sign-in is possible until {ends}"
        raise Refused("too_late", detail=detail)


def warning_outlasts(grace: float, permit_ends: datetime, terms_end: datetime, now: Now) -> bool:
    """Tell whether a warning of `grace` seconds that begins now ends after the permit or the terms."""
    warning = timedelta(seconds=grace)
    return now.at + warning >= permit_ends or now.ends + warning >= terms_end


def not_too_soon(state: State, now: Now, policy: Policy) -> None:
    """Raise Refused (`restart_too_soon`) within the policy's interval after a restart (rule 14)."""
    if state.last_restart_at is None:
        return
    passed = (now.at - state.last_restart_at).total_seconds()
    if (left := policy.min_restart_interval - passed) > 0:
        raise Refused("restart_too_soon", retry_after=left, detail=f"{policy.min_restart_interval:g} s")


def record_erasure(state: State, command: c.RecordErasure, now: Now, _policy: Policy) -> Decision:
    """Note what was checked after an erasure (rule 8)."""
    grant = find_grant(state, command.grant)
    if grant.state is GrantState.ERASED:
        return Decision(subject=grant.id)
    step(GRANT, grant.state, "erased" if command.erasure.confirmed else "erase_failed")
    if (
        not command.erasure.confirmed
        and grant.erasure is not None
        and grant.erasure.lost == command.erasure.lost
        and verdict(grant.erasure) == verdict(command.erasure)
    ):
        return Decision(subject=grant.id)
    checked = e.ErasureChecked(at=now.at, grant=grant.id, erasure=command.erasure)
    return Decision((checked,), (fx.SummonCompanion(account=grant.account),), grant.id)


def verdict(erasure: Erasure) -> tuple[tuple[str, bool], ...]:
    """Return the checks and their results, without sizes and counts.

    Each entry makes the journal larger, so two results with sizes are never equal.
    """
    return tuple((name, passed) for name, passed, _ in erasure.checks)
