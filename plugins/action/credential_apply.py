# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.credential_apply: restart or unlock with the customer's grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._credential_apply import ApplyTask, Use
from ansible_collections.latchkey.consent.plugins.plugin_utils._credential_collect import (
    CollectTask,
    SignInTask,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._half_answers import half_answers
from ansible_collections.latchkey.consent.plugins.plugin_utils._next_step import NextStep
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import (
    Spec,
    duration,
    moment,
    wait_seconds,
    without_defaults,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import (
    exact_text,
    plain_text,
    written_time,
)

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline

_TERMS: Spec = {
    "message": {"type": plain_text, "default": ""},
    "means": {"type": "str", "choices": ["grant", "none"], "default": "grant"},
    "grace": {"type": "float", "default": 60.0},
    "done": {"type": "bool", "default": False},
    "when_pending": {"type": "bool", "default": False},
    "not_before": {"type": written_time},
    "not_after": {"type": written_time},
    "limit": {"type": duration},
}


_NEXT_BOUNDS = {
    "not_before": "not_before",
    "not_after": "not_after",
    "limit": "then_limit",
    "spare": "then_spare",
}
"""The maintenance window of the next step: the agent's fields, and the options."""

BEGIN_SECONDS = 60.0
"""Longest duration of a task that only begins the use."""


class ActionModule(AgentAction):
    """Use the grant once; return when the customer is signed in and the session is locked, or in two tasks."""

    _latchkey_spec: ClassVar[Spec] = {
        **_TERMS,
        "action": {"type": "str", "choices": ["restart", "unlock"], "required": True},
        "mode": {"type": "str", "choices": ["wait", "begin", "collect", "sign_in"], "default": "wait"},
        "step": {"type": exact_text},
        "then": {"type": exact_text},
        "then_limit": {"type": duration},
        "then_spare": {"type": duration},
        "test_command": {"type": "str"},
        "deadline": {"type": moment},
        "timeout": {"type": wait_seconds},
    }
    _latchkey_timeout: ClassVar[float] = 900.0

    def _latchkey_options(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return the options; the default of `timeout` depends on the mode, and only `collect` may wait for no time."""
        options = super()._latchkey_options(task_vars)
        collects = options["mode"] == "collect"
        if options["timeout"] is None:
            options["timeout"] = 0.0 if collects else self._latchkey_timeout
        if options["timeout"] == 0 and not collects:
            raise failure("bad_option", detail="timeout must be above 0 without mode=collect")
        return options

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        use = self._latchkey_use(options, deadline)
        parts = self._latchkey_agent, self._latchkey_link, self._latchkey_clock, self._latchkey_progress()
        match options["mode"]:
            case "begin":
                return ApplyTask(*parts, use).begin()
            case "collect":
                return CollectTask(*parts, use).collect()
            case "sign_in":
                return SignInTask(*parts, use).collect()
        return ApplyTask(*parts, use).apply()

    def _latchkey_use(self, options: dict[str, Any], deadline: Deadline) -> Use:
        names = ("session", "action", "step", "test_command")
        terms = {name: options[name] for name in _TERMS}
        if options["means"] == "grant":
            # The warning is in the grant's terms.
            del terms["grace"]
        begins = options["mode"] == "begin"
        return Use(
            **{name: options[name] for name in names},
            terms=without_defaults(terms, means="grant", done=False, when_pending=False),
            deadline=deadline.sooner(BEGIN_SECONDS) if begins else deadline,
            halves=half_answers(options, self._latchkey_pc()),
            when_pending=options["when_pending"],
            patience=options["timeout"] if begins else None,
            following=self._latchkey_next(options),
            fails_at=options["deadline"],
        )

    def _latchkey_next(self, options: dict[str, Any]) -> NextStep | None:
        if options["then"] is None:
            return None
        bounds = {field: options[name] for field, name in _NEXT_BOUNDS.items()}
        return NextStep(options["session"], options["then"], bounds)
