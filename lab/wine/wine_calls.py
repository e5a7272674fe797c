# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What programs of a Wine PC ask of the lab beyond `lab.simulated.windows_calls`.

Under Wine every program has the same account, so the lab keeps who each
process is: a program claims it for itself before it does anything else.
"""

from __future__ import annotations

from msgspec import Struct

from lab.simulated.windows_calls import AnyCall, Call
from lab.simulated.wire import Token

PORT_FILE = "windows.port"
"""In the folder C:\\lab: where the lab's Windows listens on the loopback interface."""

MACHINE_KEY_FILE = "machine.key"
"""In the same folder: what makes DPAPI of this PC another than the next one's, 32 random bytes."""
PROTOCOL_FILE = "protocol"
"""In the same folder, where there is one: the version of the protocol that this PC's agent speaks."""


class Claim(Call, frozen=True, tag="claim"):
    """This process is a program of that account, in that session."""

    process_id: int
    token: Token


class TokenOf(Call, frozen=True, tag="token_of"):
    """Who a process is; nothing where it never claimed to be anybody."""

    process_id: int


class TokenAnswer(Struct, frozen=True):
    """The answer to `TokenOf`."""

    token: Token | None


AnyWineCall = AnyCall | Claim | TokenOf
