# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.credential_info: show the sessions, requests and grants on the PC."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec, without_defaults
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import plain_text

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline


class ActionModule(AgentAction):
    """Read the agent's state."""

    _latchkey_spec: ClassVar[Spec] = {
        "account": {"type": plain_text},
        "forecast": {"type": "bool", "default": False},
        "means": {"type": "str", "choices": ["auto", "grant", "arso"], "default": "grant"},
        "receipts": {"type": "bool", "default": False},
    }
    _latchkey_needs_session: ClassVar[bool] = False

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        names = ("session", "account", "forecast", "means", "receipts")
        fields = {name: options[name] for name in names}
        known = without_defaults(fields, means="grant")
        device = self._latchkey_device(options)
        agent = self._latchkey_agent
        with device.names_another_key(lambda: agent.device_key(deadline)):
            answer = agent.ask(ans.InfoAnswer, "info", deadline, **known, seen=device.seen).result
        facts = device.facts(answer.journal_head, problem=answer.agent.problem)
        return {"changed": facts["enrolled"], **asdict(answer), **facts}
