# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pure stand-in for the parts of the shell that decide something; each function names what it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latchkey_agent.domain import IllegalTransitionError, PermitState, Refused, live_grants
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain import events as e

from . import adapter as to
from . import rules
from .node import Desktop, Node

if TYPE_CHECKING:
    from latchkey_agent.domain import Decision, Permit
    from latchkey_agent.domain.commands import AnyCommand

SIGN_IN_TIME = 120
"""`effect_runner.SIGN_IN_TIME`, in seconds."""


class Refusal(Exception):
    """The rules refuse a command."""


# --- core.core --------------------------------------------------------------------------------


def execute(n: Node, command: AnyCommand, key: str = "") -> Decision:
    """`Core.execute`: end what is over, decide, fold, store events and effects."""
    if not isinstance(command, to.AT_START):
        tick(n)
    decision = to.noted(preview(n, command), key)
    commit(n, decision)
    return decision


def preview(n: Node, command: AnyCommand) -> Decision:
    """`Core.preview`, without the tick."""
    try:
        return to.decided(n.state, command, n.wall)
    except Refused as refusal:
        raise Refusal(refusal.code) from None
    except IllegalTransitionError:
        raise Refusal("out_of_order") from None


def tick(n: Node) -> None:
    """`Core.tick`."""
    why, n.why = n.why, "tick"
    try:
        commit(n, to.decided(n.state, to.TICK, n.wall))
    except (IllegalTransitionError, Refused) as fault:
        n.violate("contradiction", str(fault))
    n.why = why


def commit(n: Node, decision: Decision) -> None:
    """`Core._commit`: one transaction."""
    if not decision.events:
        return
    before = n.state
    try:
        n.state = to.folded(before, decision.events)
    except (IllegalTransitionError, KeyError) as fault:
        n.violate("contradiction", str(fault))
        return
    # Who watches the companion is no question here.
    new = tuple(f for f in decision.effects if not isinstance(f, fx.SummonCompanion))
    n.effects += new
    for event in decision.events:
        if isinstance(event, e.GrantGiven):
            n.sealed |= {event.grant}
        elif isinstance(event, e.GrantEnded):
            n.sealed -= {event.grant}
        rules.on_event(n, before, event, decision)


def kill(n: Node) -> None:
    """SIGKILL: what is in memory is lost."""
    n.alive = False
    n.seen_open = n.restarting = frozenset()
    n.unseen = False
    if n.applying is not None:
        n.sent = tuple(s for s in n.sent if s.outcome != "under way")
        n.applying = None


def start(n: Node) -> None:
    """`Agent._begin`: `Core._load`, then `sessions_changed`."""
    n.alive = True
    sealed = tuple(sorted(n.sealed))
    try:
        execute(n, to.recover(sealed))
        execute(n, to.see_boot(n.boot, n.new_id("p")))
    except Refusal as fault:
        n.violate("own_command_failed", str(fault))
    tick(n)
    n.sealed &= {g.id for g in live_grants(n.state)}
    sessions_changed(n)


# --- agent ------------------------------------------------------------------------------------


def sessions_changed(n: Node) -> None:
    """`Agent.sessions_changed`."""
    n.unseen = False
    there = tuple(d.who for d in n.desktops if d.open)
    try:
        execute(n, to.see_sign_ins(there))
    except Refusal as fault:
        n.violate("own_command_failed", str(fault))


def wake(n: Node) -> None:
    """`Agent.wake`: time has passed, or the clock was set."""
    tick(n)


# --- core.effect_runner -----------------------------------------------------------------------


def run_effects(n: Node) -> None:
    """`EffectRunner.run`: each pending effect once; failed ones stay."""
    pending = n.effects
    results = {effect: attempt(n, effect) for effect in dict.fromkeys(pending)}
    done = [effect for effect in pending if results[effect]]
    left = list(n.effects)
    for effect in done:
        left.remove(effect)
    n.effects = tuple(left)


def attempt(n: Node, effect: fx.AnyEffect) -> bool:
    """`EffectRunner._attempt`: tell whether the effect is done."""
    if effect.boot_id and effect.boot_id != to.boot_id(n.boot):
        return True
    match effect:
        case fx.Restart():
            return _restart(n, effect)
        case fx.AnnouncePermit():
            announce(n)
        case fx.CloseDesktop():
            return _close_desktop(n, effect.permit)
        case fx.ConfirmErasure():
            grant = n.state.grants.get(effect.grant)
            if grant is not None and grant.erasure is None:
                n.sealed -= {effect.grant}
                return _own(n, to.record_erasure(effect.grant, n.wall))
    return True


def _own(n: Node, command: AnyCommand) -> bool:
    try:
        execute(n, command)
    except Refusal:
        return False
    return True


def _restart(n: Node, effect: fx.Restart) -> bool:
    tick(n)
    permit = n.state.permits.get(effect.permit)
    if permit is None or permit.state is not PermitState.ISSUED or permit.id in n.restarting:
        return True
    who = to.LETTERS[permit.account.sid]
    if any(d.who != who for d in n.desktops):
        return _own(n, to.cancel_permit(permit.id))
    rules.on_restart_asked(n, permit)
    n.scheduled = permit.id
    n.restarting |= {permit.id}
    return True


def announce(n: Node) -> None:
    """The logon screen looks for a permit, if it is on the screen."""
    console_is_open = any(d.open and not d.remote for d in n.desktops)
    n.told = (
        n.alive and not console_is_open and bool(to.waiting_permit(n.state, n.boot, n.wall))
    )


def _close_desktop(n: Node, permit_id: str) -> bool:
    permit = n.state.permits.get(permit_id)
    if permit is None or permit.closing is not None:
        return True
    how = secure(n, permit)
    if how is None:
        return False
    done = _own(n, to.close_desktop(permit.id, how))
    n.seen_open -= {permit.id}
    return done


def secure(n: Node, permit: Permit) -> str | None:
    """`EffectRunner.secure`; None where it raises PortError."""
    who = to.LETTERS[permit.account.sid]
    for desktop in n.desktops:
        if desktop.who == who and desktop.open:
            n.seen_open |= {permit.id}
            lock(n, desktop)
    if _may_still_open(n, permit):
        return None
    mine = [d for d in n.desktops if d.who == who]
    return "locked" if mine else "gone"


def _may_still_open(n: Node, permit: Permit) -> bool:
    begun = permit.logged_on_at or permit.redeemed_at or permit.issued_at
    return 0 <= n.wall - to.seconds(begun) < SIGN_IN_TIME and permit.id not in n.seen_open


def lock(n: Node, desktop: Desktop) -> None:
    """Windows locks a desktop; the logon screen looks for a permit."""
    n.desktops = tuple(d._replace(open=False, opened_by="") if d is desktop else d for d in n.desktops)
    announce(n)
