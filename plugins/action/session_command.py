# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.session_command: run a program in the customer's name, in their signed-in session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec, duration
from ansible_collections.latchkey.consent.plugins.plugin_utils._session_command import CommandTask
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import exact_text

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline


class ActionModule(AgentAction):
    """Run one program; return when it and all that it started have ended."""

    _latchkey_spec: ClassVar[Spec] = {
        "program": {"type": "str", "required": True},
        "arguments": {"type": "list", "elements": "str", "default": []},
        "folder": {"type": "str"},
        "limit": {"type": duration, "default": 600.0},
        "step": {"type": exact_text},
    }
    _latchkey_timeout: ClassVar[float] = 300.0

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        names = ("session", "program", "arguments", "folder", "limit", "step")
        fields = {name: options[name] for name in names}
        return CommandTask(self._latchkey_agent, self._latchkey_progress(), fields, deadline).run()
