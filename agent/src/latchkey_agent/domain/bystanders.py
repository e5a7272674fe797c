# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The other accounts that are signed in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .model import Account


class SignedIn(Protocol):
    """A person who is signed in (`ports.SignIn`)."""

    @property
    def account(self) -> Account:
        """The account of the session."""

    @property
    def console(self) -> bool:
        """Whether the session is on the PC's own screen."""


def others(signed_in: Iterable[SignedIn], account: Account) -> tuple[str, ...]:
    r"""Return all other accounts that are signed in, as `DOMAIN\user`, each once. A restart signs them out."""
    return people(s for s in signed_in if s.account.sid != account.sid)


def people(signed_in: Iterable[SignedIn]) -> tuple[str, ...]:
    r"""Return the accounts that are signed in, as `DOMAIN\user`, each once."""
    return tuple(sorted({s.account.qualified for s in signed_in}))
