# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is at the other end of a pipe."""

from __future__ import annotations

from typing import NamedTuple

from latchkey_agent.domain import Account, Refused


class Peer(NamedTuple):
    """A client, as the computer (never the client itself) says who it is.

    `operator`: an administrator or a member of "Latchkey Operators".
    `system`: LocalSystem, as LogonUI is.
    """

    account: Account | None
    session_id: int | None
    operator: bool
    system: bool

    @property
    def name(self) -> str:
        """The account's name for people."""
        return self.account.qualified if self.account else "SYSTEM" if self.system else "unknown"

    def must_be_operator(self) -> None:
        """Raise Refused (`not_permitted`) unless the peer may ask for grants."""
        if not self.operator:
            raise Refused("not_permitted", account=self.name)

    def must_be_somebody(self) -> Account:
        """Return whose companion it is; raises Refused (`not_permitted`) if nobody's."""
        if self.account is None:
            raise Refused("not_permitted", account=self.name)
        return self.account
