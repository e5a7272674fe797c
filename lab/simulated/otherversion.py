# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an agent look like another version to an operator."""

from __future__ import annotations

from latchkey_agent.handlers import control
from latchkey_agent.protocol import codec


def speak(version: int) -> None:
    """Let this process's agent use another version of the protocol."""
    for module in (codec, control):
        vars(module)["PROTOCOL_VERSION"] = version
