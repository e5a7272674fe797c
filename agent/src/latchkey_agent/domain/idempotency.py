# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of an operator that arrive a second time, because the first answer was lost.

Both calls carry the same key. The key is journalled with the call's first event, so a crash between the two
calls loses nothing.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from . import commands as c
from . import events as e
from .clock import Now
from .decision import Decision
from .model import Call, State
from .policy import Policy


def note(_state: State, command: c.NoteCall, _now: Now, _policy: Policy) -> Decision:
    """Change nothing: `with_call` notes the call."""
    return Decision(subject=command.subject)


def with_call(decision: Decision, key: str, at: datetime) -> Decision:
    """Return the decision with the call noted on its first event; unchanged if the call has no key.

    A call that changed nothing is noted by an event of its own: sent again, it must not do what became possible
    meanwhile (rule 13).
    """
    if not key:
        return decision
    call = Call(key, decision.subject, changed=decision.is_change)
    first, *rest = decision.events or (e.CallNoted(at=at),)
    return replace(decision, events=(replace(first, call=call), *rest))


def done_before(state: State, key: str) -> Call | None:
    """Return the call with this key, None for a new one."""
    return state.calls.get(key)
