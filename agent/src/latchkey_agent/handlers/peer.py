# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client at the other end of a pipe."""

from __future__ import annotations

from typing import Literal, NamedTuple

from latchkey_agent.domain import Account, Actor, Refused

Level = Literal["operator", "administrator"]
LOCAL_SYSTEM = Account("S-1-5-18", "SYSTEM", "NT AUTHORITY")


class Peer(NamedTuple):
    """A client, as the computer identifies it (never as the client says).

    `administrator` and `operator` are its levels; an administrator is an operator, too.
    `account` is None for LocalSystem, and for an account that has no name now: that one is known by its `sid`.

    `operator`: an administrator or a member of "Latchkey Operators".
    `system`: LocalSystem, as LogonUI is.
    """

    account: Account | None
    session_id: int | None
    operator: bool
    system: bool
    sid: str = ""
    administrator: bool = False

    @property
    def identity(self) -> Account | None:
        """The account, also LocalSystem's and one without a name; None if there is no SID either."""
        if self.account is not None:
            return self.account
        return LOCAL_SYSTEM if self.system else Account(self.sid, self.sid, "") if self.sid else None

    @property
    def name(self) -> str:
        """The account's display name."""
        return self.identity.qualified if self.identity else "unknown"

    @property
    def actor(self) -> Actor:
        """The account, as the journal names it."""
        return Actor(self.name, self.identity.sid if self.identity else "unknown")

    def require_operator(self) -> Account:
        """Return the operator's account; raise Refused (`not_permitted`) unless the peer is an operator."""
        if not self.operator or self.identity is None:
            raise Refused("not_permitted", account=self.name)
        return self.identity

    def require_level(self, level: Level) -> None:
        """Raise Refused (`not_permitted`, `administrators_only`) unless the peer has this level."""
        self.require_operator()
        if level == "administrator" and not self.administrator:
            raise Refused("administrators_only", account=self.name)

    def require_account(self) -> Account:
        """Return the customer's account, also one without a name now (rule 7: revoking needs only the SID).

        Raises:
            Refused: `not_permitted`: LocalSystem, or a peer without a SID.
        """
        if self.system or self.identity is None:
            raise Refused("not_permitted", account=self.name)
        return self.identity
