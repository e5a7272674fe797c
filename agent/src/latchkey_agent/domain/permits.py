# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for logon permits, from issue to lapse, and for the desktops that they open."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from . import commands as c
from . import effects as fx
from . import events as e
from .clock import Now
from .decision import Decision, closing, costs_nothing, live_grants, reject_grant, relock, use_up
from .decision import cancel as cancelled
from .evolve import fold
from .grants import LOGON_TIME
from .model import DropReason, Permit, State
from .policy import Policy
from .refusal import Refused
from .transitions import OPEN_PERMITS, PERMIT, GrantState, IllegalTransitionError, PermitState, step


def find_permit(state: State, permit: str) -> Permit:
    """Return a permit by its id.

    Raises:
        Refused: `no_permit`.
    """
    if (found := state.permits.get(permit)) is None:
        raise Refused("no_permit", permit=permit)
    return found


def redeemable(state: State, boot_id: str, now: Now, held: Collection[str] = ()) -> Permit | None:
    """Return the permit that the logon screen of this boot may redeem now.

    `held`: the permits for which the operator's half is here. A grant of two parties is redeemed with it only.
    """
    for permit in state.permits.values():
        if _waits(state, permit, boot_id, now) and (permit.id in held or not _of_two(state, permit)):
            return permit
    return None


def awaits_half(state: State, permit: Permit, boot_id: str, now: Now) -> bool:
    """Tell whether only the operator's half is missing for the logon screen to redeem a permit now."""
    return _waits(state, permit, boot_id, now) and _of_two(state, permit)


def _waits(state: State, permit: Permit, boot_id: str, now: Now) -> bool:
    return permit.state is PermitState.ISSUED and _may_redeem(state, permit, boot_id, now)


def _of_two(state: State, permit: Permit) -> bool:
    return state.grants[permit.grant].terms.two_parties


def _may_redeem(state: State, permit: Permit, boot_id: str, now: Now) -> bool:
    grant = state.grants[permit.grant]
    if not grant.terms.has_secret:
        return False
    right_boot = (permit.boot_before != boot_id) == (permit.action == "restart")
    has_begun = grant.terms.not_before <= now.opens and not now.is_behind
    is_over = now.at >= permit.expires_at or now.ends >= grant.terms.not_after
    return right_boot and has_begun and not is_over and grant.state is GrantState.ACTIVE


def redeem(state: State, command: c.RedeemPermit, now: Now, _policy: Policy) -> Decision:
    """Redeem a permit. The password is handed over only after this is on the disk (rule 5)."""
    permit = find_permit(state, command.permit)
    step(PERMIT, permit.state, "redeem")
    if not _may_redeem(state, permit, command.boot_id, now):
        raise Refused("permit_cancelled", detail="it does not hold for this boot or time")
    redeemed = e.PermitRedeemed(
        at=now.at, permit=permit.id, boot_after=command.boot_id, windows_session=command.windows_session
    )
    return Decision((redeemed,), subject=permit.id)


def report(state: State, command: c.ReportLogon, now: Now, _policy: Policy) -> Decision:
    """Note the result of a logon. A refused password is never tried again (rule 6)."""
    permit = find_permit(state, command.permit)
    if command.rejection is not None:
        return _logon_refused(state, permit, command, now)
    if permit.state is PermitState.LOGGED_ON:
        if not state.grants[permit.grant].is_doubtful:
            return Decision(subject=permit.id)
        # Its desktop was seen before: the report is the verdict that was missing.
        return Decision((e.LogonReported(at=now.at, permit=permit.id),), subject=permit.id)
    step(PERMIT, permit.state, "log_on")
    if permit.why == "refused":
        raise IllegalTransitionError(permit.state, "log_on", [])
    return _logged_on(state, permit, now, is_reported=True)


def _logon_refused(state: State, permit: Permit, command: c.ReportLogon, now: Now) -> Decision:
    """Note a refusal, also of a permit that was taken for interrupted meanwhile.

    A refusal that passes spends the permit only. Any other one ends the grant: its password is never tried again.
    """
    decision = Decision(subject=permit.id)
    if permit.state is not PermitState.LOGGED_ON and permit.why != "refused":
        step(PERMIT, permit.state, "refuse")
        refused = e.PermitRefused(at=now.at, permit=permit.id, why="refused", detail=command.detail)
        decision += Decision((refused,))
    grant = state.grants[permit.grant]
    if grant not in live_grants(state):
        return decision
    if command.passes:
        return decision + use_up(state, grant, now.at, permit.id)
    return decision + reject_grant(state, grant, now.at, command.rejection, command.detail)


def _logged_on(state: State, permit: Permit, now: Now, *, is_reported: bool) -> Decision:
    # Without a report the desktop may have opened right after the password left the agent.
    opened_at = now.at if is_reported else permit.redeemed_at or now.at
    relock_at = _open_until(state, permit, opened_at)
    effects: tuple[fx.AnyEffect, ...] = (fx.SummonCompanion(account=permit.account),)
    if relock_at is None:
        effects = (closing(permit), *effects)
    logged_on = e.PermitLoggedOn(at=now.at, permit=permit.id, relock_at=relock_at, is_reported=is_reported)
    decision = Decision((logged_on,), effects, permit.id)
    return decision + _after_trial(state, permit, now, has_verdict=is_reported)


def _open_until(state: State, permit: Permit, opened_at: datetime) -> datetime | None:
    """Return the moment until which the desktop may stay open, None if it is closed at once (rule 9)."""
    grant = state.grants[permit.grant]
    is_late = permit.state is not PermitState.REDEEMED
    has_ended = grant.ended not in {None, GrantState.USED_UP} or grant.state is GrantState.PAUSED
    if permit.must_lock or is_late or has_ended or not _session_open(state, permit):
        return None
    return min(opened_at + timedelta(seconds=grant.terms.relock_after), grant.terms.not_after)


def _session_open(state: State, permit: Permit) -> bool:
    return state.sessions[permit.session].ended_at is None


def see_sign_ins(state: State, command: c.SeeSignIns, now: Now, _policy: Policy) -> Decision:
    """Note the logon of a redeemed permit without a report, and void permits that nobody needs any more."""
    decision = Decision()
    for permit_id in tuple(state.permits):
        permit = state.permits[permit_id]
        if theirs := [s for s in command.sessions if s.sid == permit.account.sid]:
            seen = _signed_in(state, permit, theirs, command, now)
            # One permit can end the grant of another one.
            state, decision = fold(state, seen.events), decision + seen
        elif permit.state is PermitState.ISSUED and permit.action == "unlock":
            # An unlock opens a desktop that is there; it signs nobody in.
            void = Decision((cancelled(permit, now.at, "signed_out"),))
            state, decision = fold(state, void.events), decision + void
    return decision


def _signed_in(
    state: State, permit: Permit, theirs: Sequence[c.SeenSession], command: c.SeeSignIns, now: Now
) -> Decision:
    is_open = any(s.is_open for s in theirs)
    if permit.state is PermitState.ISSUED:
        restarted = permit.boot_before != state.boot_id
        if restarted and not state.grants[permit.grant].terms.has_secret:
            return _signed_on(state, permit, theirs, now)
        needless = restarted if permit.action == "restart" else is_open
        return (
            _preempted(state, permit, now, auto_logon=restarted and command.auto_logon)
            if needless
            else Decision()
        )
    is_awaited = permit.owes_lock and permit.state in {PermitState.REDEEMED, PermitState.REFUSED}
    if is_awaited:
        is_there = any(s.is_open and opened_by(permit.windows_session, s) for s in theirs)
        return _awaited(state, permit, now) if is_there else Decision()
    return _first_seen(state, permit, command, now) if permit.is_unseen else Decision()


def _signed_on(state: State, permit: Permit, theirs: Sequence[c.SeenSession], now: Now) -> Decision:
    """Note the sign-in that Windows does by itself after a restart with ARSO; its desktop is closed in any case.

    Windows signs in at the PC's own screen. A remote session is the account's own doing. A desktop that is open when it
    is first seen may be, too: ARSO locks by itself.
    """
    console = [session for session in theirs if session.console]
    if not console:
        return _preempted(state, permit, now, auto_logon=False)
    is_open = any(session.is_open for session in console)
    signed_on = e.PermitSignedOn(at=now.at, permit=permit.id, is_open=is_open)
    close = fx.CloseDesktop(permit=permit.id, boot_id=state.boot_id)
    effects = (close, fx.SummonCompanion(account=permit.account))
    decision = Decision((signed_on,), effects, permit.id)
    return decision + use_up(state, state.grants[permit.grant], now.at, permit.id)


def _awaited(state: State, permit: Permit, now: Now) -> Decision:
    """Note the desktop that a logon may have opened.

    A logon that was given up did not open it for sure: the account may sign in by hand hours later. It is closed.
    """
    if permit.state is PermitState.REDEEMED:
        return _logged_on(state, permit, now, is_reported=False)
    if not permit.is_unseen:
        return Decision()
    seen = e.AccountSeen(at=now.at, permit=permit.id, owes_lock=True)
    return Decision((seen,), (closing(permit), fx.SummonCompanion(account=permit.account)))


def _first_seen(state: State, permit: Permit, command: c.SeeSignIns, now: Now) -> Decision:
    """Note the first session of the account since a restart for a void permit; close it if Windows opened it.

    A restart with ARSO signs the account in also if the customer has revoked meanwhile.
    """
    at_console = any(s.console and s.sid == permit.account.sid for s in command.sessions)
    is_arso = not state.grants[permit.grant].terms.has_secret and now.at < permit.expires_at and at_console
    by_windows = command.auto_logon or is_arso
    seen = e.AccountSeen(at=now.at, permit=permit.id, owes_lock=by_windows)
    close = fx.CloseDesktop(permit=permit.id)
    return Decision((seen,), (close,) if by_windows else ())


class WindowsSession(Protocol):
    """A Windows session (`commands.SeenSession`, `ports.SignIn`)."""

    @property
    def session_id(self) -> int:
        """Windows' number of the session."""

    @property
    def console(self) -> bool:
        """Whether the session is on the PC's own screen."""


def opened_by(windows_session: int | None, session: WindowsSession) -> bool:
    """Tell whether a session of the account is the one that a logon opens.

    A logon opens the session of its logon screen (`windows_session`), or the account's own one on the PC's screen.
    """
    return session.console or session.session_id == windows_session


def _preempted(state: State, permit: Permit, now: Now, *, auto_logon: bool) -> Decision:
    """Void a permit whose account has signed in without it: it would open a lock of the customer's own.

    A restart of ours has happened and counts; a sign-in after a restart by others, or an unlock, did not begin. A
    desktop that Windows opened by itself after a restart is closed.
    """
    dropped = e.PermitDropped(
        at=now.at,
        permit=permit.id,
        how="cancel",
        why="signed_in",
        refund=costs_nothing(permit),
        owes_lock=auto_logon,
    )
    close = (fx.CloseDesktop(permit=permit.id, boot_id=state.boot_id),) if auto_logon else ()
    decision = Decision((dropped,), (*close, fx.SummonCompanion(account=permit.account)))
    return (
        decision
        if dropped.refund
        else decision + use_up(state, state.grants[permit.grant], now.at, permit.id)
    )


def cancel(state: State, command: c.CancelPermit, now: Now, _policy: Policy) -> Decision:
    """Cancel a permit whose use did not begin; the use is not counted."""
    permit = find_permit(state, command.permit)
    if permit.state is not PermitState.ISSUED:
        return Decision(subject=permit.id)
    cancelled = e.PermitDropped(
        at=now.at,
        permit=permit.id,
        how="cancel",
        why="restart_refused",
        detail=command.detail,
        refund=True,
    )
    return Decision((cancelled,), subject=permit.id)


def close_desktop(state: State, command: c.CloseDesktop, now: Now, _policy: Policy) -> Decision:
    """Note that the desktop that a permit opened is closed (rule 9)."""
    permit = find_permit(state, command.permit)
    if permit.state in OPEN_PERMITS or not permit.owes_lock:
        return Decision(subject=permit.id)
    earlier = command.closed_at if command.closed_at is not None and command.closed_at < now.at else None
    closed = e.DesktopClosed(at=now.at, permit=permit.id, how=command.how, closed_at=earlier)
    return Decision((closed,), subject=permit.id)


def lapse(state: State, permit: Permit, now: Now) -> Decision:
    """End a permit, or an open desktop, whose time is over."""
    if permit.state in OPEN_PERMITS:
        return _lapsed(state, permit, now) if now.at >= last_moment(permit) else Decision()
    return Decision() if may_stay_open(state, permit, now) else relock(permit, now.at)


def may_stay_open(state: State, permit: Permit, now: Now) -> bool:
    """Tell whether the desktop of an unlock may stay open: the open time is an interval, the agreed end a moment."""
    if permit.relock_at is None:
        return False
    return now.at < permit.relock_at and now.ends < state.grants[permit.grant].terms.not_after


def last_moment(permit: Permit) -> datetime:
    """Return the moment at which an open permit lapses."""
    if permit.redeemed_at is None:
        return permit.expires_at
    return max(permit.expires_at, permit.redeemed_at + LOGON_TIME)


def _lapsed(state: State, permit: Permit, now: Now) -> Decision:
    if permit.state is PermitState.REDEEMED:
        return interrupted(state, permit, now)
    is_waiting = permit.action == "restart" and permit.boot_before == state.boot_id
    is_arso = not state.grants[permit.grant].terms.has_secret
    too_late: DropReason = "not_signed_on" if is_arso else "not_redeemed"
    why = "not_restarted" if is_waiting else too_late
    refund = not is_waiting and _of_two(state, permit) and _is_given_back(state, permit)
    dropped = e.PermitDropped(at=now.at, permit=permit.id, how="lapse", why=why, refund=refund)
    lapsed = Decision((dropped,))
    return lapsed if refund else lapsed + use_up(state, state.grants[permit.grant], now.at, permit.id)


def _is_given_back(state: State, permit: Permit) -> bool:
    """Tell whether a use whose logon waited in vain for the operator's half is given back: no password was opened.

    The restart was an agreed one, so each agreed use is given back once: the restarts of the PC must have an end. A
    restart by others is no use at all.
    """
    terms = state.grants[permit.grant].terms
    agreed = terms.restarts if permit.action == "restart" else terms.unlocks
    earlier = [
        one
        for one in state.permits.values()
        if (one.grant, one.action, one.state) == (permit.grant, permit.action, PermitState.LAPSED)
    ]
    return permit.foreign or sum(not one.foreign for one in earlier) < agreed


def interrupted(state: State, permit: Permit, now: Now) -> Decision:
    """Note a logon whose result never came: a trial of the password without a verdict (rule 6).

    One further try is allowed. If its result does not come either, the grant ends.
    """
    decision = Decision((e.PermitRefused(at=now.at, permit=permit.id, why="interrupted"),))
    return decision + _after_trial(state, permit, now, has_verdict=False)


def _after_trial(state: State, permit: Permit, now: Now, *, has_verdict: bool) -> Decision:
    """End a grant that has nothing left, or two trials of whose password had no verdict."""
    grant = state.grants[permit.grant]
    is_second = grant.is_doubtful and not has_verdict and permit.state is PermitState.REDEEMED
    if is_second and grant in live_grants(state):
        return reject_grant(state, grant, now.at, "trial_unresolved", settled=permit.id)
    return use_up(state, grant, now.at, permit.id)
