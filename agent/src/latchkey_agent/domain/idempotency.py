# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of an operator that arrive a second time, because the first answer was lost.

Both calls carry the same key. The key is journalled with the call's first event, so a crash between the two
calls loses nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from .decision import Decision
from .model import Call, State


def with_call(decision: Decision, key: str) -> Decision:
    """Return the decision with the call noted on its first event; unchanged if the call has no key."""
    if not key or not decision.events:
        return decision
    first, *rest = decision.events
    return replace(decision, events=(replace(first, call=Call(key, decision.subject)), *rest))


def done_before(state: State, key: str) -> tuple[str, ...]:
    """Return the subjects of the call with this key that the state still knows; empty for a new call."""
    known = (state.sessions, state.requests, state.grants, state.permits)
    return tuple(s for s in state.calls.get(key, ()) if any(s in things for things in known))
