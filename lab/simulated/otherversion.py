# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent of another version, as far as an operator can tell."""

from __future__ import annotations

from latchkey_agent.handlers import control
from latchkey_agent.protocol import codec


def speak(version: int) -> None:
    """Make of this process's agent one that speaks another version of the protocol."""
    for module in (codec, control):
        vars(module)["PROTOCOL_VERSION"] = version
