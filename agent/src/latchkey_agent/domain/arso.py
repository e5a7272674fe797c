# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Windows itself can sign the account in again after a restart (ARSO), so that no password is needed.

Source: "Winlogon automatic restart sign-on (ARSO)", Microsoft Learn. Windows signs in the last interactive user who is
still signed in at the restart, and locks the desktop. A policy or the account's own setting may forbid it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .bystanders import SignedIn
from .forecast_facts import LogonFacts
from .model import Account, Terms


class Obstacle(NamedTuple):
    """A reason why Windows would not sign the account in by itself.

    Attributes:
        text: the reason, as a part of a sentence for an operator.
        stops: whether it is certain; otherwise Windows may sign in all the same.
    """

    text: str
    stops: bool = True


def needs_password(terms: Terms) -> str:
    """Return the term that only a password serves, as a part of a sentence; empty if there is none."""
    if terms.unlocks:
        return "an unlock is asked for"
    if terms.foreign_restarts:
        return "restarts by others are asked for"
    return "" if terms.restarts else "no restart is asked for"


def obstacles(facts: LogonFacts, account: Account, signed_in: Sequence[SignedIn]) -> list[Obstacle]:
    """Return the reasons why Windows would not sign the account in by itself, the certain ones first.

    Args:
        facts: the facts about the PC and the account.
        account: the account to be signed in again.
        signed_in: the people who are signed in now.
    """
    return sorted(_obstacles(facts, account, signed_in), key=lambda one: not one.stops)


def _obstacles(facts: LogonFacts, account: Account, signed_in: Sequence[SignedIn]) -> Iterator[Obstacle]:
    if not any(s.console and s.account.sid == account.sid for s in signed_in):
        yield Obstacle(f"{account.qualified} is not signed in at the PC's own screen")
    place = dict(facts.places).get("restart_sign_on", "")
    where = f" ({place})" if place else ""
    if facts.restart_sign_on is False:
        yield Obstacle(f"a setting of Windows forbids it{where}")
    elif facts.restart_sign_on is None:
        yield Obstacle(f"whether Windows allows it could not be found out{where}", stops=False)
    if facts.auto_logon is None:
        yield Obstacle("whether Windows signs in by itself at each start could not be found out", stops=False)
    if facts.auto_logon:
        yield Obstacle("Windows signs an account in by itself at each start, and does not lock it")
    if account.kind == "domain":
        # The documents contradict each other about PCs that are joined to a domain.
        yield Obstacle("Windows may not do it for an account of a domain", stops=False)
    if account.kind == "entra":
        # Managed PCs need a TPM, Secure Boot and BitLocker that is not suspended.
        yield Obstacle(
            "Windows may want BitLocker and a TPM for it on a PC that is joined to Entra", stops=False
        )
