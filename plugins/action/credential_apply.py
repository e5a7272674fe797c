# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.credential_apply: restart or unlock with the customer's grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._credential_apply import ApplyTask, Use
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import (
    Spec,
    duration,
    without_defaults,
    written_time,
)

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline

_TERMS: Spec = {
    "message": {"type": "str", "default": ""},
    "means": {"type": "str", "choices": ["grant", "none"], "default": "grant"},
    "grace": {"type": "float", "default": 60.0},
    "done": {"type": "bool", "default": False},
    "when_pending": {"type": "bool", "default": False},
    "not_before": {"type": written_time},
    "not_after": {"type": written_time},
    "limit": {"type": duration},
}


class ActionModule(AgentAction):
    """Use the grant once; return when the customer is signed in and the session is locked."""

    _latchkey_spec: ClassVar[Spec] = {
        **_TERMS,
        "action": {"type": "str", "choices": ["restart", "unlock"], "required": True},
        "step": {"type": "str"},
        "test_command": {"type": "str"},
    }
    _latchkey_timeout: ClassVar[float] = 900.0

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        names = ("session", "action", "step", "test_command")
        terms = {name: options[name] for name in _TERMS}
        if options["means"] == "grant":
            # The warning is in the grant's terms.
            del terms["grace"]
        use = Use(
            **{name: options[name] for name in names},
            terms=without_defaults(terms, means="grant", done=False, when_pending=False),
            deadline=deadline,
            when_pending=options["when_pending"],
        )
        parts = self._latchkey_agent, self._latchkey_link, self._latchkey_clock, self._latchkey_progress()
        return ApplyTask(*parts, use).apply()
