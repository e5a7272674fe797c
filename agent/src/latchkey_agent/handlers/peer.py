# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client at the other end of a pipe."""

from __future__ import annotations

from typing import NamedTuple

from latchkey_agent.domain import Account, Refused


class Peer(NamedTuple):
    """A client, as the computer identifies it (never as the client says).

    `operator`: an administrator or a member of "Latchkey Operators".
    `system`: LocalSystem, as LogonUI is.
    """

    account: Account | None
    session_id: int | None
    operator: bool
    system: bool

    @property
    def name(self) -> str:
        """The account's display name."""
        return self.account.qualified if self.account else "SYSTEM" if self.system else "unknown"

    def require_operator(self) -> None:
        """Raise Refused (`not_permitted`) unless the peer is an operator."""
        if not self.operator:
            raise Refused("not_permitted", account=self.name)

    def require_account(self) -> Account:
        """Return the peer's account; raise Refused (`not_permitted`) if it has none."""
        if self.account is None:
            raise Refused("not_permitted", account=self.name)
        return self.account
