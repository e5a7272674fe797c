# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The things of the domain, as values. Nothing here changes in place."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

AccountKind = Literal["local", "domain", "microsoft", "entra"]


class Account(Struct, frozen=True):
    """A Windows account. `sid` is its identity, the names are for people.

    `domain` is the PC's name for local accounts (as LookupAccountSid says).
    """

    sid: str
    user: str
    domain: str
    kind: AccountKind = "local"

    @property
    def qualified(self) -> str:
        r"""The account as Windows writes it: `DOMAIN\\user`."""
        return f"{self.domain}\\{self.user}"


class Requester(Struct, frozen=True):
    """Who asks, in the operator's words, and the account that the PC saw asking."""

    name: str
    organization: str
    role: str
    operator: str


class Terms(Struct, frozen=True):
    """What a grant allows. Both moments are absolute; a missing count is 0."""

    restarts: int
    unlocks: int
    foreign_restarts: bool
    not_before: datetime
    not_after: datetime
