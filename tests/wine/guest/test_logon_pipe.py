# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Only the logon screen of the console gets a permit; the permit event follows its requests."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from latchkey_agent.agent import LogonAnswerBytes
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
PEEK = codec.encode_logon(lm.Peek())
PERMIT = codec.encode_logon(lm.LogonAnswer(done=True, permit="T-1"))
NOTHING = codec.encode_logon(lm.LogonAnswer(done=False))


class Agent:
    """Has a permit for LocalSystem, and notes the clients."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []

    def logon(self, _body: bytes, peer: Peer) -> LogonAnswerBytes:
        """Answer as the agent does."""
        self.peers.append(peer)
        return LogonAnswerBytes(PERMIT if peer.system else NOTHING, bytearray(), permit_waits=peer.system)


class Sign:
    """Notes each change of the event."""

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
    """Peek as this client; return the answer and the changes of the event."""
    agent: Any = Agent()
    sign = Sign()
    reception = endpoints.Reception(nameless, None, lambda: CONSOLE)
    made = endpoints.endpoints(agent, reception, sign)
    pipe = next(one for one in made if one.name == names.PIPE_LOGON)
    answer, _ = pipe.handler(PEEK, bytearray(), Identity(4, session, sid, frozenset()))
    return answer, sign.done


def test_the_logon_screen_of_the_console_gets_the_permit() -> None:
    """The event is reset before the answer, and set again while the permit waits."""
    assert asked_by(access.SYSTEM_SID, CONSOLE) == (PERMIT, ["reset", "set"])


@pytest.mark.parametrize("session", [ELSEWHERE, SERVICES])
def test_localsystem_in_another_session_gets_nothing(session: int) -> None:
    """A remote session's logon screen and a service get nothing, and cannot reset the event."""
    assert asked_by(access.SYSTEM_SID, session) == (NOTHING, [])


def test_an_account_in_the_consoles_session_gets_nothing() -> None:
    """It cannot reset the event either."""
    assert asked_by("S-1-5-21-1-2-3-1001", CONSOLE) == (NOTHING, [])


def test_the_consoles_session_is_windows_own_word() -> None:
    """It is read at each message: people switch sessions."""
    assert endpoints.console_session() == ctypes.WinDLL("kernel32").WTSGetActiveConsoleSessionId()
