# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pure stand-in for the parts of the shell that decide something; each function names what it stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latchkey_agent.core import desktops
from latchkey_agent.core.halves import HOLD_SECONDS
from latchkey_agent.domain import (
    IllegalTransitionError,
    PermitState,
    Refused,
    State,
    live_grants,
    opened_by,
    settled,
)
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain import events as e

from . import adapter as to
from . import rules
from .node import Desktop, Duty, Node, session_number

if TYPE_CHECKING:
    from latchkey_agent.domain import Decision
    from latchkey_agent.domain.commands import AnyCommand
SIGN_IN_TIME = desktops.SIGN_IN_TIME.total_seconds()


class Refusal(Exception):
    """The rules refuse a command."""


# --- core.core --------------------------------------------------------------------------------


def execute(n: Node, command: AnyCommand, key: str = "") -> Decision:
    """`Core.execute`: end what is over, decide, fold, store events and effects."""
    if not isinstance(command, to.AT_START):
        tick(n)
    decision = to.noted(n, preview(n, command), key)
    commit(n, decision)
    return decision


def preview(n: Node, command: AnyCommand) -> Decision:
    """`Core.preview`, without the tick."""
    if n.damaged:
        raise Refusal("journal_damaged")
    try:
        return to.decided(n, command)
    except Refused as refusal:
        raise Refusal(refusal.code) from None
    except IllegalTransitionError:
        raise Refusal("out_of_order") from None


def tick(n: Node) -> None:
    """`Core.tick`."""
    if n.damaged:
        return
    why, n.why = n.why, "tick"
    try:
        commit(n, to.decided(n, to.TICK))
    except (IllegalTransitionError, Refused) as fault:
        n.violate("contradiction", str(fault))
    _settle_halves(n)
    _note_authorities(n)
    n.why = why


def _note_authorities(n: Node) -> None:
    """`Core._note_authorities`."""
    if n.settings[0] and not to.is_older(n):
        n.newest = max(n.newest, n.settings)
        commit(n, to.pinned(n))


def require_policy(n: Node) -> None:
    """`Core.policy`: a settings file with older keys allows nothing."""
    if n.settings != n.newest and to.is_older(n):
        raise Refusal("policy_invalid")


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
    _settle_halves(n)
    _settle_duties(n)


def _settle_halves(n: Node) -> None:
    """`Core._settle_halves`, under settings that hold."""
    waiting = {p.id for p in n.state.permits.values() if p.state is PermitState.ISSUED}
    up = n.true - n.booted
    n.halves = tuple((permit, until) for permit, until in n.halves if permit in waiting and up < until)


def _settle_duties(n: Node) -> None:
    """`Core._settle_duties`."""
    kept = []
    for duty in n.duties:
        permit = n.state.permits.get(duty.permit)
        if duty.boot == n.boot and (duty.late or permit is None or not settled(permit)):
            kept.append(duty)
    n.duties = tuple(kept)


def damage(n: Node) -> None:
    """The journal is found damaged (`Core.storage`, `JournalLifecycle.fail`): nothing of it is left."""
    n.damaged = True
    n.state = State()
    n.effects = ()
    n.sealed = frozenset()
    n.applying = None
    n.halves = ()


def kill(n: Node) -> None:
    """SIGKILL: what is in memory is lost."""
    n.alive = False
    n.seen_open = n.opened = n.restarting = frozenset()
    n.awaited = ()
    n.not_yet = n.brought = frozenset()
    n.halves = ()
    n.unseen = n.lock_pending = False
    if n.applying is not None:
        n.sent = tuple(s for s in n.sent if s.outcome != "under way")
        n.applying = None


def start(n: Node) -> None:
    """`Agent._begin`: `Core._load`, then `sessions_changed`."""
    n.alive = True
    if n.damaged:
        _meet_duties(n)
        return
    sealed = tuple(sorted(n.sealed))
    try:
        execute(n, to.recover(sealed))
        execute(n, to.see_boot(n.boot, n.new_id("p")))
    except Refusal as fault:
        n.violate("own_command_failed", str(fault))
    tick(n)
    n.sealed &= {g.id for g in live_grants(n.state)}
    n.not_yet = frozenset(p.id for p in n.state.permits.values() if p.state is PermitState.ISSUED)
    sessions_changed(n)
    wake(n)


# --- agent ------------------------------------------------------------------------------------


def sessions_changed(n: Node) -> None:
    """`Agent.sessions_changed`."""
    n.unseen = False
    if not n.damaged:
        try:
            execute(n, to.see_sign_ins(n.desktops, automatic=n.automatic))
        except Refusal as fault:
            n.violate("own_command_failed", str(fault))
    _meet_duties(n)


def _meet_duties(n: Node) -> None:
    """`Agent._meet_duties`: lock what the journal does not know."""
    n.lock_pending = False
    for duty in n.duties:
        if duty.boot != n.boot or (duty.permit in n.state.permits and not duty.late):
            continue
        if duty.late:
            _meet_late(n, duty)
        elif close(n, duty.permit, duty.who, duty.windows_session) is None:
            n.lock_pending = True
        else:
            n.duties = tuple(d for d in n.duties if d is not duty)


def _meet_late(n: Node, duty: Duty) -> None:
    """`Agent._meet_late`: lock a desktop that has opened after it counted as closed, once."""
    own = [d for d in n.desktops if d.who == duty.who and opened_by(duty.windows_session, _Seen(d))]
    if own and not any(d.open for d in own):
        return
    if own and close(n, duty.permit, duty.who, duty.windows_session) is None:
        n.lock_pending = True
        return
    settle_duty(n, duty.permit)


def wake(n: Node) -> None:
    """`Agent.wake`: time has passed, or the clock was set."""
    if n.lock_pending:
        sessions_changed(n)
    else:
        tick(n)
        _meet_duties(n)
    _announce_again(n)


def _announce_again(n: Node) -> None:
    """`Agent._announce_again`."""
    waiting = frozenset(p.id for p in n.state.permits.values() if p.state is PermitState.ISSUED)
    permit = to.waiting_permit(n)
    if not permit:
        n.not_yet = waiting
    elif permit in n.not_yet:
        _announce(n)
        n.not_yet = frozenset()


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
            _announce(n)
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
    strangers = any(d.who != who for d in n.desktops)
    if strangers and n.scheduled:
        return True  # `Power.restart_begun`
    if strangers:
        return _own(n, to.cancel_permit(permit.id))
    rules.on_restart_asked(n, permit)
    n.scheduled = permit.id
    n.restarting |= {permit.id}
    return True


def _announce(n: Node) -> None:
    """`Notifier.announce_permit`."""
    n.announced += 1
    announce(n)


def announce(n: Node) -> None:
    """The logon screen looks for a permit, if it is on the screen."""
    console_is_open = any(d.open and not d.remote for d in n.desktops)
    n.told = n.alive and not console_is_open and bool(to.waiting_permit(n))


def _close_desktop(n: Node, permit_id: str) -> bool:
    permit = n.state.permits.get(permit_id)
    if permit is None or not permit.owes_lock:
        return True
    who = to.LETTERS[permit.account.sid]
    logged_on = None if permit.logged_on_at is None else to.seconds(permit.logged_on_at)
    how = close(n, permit.id, who, permit.windows_session, logged_on=logged_on)
    return how is not None and _own(n, to.close_desktop(permit.id, how))


# --- core.desktops ----------------------------------------------------------------------------


def close(
    n: Node, permit: str, who: str, windows_session: int | None, *, logged_on: int | None = None
) -> str | None:
    """`DesktopCloser.close`; None where it raises PortError."""
    now = to.seconds(to.now(n).at)
    since = dict(n.awaited).setdefault(permit, now)
    if permit not in dict(n.awaited):
        n.awaited = (*n.awaited, (permit, now))
    theirs = [d for d in n.desktops if d.who == who]
    own = [d for d in theirs if opened_by(windows_session, _Seen(d))]
    if own:
        n.seen_open |= {permit}
    if any(d.open for d in own):
        n.opened |= {permit}
    for desktop in theirs:
        if desktop.open:
            lock(n, desktop)
    if not own and permit not in n.seen_open:
        return None
    if logged_on is not None:
        since = logged_on
    if own and permit not in n.opened and now - since < SIGN_IN_TIME:
        return None
    if own and permit not in n.opened:
        n.duties = tuple(d._replace(late=True) if d.permit == permit else d for d in n.duties)
    n.seen_open -= {permit}
    n.opened -= {permit}
    n.awaited = tuple(x for x in n.awaited if x[0] != permit)
    return "locked" if own else "gone"


class _Seen:
    """A session as `opened_by` takes it."""

    def __init__(self, desktop: Desktop) -> None:
        self.session_id = desktop.session
        self.console = desktop.console


def lock(n: Node, desktop: Desktop) -> None:
    """Windows locks a desktop; the logon screen looks for a permit."""
    n.desktops = tuple(d._replace(open=False, opened_by="") if d is desktop else d for d in n.desktops)
    announce(n)


def deliver(n: Node, permit: str) -> None:
    """`HalfExchange.deliver`: an operator's half comes for a logon, and the logon screen is notified."""
    tick(n)
    if to.awaits(n, permit):
        n.halves = (*n.halves, (permit, n.true - n.booted + int(HOLD_SECONDS)))
        n.brought |= {permit}
        _announce(n)


def release_half(n: Node, permit: str) -> bool:
    """`LogonHandler._half_for`: tell whether the half that a permit needs was here; it serves once."""
    if not n.state.grants[n.state.permits[permit].grant].terms.two_parties:
        return True
    here = any(held == permit for held, _ in n.halves)
    n.halves = tuple(one for one in n.halves if one[0] != permit)
    return here


def logon_session(n: Node, who: str) -> int:
    """Return the Windows session of the logon screen on the PC's own screen."""
    return next((d.session for d in n.desktops if d.console), session_number(who))


def take_duty(n: Node, permit: str, who: str, windows_session: int) -> None:
    """`LockDuties.taken`, before a permit is redeemed."""
    n.duties = (*n.duties, Duty(permit, who, n.boot, windows_session))


def settle_duty(n: Node, permit: str) -> None:
    """`LockDuties.settle`."""
    n.duties = tuple(d for d in n.duties if d.permit != permit)


def replace_late_duties(n: Node, permit: str, who: str) -> None:
    """`LockDuties.taken`, after a permit is redeemed: its duty stands for the late ones of its account."""
    n.duties = tuple(d for d in n.duties if d.permit == permit or not (d.late and d.who == who))
