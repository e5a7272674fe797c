# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""latchkey.consent.agent_package: install, upgrade, set up or remove the consent agent."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ansible_collections.latchkey.consent.plugins.plugin_utils._action import AgentAction
from ansible_collections.latchkey.consent.plugins.plugin_utils._agent_package import (
    Package,
    SetupAgent,
    loss_as_failure,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._options import Spec
from ansible_collections.latchkey.consent.plugins.plugin_utils._package_file import package_file
from ansible_collections.latchkey.consent.plugins.plugin_utils._package_installer import Installer
from ansible_collections.latchkey.consent.plugins.plugin_utils._remote_folder import RemoteFolder
from ansible_collections.latchkey.consent.plugins.plugin_utils._written_values import plain_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Deadline


class ActionModule(AgentAction):
    """Install, upgrade, set up or remove the agent."""

    _latchkey_spec: ClassVar[Spec] = {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "path": {"type": "path"},
        "url": {"type": "str"},
        "checksum": {"type": "str"},
        "version": {"type": "str"},
        "organization": {"type": "dict"},
        "policy": {"type": "dict"},
        "signing": {"type": "dict"},
        "operators": {"type": "list", "elements": plain_text},
        "keep_receipts": {"type": "bool", "default": False},
    }
    _latchkey_needs_session: ClassVar[bool] = False
    _latchkey_timeout: ClassVar[float] = 900.0

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run as the other actions do, without `session` in the result."""
        result = super().run(tmp, task_vars)
        del result["session"]
        return result

    def _latchkey_run(self, options: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as local, loss_as_failure(self._latchkey_agent):
            place = RemoteFolder(self, self._latchkey_link, Path(local), self._latchkey_find)
            try:
                return self._latchkey_change(self._latchkey_package(options, place), options, deadline)
            finally:
                place.remove()

    def _latchkey_find(self, name: str) -> str:
        find: Callable[[str, str], str] = self._find_needle
        return find("files", name)

    def _latchkey_package(self, options: dict[str, Any], place: RemoteFolder) -> Package:
        check = bool(self._task.check_mode)
        contact, clock = self._latchkey_contact, self._latchkey_clock
        setup = SetupAgent(contact, clock, options["agent_path"] or None, check=check)
        # A new installation begins a new journal.
        device = self._latchkey_device(options, continues=False)
        return Package(Installer(contact, clock), self._latchkey_agent, setup, place, device, check)

    def _latchkey_change(
        self, package: Package, options: dict[str, Any], deadline: Deadline
    ) -> dict[str, Any]:
        if options["state"] == "absent":
            return package.absent(deadline, keep_receipts=options["keep_receipts"])
        tables = ("organization", "policy", "signing")
        given = {name: options[name] for name in tables if options[name] is not None}
        wanted = {"settings": given or None, "operators": options["operators"]}
        named = {name: value for name, value in wanted.items() if value is not None}
        return package.present(package_file(options), named, deadline)
