# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connects the agent's handlers to its three pipes and identifies their clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import win32ts

from latchkey_agent.handlers.peer import Peer
from latchkey_agent.ports import PortError
from latchkey_agent.windows import names
from latchkey_agent.windows.win32 import access, security

from .pipe_server import Answer, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from latchkey_agent.agent import Agent
    from latchkey_agent.domain import Account

    from .client_identity import Identity


class PermitSignal(Protocol):
    """Tells the logon screens whether there is a permit."""

    def announce_permit(self) -> None:
        """Signal that there is a permit."""

    def retract_permit(self) -> None:
        """Signal that there is no permit."""


class Reception(NamedTuple):
    """Turns the identity of a client into a peer of the agent.

    Attributes:
        by_sid: returns the account of a SID.
        operators: the SID of the group of operators; None if there is no such group.
        console: returns the session on the PC's own screen.
    """

    by_sid: Callable[[str], Account]
    operators: str | None
    console: Callable[[], int]

    def peer(self, client: Identity) -> Peer:
        """Return the peer for a client."""
        admitted = {access.ADMINISTRATORS_SID, self.operators}
        system = client.sid == access.SYSTEM_SID
        return Peer(
            account=None if system else self._account(client.sid),
            session_id=client.session_id,
            operator=bool(client.groups & admitted),
            system=system,
            sid=client.sid,
            administrator=access.ADMINISTRATORS_SID in client.groups,
        )

    def is_console_logon_screen(self, client: Identity) -> bool:
        """Return whether the client may be the logon screen on the PC's own screen.

        Other people may see the LogonUI of a remote or a disconnected session.
        """
        return client.sid == access.SYSTEM_SID and client.session_id == self.console()

    def _account(self, sid: str) -> Account | None:
        # An account may have no name: a virtual account, or one of an unreachable domain. Its groups still count.
        try:
            return self.by_sid(sid)
        except PortError:
            return None


def endpoints(agent: Agent, reception: Reception, signal: PermitSignal) -> list[Endpoint]:
    """Return the three pipes with their handlers.

    Args:
        agent: answers the requests.
        reception: identifies the clients.
        signal: tells the logon screens about a permit.
    """

    def control(body: bytes, _secret: bytearray, client: Identity) -> Answer:
        return agent.control(body, reception.peer(client)), bytearray()

    def customer(body: bytes, secret: bytearray, client: Identity) -> Answer:
        return agent.customer(body, secret, reception.peer(client)), bytearray()

    def logon(body: bytes, _secret: bytearray, client: Identity) -> Answer:
        if not reception.is_console_logon_screen(client):
            # Do not touch the signal: it is for the logon screen on the console.
            other = agent.logon(body, reception.peer(client)._replace(system=False))
            return other.body, other.secret
        # Retract first, so that a permit issued in the meantime stays announced.
        signal.retract_permit()
        reply = agent.logon(body, reception.peer(client))
        if reply.permit_waits:
            signal.announce_permit()
        return reply.body, reply.secret

    return [
        Endpoint(names.PIPE_CONTROL, access.control_pipe(reception.operators), control),
        Endpoint(names.PIPE_CUSTOMER, access.CUSTOMER, customer),
        Endpoint(names.PIPE_LOGON, access.LOGON, logon, listening=2, clients=16, clients_per_account=16),
    ]


def console_session() -> int:
    """Return the session on the PC's own screen; while Windows switches sessions, an id without a session."""
    session: int = win32ts.WTSGetActiveConsoleSessionId()  # type: ignore[no-untyped-call]
    return session


def operators_group() -> str | None:
    """Return the SID of the group of operators; None if there is no such group."""
    return security.operators_sid()
