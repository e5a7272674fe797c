# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Joins the agent to its three pipes: who the client is, and what it may reach."""

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


class PermitSign(Protocol):
    """What tells the logon screens that there is a permit."""

    def announce_permit(self) -> None:
        """There is one."""

    def retract_permit(self) -> None:
        """There is none."""


class Reception(NamedTuple):
    """What is needed to know a client.

    `by_sid` returns the account of a SID; `operators` is the SID of the group
    of operators, None where there is no such group; `console` returns the
    session that is on the PC's own screen.
    """

    by_sid: Callable[[str], Account]
    operators: str | None
    console: Callable[[], int]

    def peer(self, client: Identity) -> Peer:
        """Return the client as the agent knows clients."""
        admitted = {access.ADMINISTRATORS_SID, self.operators}
        system = client.sid == access.SYSTEM_SID
        return Peer(
            account=None if system else self._account(client.sid),
            session_id=client.session_id,
            operator=bool(client.groups & admitted),
            system=system,
        )

    def is_console_logon_screen(self, client: Identity) -> bool:
        """Tell whether the client may be the logon screen at the PC itself.

        LogonUI of a remote session, or of one that others have switched away
        from, is before somebody else's eyes.
        """
        return client.sid == access.SYSTEM_SID and client.session_id == self.console()

    def _account(self, sid: str) -> Account | None:
        # An account without a name (a virtual one, a domain out of reach) is still known by its groups.
        try:
            return self.by_sid(sid)
        except PortError:
            return None


def endpoints(agent: Agent, reception: Reception, sign: PermitSign) -> list[Endpoint]:
    """Return the three pipes, each answered by its part of the agent."""

    def control(body: bytes, _secret: bytearray, client: Identity) -> Answer:
        return agent.control(body, reception.peer(client)), bytearray()

    def customer(body: bytes, secret: bytearray, client: Identity) -> Answer:
        return agent.customer(body, secret, reception.peer(client)), bytearray()

    def logon(body: bytes, _secret: bytearray, client: Identity) -> Answer:
        if not reception.is_console_logon_screen(client):
            # Leave the sign alone: it is for the console's logon screen.
            other = agent.logon(body, reception.peer(client)._replace(system=False))
            return other.body, other.secret
        # Retract first, so that a permit that is issued meanwhile keeps its sign.
        sign.retract_permit()
        reply = agent.logon(body, reception.peer(client))
        if reply.permit_waits:
            sign.announce_permit()
        return reply.body, reply.secret

    return [
        Endpoint(names.PIPE_CONTROL, access.control_pipe(reception.operators), control),
        Endpoint(names.PIPE_CUSTOMER, access.CUSTOMER, customer),
        Endpoint(names.PIPE_LOGON, access.LOGON, logon, listening=2, clients=16, clients_per_account=16),
    ]


def console_session() -> int:
    """Return the session on the PC's own screen; while it changes, one that nobody has."""
    session: int = win32ts.WTSGetActiveConsoleSessionId()  # type: ignore[no-untyped-call]
    return session


def operators_group() -> str | None:
    """Return the SID of the group of operators, if the PC has it."""
    return security.operators_sid()
