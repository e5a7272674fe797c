# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules for plain restarts: without a grant, and without a sign-in after them. No customer was asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from . import commands as c
from . import effects as fx
from . import events as e
from .clock import Now
from .decision import Decision, live_grants, own_session
from .grants import not_too_soon, nothing_under_way, shown_message
from .model import PlainRestart, State
from .policy import Policy
from .refusal import Refused

RESTART_TIME = timedelta(minutes=15)
"""The time in which Windows must have restarted; after that the restart counts as one that did not happen."""


def find_restart(state: State, restart: str) -> PlainRestart:
    """Return a plain restart by its id.

    Raises:
        Refused: `no_permit`.
    """
    if (found := state.restarts.get(restart)) is None:
        raise Refused("no_permit", permit=restart)
    return found


def order(state: State, command: c.OrderRestart, now: Now, policy: Policy) -> Decision:
    """Order a plain restart, or join the one that was ordered for this step."""
    session = own_session(state, command.name, command.by)
    for restart in reversed(state.restarts.values()):
        if (restart.session, restart.step) == (session.id, command.step) and not restart.why:
            return Decision(subject=restart.id)
    if live_grants(state, session.id):
        raise Refused(
            "out_of_order", detail="the customer has agreed to restarts in this session: use the grant"
        )
    if signs_out_unasked(command.people, policy, is_open=command.is_open):
        raise Refused("others_signed_in", detail=" and ".join(command.people))
    nothing_under_way(state, now)
    not_too_soon(state, now, policy)
    ordered = e.RestartOrdered(
        at=now.at,
        restart=command.restart,
        session=session.id,
        step=command.step,
        boot_before=command.boot_id,
        lapses_at=now.at + timedelta(seconds=command.grace) + RESTART_TIME,
    )
    effect = fx.PlainRestart(
        restart=command.restart,
        boot_id=command.boot_id,
        message=shown_message(command.message),
        grace=command.grace,
    )
    return Decision((ordered,), (effect,), command.restart)


def signs_out_unasked(people: Sequence[str], policy: Policy, *, is_open: bool) -> bool:
    """Tell whether a plain restart would sign out people of whom the policy does not allow that."""
    return bool(people) and (is_open or not policy.allow_unasked_restarts)


def drop(state: State, command: c.DropRestart, now: Now, _policy: Policy) -> Decision:
    """Note that a plain restart does not happen."""
    restart = find_restart(state, command.restart)
    if restart.why or restart.boot_after is not None:
        return Decision(subject=restart.id)
    dropped = e.RestartDropped(at=now.at, restart=restart.id, why="restart_refused", detail=command.detail)
    return Decision((dropped,), subject=restart.id)


def lapse(restart: PlainRestart, now: Now) -> Decision:
    """End a plain restart that did not happen in its time."""
    if restart.is_pending and now.at >= restart.lapses_at:
        return Decision((e.RestartDropped(at=now.at, restart=restart.id, why="not_restarted"),))
    return Decision()
