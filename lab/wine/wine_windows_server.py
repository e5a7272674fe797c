# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's Windows for a whole Wine PC: serves the calls of `windows_server` also on the loopback interface."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, ClassVar

from lab.simulated.windows_server import PortServer
from lab.simulated.wire import Token
from lab.wsman.listener import ADDRESS

from .wine_calls import AnyWineCall, Claim, TokenAnswer, TokenOf

if TYPE_CHECKING:
    from lab.simulated.machine import Machine
    from lab.simulated.power_model import Power


class WinePorts(PortServer):
    """Runs on the lab's loop. A process without a claim belongs to the operator."""

    kinds: ClassVar[Any] = AnyWineCall

    def __init__(self, machine: Machine, power: Power) -> None:
        super().__init__(machine, power)
        self._tokens: dict[int, Token] = {}
        self._calls.table |= {
            Claim: lambda call, _s: self.claim(call.process_id, call.token),
            TokenOf: lambda call, _s: TokenAnswer(self._tokens.get(call.process_id, self._operator)),
        }

    @property
    def _operator(self) -> Token:
        return Token(self._machine.operator.account.sid)

    def open(self) -> None:
        """Start to answer programs of Linux and of Wine, which has no Unix sockets."""
        super().open()
        self._loopback = self._answer_at(socket.AF_INET, (ADDRESS, 0))

    @property
    def port(self) -> int:
        """The port on 127.0.0.1 for programs of Wine."""
        port: int = self._loopback.getsockname()[1]
        return port

    def claim(self, process_id: int, token: Token) -> None:
        """Record a process of Wine as a program of this account."""
        self._tokens[process_id] = token

    def forget(self, process_id: int) -> None:
        """Forget an ended process: Wine reuses its number, and no other process may inherit the claim."""
        self._tokens.pop(process_id, None)

    def clear(self) -> None:
        """Forget every process: a new boot begins."""
        self._tokens.clear()
