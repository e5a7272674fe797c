# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the agent's start: settle what a crash or a restart interrupted."""

from __future__ import annotations

from datetime import datetime, timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .decision import Decision, cancel, end_grant, live_grants, use_up
from .grants import must_allow, not_too_soon
from .model import Grant, Permit, Rejection, State
from .policy import Policy
from .refusal import Refused
from .requests import refused_entry
from .transitions import OPEN_REQUESTS, PermitState

FOREIGN_PERMIT = timedelta(minutes=15)
"""The time that the logon screen has after a restart by others."""


def recover(state: State, command: c.Recover, now: datetime, _policy: Policy) -> Decision:
    """End grants that a crash left in doubt: Windows may have refused the password, or the sealed record is gone."""
    decision = Decision()
    for grant in live_grants(state):
        if grant.on_trial:
            decision += _reject(state, grant, now, "agent_stopped")
        elif grant.id not in command.sealed:
            decision += _reject(state, grant, now, "record_missing")
    for request in state.requests.values():
        if request.state in OPEN_REQUESTS and request.entries > request.entries_refused:
            decision += refused_entry(request, "agent_failed", now, retry=True)
    return decision


def _reject(state: State, grant: Grant, now: datetime, why: Rejection) -> Decision:
    return end_grant(state, grant, e.GrantEnded(at=now, grant=grant.id, how="reject", rejection=why))


def see_boot(state: State, command: c.SeeBoot, now: datetime, policy: Policy) -> Decision:
    """Note a new boot: settle the permits of the last one, and announce those that wait."""
    if command.boot_id == state.boot_id:
        return Decision()
    decision = Decision((e.BootSeen(at=now, boot_id=command.boot_id),))
    for permit in state.permits.values():
        decision += _after_boot(state, permit, command, now)
    waiting = any(t.state is PermitState.ISSUED and t.action == "restart" for t in state.permits.values())
    if state.boot_id and not waiting:
        decision += _foreign(state, command, now, policy)
    return decision


def _after_boot(state: State, permit: Permit, command: c.SeeBoot, now: datetime) -> Decision:
    if permit.state is PermitState.REDEEMED:
        interrupted = e.PermitRefused(at=now, permit=permit.id, why="interrupted")
        return Decision((interrupted,)) + use_up(state, state.grants[permit.grant], now, permit.id)
    if permit.state is PermitState.LOGGED_ON and permit.closing is None:
        return Decision((e.DesktopClosed(at=now, permit=permit.id, how="gone"),))
    if permit.state is not PermitState.ISSUED:
        return Decision()
    if permit.action == "unlock":
        void = Decision((cancel(permit, now, "restarted"),))
        return void + use_up(state, state.grants[permit.grant], now, permit.id)
    return Decision(effects=(fx.AnnouncePermit(permit=permit.id, boot_id=command.boot_id),))


def _foreign(state: State, command: c.SeeBoot, now: datetime, policy: Policy) -> Decision:
    """Issue a permit after a restart by others, if a grant's terms cover it."""
    if not policy.allow_foreign_restarts:
        return Decision()
    for grant in live_grants(state):
        if not grant.terms.foreign_restarts:
            continue
        try:
            must_allow(grant, "restart", now)
            not_too_soon(state, now, policy)
        except Refused:
            continue
        issued = e.PermitIssued(
            at=now,
            permit=command.permit,
            grant=grant.id,
            action="restart",
            expires_at=min(now + FOREIGN_PERMIT, grant.terms.not_after),
            boot_before=state.boot_id,
            foreign=True,
        )
        announce = fx.AnnouncePermit(permit=command.permit, boot_id=command.boot_id)
        return Decision((issued,), (announce,))
    return Decision()
