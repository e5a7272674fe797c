# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.session_checkpoint: set or read the checkpoint of a step."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec, duration
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import exact_text, written_time

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline


class ActionModule(AgentAction):
    """Set or delete a checkpoint, or only read it."""

    _latchkey_spec: ClassVar[Spec] = {
        "step": {"type": exact_text, "required": True},
        "state": {"type": "str", "choices": ["started", "done", "absent"]},
        "not_before": {"type": written_time},
        "not_after": {"type": written_time},
        "limit": {"type": duration},
        "spare": {"type": duration},
        "then": {"type": exact_text},
    }

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        fields = {name: options[name] for name in ("session", *self._latchkey_spec)}
        reply = self._latchkey_agent.change(ans.CheckpointAnswer, "checkpoint", deadline, **fields)
        return {"changed": reply.changed, **asdict(reply.result)}
