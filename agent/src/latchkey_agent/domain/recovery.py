# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for the agent's start: settle what a crash or a restart interrupted."""

from __future__ import annotations

from datetime import timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .clock import Now
from .decision import Decision, cancel, checked_requests, live_grants, reject_grant, use_up
from .evolve import fold
from .grants import must_allow
from .model import Grant, Omission, Permit, State, may_restart
from .permits import interrupted
from .policy import Policy
from .refusal import Refused
from .requests import refused_entry
from .transitions import PermitState

FOREIGN_PERMIT = timedelta(minutes=15)
"""The time that the logon screen has after a restart by others, under a grant of one party."""


def recover(state: State, command: c.Recover, now: Now, _policy: Policy) -> Decision:
    """End grants in doubt: Windows may have refused the password, the record is gone, or the journal is a copy.

    Programs end with the agent that started them, so the result of one that ran is not known.
    """
    decision = Decision()
    for grant in live_grants(state):
        if command.restored:
            decision += reject_grant(state, grant, now.at, "journal_restored")
        elif grant.on_trial:
            decision += reject_grant(state, grant, now.at, "agent_stopped")
        elif grant.terms.has_secret and grant.id not in command.sealed:
            decision += reject_grant(state, grant, now.at, "record_missing")
        elif grant.id in command.keyless:
            decision += reject_grant(
                state, grant, now.at, "record_unreadable", "the erasable half of its key is gone"
            )
    for program in state.programs.values():
        if program.end is None:
            decision += Decision((e.ProgramEnded(at=now.at, program=program.id, end="lost"),))
    for request in checked_requests(state):
        decision += refused_entry(request, "agent_failed", now, retry=True)
    return decision


def see_boot(state: State, command: c.SeeBoot, now: Now, policy: Policy) -> Decision:
    """Note a new boot: settle the permits of the last one, and announce those that wait."""
    if command.boot_id == state.boot_id:
        return _agent_started(state, now)
    decision = Decision((e.BootSeen(at=now.at, boot_id=command.boot_id, up=now.up),))
    before, state = state, fold(state, decision.events)
    for permit_id in tuple(state.permits):
        settled = _after_boot(state, state.permits[permit_id], command, now)
        # One permit can end the grant of another one.
        state, decision = fold(state, settled.events), decision + settled
    waiting = any(t.state is PermitState.ISSUED and t.action == "restart" for t in state.permits.values())
    if before.boot_id and not waiting:
        decision += _foreign(state, command, now, policy, boot_before=before.boot_id)
    return decision


def _agent_started(state: State, now: Now) -> Decision:
    """Void the unlocks that wait: the customer may have unlocked and locked their desktop while no agent saw it."""
    waiting = (p for p in state.permits.values() if p.state is PermitState.ISSUED and p.action == "unlock")
    return Decision(tuple(cancel(permit, now.at, "agent_started") for permit in waiting))


def _after_boot(state: State, permit: Permit, command: c.SeeBoot, now: Now) -> Decision:
    if permit.state is PermitState.REDEEMED:
        return interrupted(state, permit, now)
    if permit.state is PermitState.LOGGED_ON and permit.owes_lock:
        return Decision((e.DesktopClosed(at=now.at, permit=permit.id, how="gone"),))
    if permit.state is not PermitState.ISSUED:
        return Decision()
    if permit.action == "unlock":
        void = Decision((cancel(permit, now.at, "restarted"),))
        return void + use_up(state, state.grants[permit.grant], now.at, permit.id)
    if not state.grants[permit.grant].terms.has_secret:
        # Windows signs the account in by itself; the logon screen has nothing to do.
        return Decision()
    return Decision(effects=_announced(state.grants[permit.grant], permit.id, command))


def _announced(grant: Grant, permit: str, command: c.SeeBoot) -> tuple[fx.AnyEffect, ...]:
    """Return the effect that announces a permit; a grant of two parties waits for the operator's half before."""
    return () if grant.terms.two_parties else (fx.AnnouncePermit(permit=permit, boot_id=command.boot_id),)


def _foreign(state: State, command: c.SeeBoot, now: Now, policy: Policy, *, boot_before: str) -> Decision:
    """Issue a permit after a restart by others, if a grant's terms cover it; note why each other grant is left out.

    A restart that the agent has begun for a permit that is void meanwhile is none by others, and signs nobody in.
    """
    decision, issued = Decision(), False
    # The new boot has been noted on the plain restart that led to it; for other sessions that is one by others.
    plain = {r.session for r in state.restarts.values() if r.boot_after == command.boot_id}
    is_own = any(may_restart(permit, boot_before) for permit in state.permits.values())
    for grant in live_grants(state):
        is_theirs = is_own or grant.session in plain
        why: Omission | None = "own_restart" if is_theirs else _why_omitted(grant, now, policy)
        if issued:
            why = "other_account"
        if why is None:
            decision, issued = decision + _sign_in(grant, command, now, boot_before), True
        else:
            decision += Decision((e.SignInOmitted(at=now.at, grant=grant.id, why=why),))
    return decision


_OMISSIONS: dict[str, Omission] = {
    "grant_paused": "paused",
    "clock_behind": "clock_behind",
    "too_early": "too_early",
    "terms_used_up": "used_up",
    "grant_expired": "used_up",
}
"""The reasons by the code of the refusal."""


def _why_omitted(grant: Grant, now: Now, policy: Policy) -> Omission | None:
    if not policy.allow_foreign_restarts:
        return "policy"
    if not grant.terms.foreign_restarts:
        return "not_agreed"
    try:
        must_allow(grant, "restart", now)
    except Refused as refusal:
        return _OMISSIONS[refusal.code]
    return None


def _sign_in(grant: Grant, command: c.SeeBoot, now: Now, boot_before: str) -> Decision:
    """Issue the permit. That of two parties waits for the operator, who may see the restart after a long step only."""
    waits_until = grant.terms.not_after if grant.terms.two_parties else now.at + FOREIGN_PERMIT
    issued = e.PermitIssued(
        at=now.at,
        permit=command.permit,
        grant=grant.id,
        action="restart",
        expires_at=min(waits_until, grant.terms.not_after),
        boot_before=boot_before,
        foreign=True,
    )
    return Decision((issued,), _announced(grant, command.permit, command))
