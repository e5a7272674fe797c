# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for logon permits, from issue to lapse, and for the desktops that they open."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .decision import Decision, closing, end_grant, live_grants, relock, use_up
from .model import DropReason, Permit, State
from .policy import Policy
from .refusal import Refused
from .transitions import OPEN_PERMITS, PERMIT, GrantState, IllegalTransitionError, PermitState, step

LOGON_TIME = timedelta(minutes=2)
"""The longest time of a logon, even past the end of its permit."""
LATE_LOGON = timedelta(minutes=30)
"""The time after redeeming in which an open desktop counts as the logon of an interrupted permit."""


def find_permit(state: State, permit: str) -> Permit:
    """Return a permit by its id.

    Raises:
        Refused: `no_permit`.
    """
    if (found := state.permits.get(permit)) is None:
        raise Refused("no_permit", permit=permit)
    return found


def redeemable(state: State, boot_id: str, now: datetime) -> Permit | None:
    """Return the permit that the logon screen of this boot may redeem now."""
    for permit in state.permits.values():
        if permit.state is PermitState.ISSUED and _may_redeem(state, permit, boot_id, now):
            return permit
    return None


def _may_redeem(state: State, permit: Permit, boot_id: str, now: datetime) -> bool:
    grant = state.grants[permit.grant]
    right_boot = (permit.boot_before != boot_id) == (permit.action == "restart")
    in_time = grant.terms.not_before <= now < min(permit.expires_at, grant.terms.not_after)
    return right_boot and in_time and grant.state is GrantState.ACTIVE


def redeem(state: State, command: c.RedeemPermit, now: datetime, _policy: Policy) -> Decision:
    """Redeem a permit. The password is handed over only after this is on the disk (rule 5)."""
    permit = find_permit(state, command.permit)
    step(PERMIT, permit.state, "redeem")
    if not _may_redeem(state, permit, command.boot_id, now):
        raise Refused("permit_cancelled", detail="it does not hold for this boot or time")
    redeemed = e.PermitRedeemed(at=now, permit=permit.id, boot_after=command.boot_id)
    return Decision((redeemed,), subject=permit.id)


def report(state: State, command: c.ReportLogon, now: datetime, _policy: Policy) -> Decision:
    """Note the result of a logon. A refused password is never tried again (rule 6)."""
    permit = find_permit(state, command.permit)
    if command.rejection is not None:
        return _logon_refused(state, permit, command, now)
    if permit.state is PermitState.LOGGED_ON:
        return Decision(subject=permit.id)
    step(PERMIT, permit.state, "log_on")
    if permit.why == "refused":
        raise IllegalTransitionError(permit.state, "log_on", [])
    return _logged_on(state, permit, now)


def _logon_refused(state: State, permit: Permit, command: c.ReportLogon, now: datetime) -> Decision:
    """End the grant, also if the permit was taken for interrupted meanwhile: Windows refused the password."""
    decision = Decision(subject=permit.id)
    if permit.redeemed_at is None or permit.state is PermitState.REDEEMED:
        step(PERMIT, permit.state, "refuse")
        decision += Decision(
            (e.PermitRefused(at=now, permit=permit.id, why="refused", detail=command.detail),)
        )
    grant = state.grants[permit.grant]
    if grant not in live_grants(state):
        return decision
    ended = e.GrantEnded(
        at=now, grant=grant.id, how="reject", rejection=command.rejection, detail=command.detail
    )
    return decision + end_grant(state, grant, ended)


def _logged_on(state: State, permit: Permit, now: datetime) -> Decision:
    effects: tuple[fx.AnyEffect, ...] = (fx.SummonCompanion(account=permit.account),)
    if permit.must_lock or not _session_open(state, permit):
        effects = (closing(permit), *effects)
    decision = Decision((e.PermitLoggedOn(at=now, permit=permit.id),), effects, permit.id)
    return decision + use_up(state, state.grants[permit.grant], now, permit.id)


def _session_open(state: State, permit: Permit) -> bool:
    return state.sessions[permit.session].ended_at is None


def see_sign_ins(state: State, command: c.SeeSignIns, now: datetime, _policy: Policy) -> Decision:
    """Note the logon of a redeemed permit whose account has an open desktop, even without a report."""
    decision = Decision()
    for permit in state.permits.values():
        if permit.account.sid in command.open_desktops and _may_log_on(state, permit, now):
            decision += _logged_on(state, permit, now)
    return decision


def _may_log_on(state: State, permit: Permit, now: datetime) -> bool:
    """Tell whether a desktop that is open now may come from the permit; for an interrupted one only for a while."""
    if permit.state is PermitState.REDEEMED:
        return True
    if permit.redeemed_at is None or permit.why != "interrupted":
        return False
    return permit.boot_after == state.boot_id and now < permit.redeemed_at + LATE_LOGON


def cancel(state: State, command: c.CancelPermit, now: datetime, _policy: Policy) -> Decision:
    """Cancel a permit whose use did not begin; the use is not counted."""
    permit = find_permit(state, command.permit)
    if permit.state is not PermitState.ISSUED:
        return Decision(subject=permit.id)
    cancelled = e.PermitDropped(
        at=now,
        permit=permit.id,
        how="cancel",
        why="restart_refused",
        detail=command.detail,
        refund=True,
    )
    return Decision((cancelled,), subject=permit.id)


def close_desktop(state: State, command: c.CloseDesktop, now: datetime, _policy: Policy) -> Decision:
    """Note that the desktop that a permit opened is closed (rule 9)."""
    permit = find_permit(state, command.permit)
    if permit.state is not PermitState.LOGGED_ON or permit.closing is not None:
        return Decision(subject=permit.id)
    return Decision((e.DesktopClosed(at=now, permit=permit.id, how=command.how),), subject=permit.id)


def lapse(state: State, permit: Permit, now: datetime) -> Decision:
    """End a permit, or an open desktop, whose time is over."""
    if permit.state in OPEN_PERMITS:
        return _lapsed(state, permit, now) if now >= last_moment(permit) else Decision()
    if permit.relock_at is None or permit.logged_on_at is None:
        return Decision()
    # A clock that was set back must not keep the desktop open longer.
    return relock(permit, now) if not permit.logged_on_at <= now < permit.relock_at else Decision()


def last_moment(permit: Permit) -> datetime:
    """Return the moment at which an open permit lapses."""
    if permit.redeemed_at is None:
        return permit.expires_at
    return max(permit.expires_at, permit.redeemed_at + LOGON_TIME)


def _lapsed(state: State, permit: Permit, now: datetime) -> Decision:
    if permit.state is PermitState.REDEEMED:
        lapsed = Decision((e.PermitRefused(at=now, permit=permit.id, why="interrupted"),))
    else:
        is_waiting = permit.action == "restart" and permit.boot_before == state.boot_id
        why: DropReason = "not_restarted" if is_waiting else "not_redeemed"
        lapsed = Decision((e.PermitDropped(at=now, permit=permit.id, how="lapse", why=why),))
    return lapsed + use_up(state, state.grants[permit.grant], now, permit.id)
