# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.support_session: start or end a support session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec
from ansible_collections.latchkey.consent.plugins.plugin_utils._support_session import end, start
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import (
    exact_text,
    plain_text,
    written_time,
)

if TYPE_CHECKING:
    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline

_REQUESTER = {name: {"type": plain_text, "default": ""} for name in ("name", "organization", "role")}


class ActionModule(AgentAction):
    """Start the session, or end it and return the result of the erasure's checks."""

    _latchkey_spec: ClassVar[Spec] = {
        "state": {"type": "str", "choices": ["started", "ended"], "default": "started"},
        "reason": {"type": plain_text, "default": ""},
        "ticket": {"type": plain_text, "default": ""},
        "operators": {"type": "list", "elements": plain_text, "default": []},
        "requester": {"type": "dict", "options": _REQUESTER},
        "ends": {"type": written_time},
        "settled_steps": {"type": "list", "elements": exact_text, "default": []},
        "forecast": {"type": "str", "choices": ["ignore", "warn", "stop"], "default": "ignore"},
        "means": {"type": "str", "choices": ["auto", "grant", "arso"], "default": "grant"},
        "account": {"type": plain_text},
    }

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        # What is not asked for is left out: an older agent does not know the fields.
        settled_steps = options["settled_steps"] or None
        if options["state"] == "ended":
            session = options["session"]
            return end(
                self._latchkey_agent, deadline, session, settled_steps, lambda: self._latchkey_device(options)
            )
        device = self._latchkey_device(options)
        names = ("session", "reason", "ticket", "operators", "requester", "ends")
        fields = {name: options[name] for name in names}
        if options["forecast"] != "ignore":
            fields |= {name: options[name] for name in ("forecast", "means", "account")}
        fields["settled_steps"] = settled_steps
        return start(self._latchkey_agent, deadline, fields, device, self._latchkey_challenges)
