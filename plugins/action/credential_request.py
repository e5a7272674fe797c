# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.credential_request: ask the customer for a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._credential_request import (
    RequestOptions,
    RequestTask,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._half_answers import half_answers
from ansible_collections.latchkey.consent.plugins.plugin_utils._operator_certificate import read_signer
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec, without_defaults
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import plain_text, written_time

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline

_TERMS: Spec = {
    "account": {"type": plain_text},
    "means": {"type": "str", "choices": ["auto", "grant", "arso"], "default": "grant"},
    "restarts": {"type": "int", "default": 0},
    "unlocks": {"type": "int", "default": 0},
    "foreign_restarts": {"type": "bool", "default": False},
    "programs": {"type": "bool", "default": False},
    "not_before": {"type": written_time},
    "not_after": {"type": written_time},
    "relock_after": {"type": "float", "default": 600.0},
    "grace": {"type": "float", "default": 5.0},
    "answer_by": {"type": written_time},
}


class ActionModule(AgentAction):
    """Ask, and wait for the answer unless `wait` is false."""

    _latchkey_spec: ClassVar[Spec] = {
        **_TERMS,
        "ask_again": {"type": "bool", "default": False},
        "wait": {"type": "bool", "default": True},
    }
    _latchkey_timeout: ClassVar[float] = 600.0

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        terms = {name: options[name] for name in (*_TERMS, "ask_again")}
        known = without_defaults(terms, means="grant")
        halves = half_answers(options, self._latchkey_pc())
        key = options["signing_key"]
        request = RequestOptions(
            options["session"],
            known,
            wait=options["wait"],
            deadline=deadline,
            halves=halves,
            signer=None if key is None else read_signer(key, options["signing_certificate"]),
            challenges=self._latchkey_challenges,
            device=None if key is None else self._latchkey_device(options, continues=False),
        )
        return RequestTask(self._latchkey_agent, self._latchkey_progress(), request).ask()
