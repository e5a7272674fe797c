# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-up of the agent by an administrator: `latchkeyctl setup` takes these messages, no pipe does.

An operator must not be able to change the policy. So set-up does not reach the
service: the access rights of the agent's folder guard it.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from .control_requests import ControlRequest
from .fields import AccountName, Message


class Setup(ControlRequest, tag="setup", frozen=True, kw_only=True):
    """Set the settings and the operators; a field that is None stays as it is.

    `settings` is the settings file as an object; it is validated like the file.
    `operators` is the complete list of members of the group of operators.
    """

    settings: dict[str, Any] | None = None
    operators: Annotated[list[AccountName], Meta(max_length=200)] | None = None


class SetupAnswer(Message, frozen=True, kw_only=True):
    """The changes that were made, or with `check` would be made."""

    settings_changed: bool
    operators_added: list[str]
    operators_removed: list[str]
