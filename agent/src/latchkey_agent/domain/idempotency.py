# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator's call that comes a second time, because its answer was lost on the way.

The key that it brings both times tells it from another call of the same words; it is journalled with the
call's first event, so that a crash between the two forgets nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from .decision import Decision
from .model import Call, State


def with_call(decision: Decision, key: str) -> Decision:
    """Return the decision with its first event with_call by the key of the call; no key, no mark."""
    if not key or not decision.events:
        return decision
    first, *rest = decision.events
    return replace(decision, events=(replace(first, call=Call(key, decision.subject)), *rest))


def done_before(state: State, key: str) -> tuple[str, ...]:
    """Return what the call with this key was about, as far as it is still known; nothing if it is new."""
    known = (state.sessions, state.requests, state.grants, state.permits)
    return tuple(s for s in state.calls.get(key, ()) if any(s in things for things in known))
