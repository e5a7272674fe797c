# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may be the logon screen, and what the sign for it does meanwhile."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from latchkey_agent.domain.model import Account
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.windows import names
from latchkey_agent.windows.pipes import endpoints
from latchkey_agent.windows.pipes.client_identity import Identity
from latchkey_agent.windows.win32 import access

CONSOLE, ELSEWHERE, SERVICES = 3, 4, 0
PEEK = codec.encode(lm.Peek())
PERMIT = codec.encode(lm.LogonAnswer(done=True, permit="T-1"))
NOTHING = codec.encode(lm.LogonAnswer(done=False))


class Agent:
    """Has a permit for LocalSystem, and notes who asked."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []

    def logon(self, _body: bytes, peer: Peer) -> tuple[bytes, bytearray]:
        """Answer as the agent does."""
        self.peers.append(peer)
        return (PERMIT if peer.system else NOTHING), bytearray()


class Sign:
    """Notes what is done to the event."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def announce_permit(self) -> None:
        """Set it."""
        self.done.append("set")

    def retract_permit(self) -> None:
        """Reset it."""
        self.done.append("reset")


def nameless(sid: str) -> Account:
    """Stand for accounts that have no name."""
    raise PortError(sid)


def asked_by(sid: str, session: int) -> tuple[bytes, list[str]]:
    """Peek as this client; return the answer and what became of the sign."""
    agent: Any = Agent()
    sign = Sign()
    reception = endpoints.Reception(nameless, None, lambda: CONSOLE)
    made = endpoints.endpoints(agent, reception, sign)
    pipe = next(one for one in made if one.name == names.PIPE_LOGON)
    answer, _ = pipe.handler(PEEK, bytearray(), Identity(4, session, sid, frozenset()))
    return answer, sign.done


def test_the_logon_screen_of_the_console_gets_the_permit() -> None:
    """The sign goes out while it is answered, and on again as long as the permit waits."""
    assert asked_by(access.SYSTEM_SID, CONSOLE) == (PERMIT, ["reset", "set"])


@pytest.mark.parametrize("session", [ELSEWHERE, SERVICES])
def test_localsystem_in_another_session_gets_nothing(session: int) -> None:
    """Neither a remote session's logon screen nor a service does, nor can they put out the sign."""
    assert asked_by(access.SYSTEM_SID, session) == (NOTHING, [])


def test_an_account_in_the_consoles_session_gets_nothing() -> None:
    """Nor can it put out the sign."""
    assert asked_by("S-1-5-21-1-2-3-1001", CONSOLE) == (NOTHING, [])


def test_the_consoles_session_is_windows_own_word() -> None:
    """It is asked for at each message: people switch."""
    assert endpoints.console_session() == ctypes.WinDLL("kernel32").WTSGetActiveConsoleSessionId()
