# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes every task's result to the file that LATCHKEY_RECORD names, one JSON object a line."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from typing import Any

    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.host import Host
    from ansible.playbook.task import Task

DOCUMENTATION = r"""
name: record
type: notification
short_description: Record every task's result
description: For the tests in the lab, which compare whole results.
author: Latchkey contributors
"""


class CallbackModule(CallbackBase):
    """What Ansible calls as the play goes on."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        """Note that a host begins a task."""
        self._note({"host": host.get_name(), "task": task.get_name(), "status": "started"})

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """Note a success."""
        self._record(result, "ok")

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:  # noqa: FBT001, FBT002 - Ansible's
        """Note a failure."""
        self._record(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """Note a host that could not be reached."""
        self._record(result, "unreachable")

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """Note a task that was left out."""
        self._record(result, "skipped")

    def _record(self, result: CallbackTaskResult, status: str) -> None:
        entry = {
            "host": result._host.get_name(),
            "task": result._task.get_name(),
            "action": result._task.action,
            "status": status,
            "result": result._result,
        }
        self._note(entry)

    @staticmethod
    def _note(entry: dict[str, Any]) -> None:
        line = json.dumps({"at": time.time(), **entry}, default=str) + "\n"
        with Path(os.environ["LATCHKEY_RECORD"]).open("a", encoding="utf-8") as file:
            file.write(line)
