# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of a Wine PC's programs to the lab, beyond `lab.simulated.windows_calls`.

Under Wine every program runs under the same account, so the lab keeps the account of
each process: a program claims it first.
"""

from __future__ import annotations

from msgspec import Struct

from lab.simulated.windows_calls import AnyCall, Call
from lab.simulated.wire import Token

PORT_FILE = "windows.port"
"""A file in C:\\lab: the port of the lab's Windows on the loopback interface."""

MACHINE_KEY_FILE = "machine.key"
"""A file in C:\\lab: 32 random bytes that give this PC its own DPAPI key."""
PROTOCOL_FILE = "protocol"
"""An optional file in C:\\lab: the protocol version of this PC's agent."""


class Claim(Call, frozen=True, tag="claim"):
    """Claims an account and a session for this process."""

    process_id: int
    token: Token


class TokenOf(Call, frozen=True, tag="token_of"):
    """Asks for the account of a process; the answer is empty without a claim."""

    process_id: int


class TokenAnswer(Struct, frozen=True):
    """The answer to `TokenOf`."""

    token: Token | None


AnyWineCall = AnyCall | Claim | TokenOf
