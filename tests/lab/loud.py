# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns on all output of Ansible, for searches of secrets in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.job import Operator

LOUD = {
    "ANSIBLE_DEBUG": "1",
    "ANSIBLE_VERBOSITY": "6",
    "ANSIBLE_LOG_VERBOSITY": "6",
    "ANSIBLE_DISPLAY_ARGS_TO_STDOUT": "1",
}


def loud(operator: Operator) -> None:
    """Turn on all output of Ansible."""
    operator.environment = {**LOUD, "ANSIBLE_LOG_PATH": str(operator.folder / "ansible.log")}
