# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator sets up on the PC: `latchkeyctl setup` takes it, no pipe does.

Whoever may ask for credentials must not be able to change the policy, so this
never reaches the service; what guards it is who may write to the agent's folder.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from .control_requests import ControlRequest
from .fields import Line, Message


class Setup(ControlRequest, tag="setup", frozen=True, kw_only=True):
    """Put settings in place, and say who the operators are; what is not named stays as it is.

    `settings` is the settings file as an object; it is judged as the file is.
    `operators` are all members that the group of operators shall have.
    """

    settings: dict[str, Any] | None = None
    operators: Annotated[list[Line], Meta(max_length=200)] | None = None


class SetupAnswer(Message, frozen=True, kw_only=True):
    """What was changed, or with `check` would be."""

    settings_changed: bool
    operators_added: list[str]
    operators_removed: list[str]
