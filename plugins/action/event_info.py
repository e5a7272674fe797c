# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.event_info: read the answers of customers and the ends of grants from a place of the journal."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._agent_client import LONG_POLL
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline


class ActionModule(AgentAction):
    """Read the events after a place, in one long poll."""

    _latchkey_spec: ClassVar[Spec] = {
        "position": {"type": "int"},
        "mark": {"type": "str"},
        "wait": {"type": "float", "default": 0.0},
    }
    _latchkey_needs_session: ClassVar[bool] = False

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        if not 0.0 <= options["wait"] <= LONG_POLL:
            raise failure(
                "bad_option", detail=f"wait: it must be at least 0 and at most {LONG_POLL:.0f} seconds"
            )
        fields = {name: options[name] for name in ("session", "position", "mark")}
        reply = self._latchkey_agent.ask(ans.EventsAnswer, "events", deadline, wait=options["wait"], **fields)
        return {"changed": False, **asdict(reply.result)}
