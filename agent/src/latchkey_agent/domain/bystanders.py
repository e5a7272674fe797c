# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is signed in beside the one who lends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from .model import Account


class Somebody(Protocol):
    """One who is signed in (`ports.SignIn`)."""

    @property
    def account(self) -> Account:
        """Whose session it is."""

    @property
    def console(self) -> bool:
        """At the PC itself."""


def others(signed_in: Iterable[Somebody], account: Account) -> tuple[str, ...]:
    r"""Return everybody else who is signed in, as `DOMAIN\user`, each once: a restart would sign them out."""
    return tuple(sorted({s.account.qualified for s in signed_in if s.account.sid != account.sid}))
