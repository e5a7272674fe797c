# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at the PC for what keeps Windows from signing an account in by itself (ARSO)."""

from __future__ import annotations

from latchkey_agent.domain import Account, Obstacle, Refused, obstacles
from latchkey_agent.ports import Computer


def sign_on_obstacles(computer: Computer, account: Account) -> list[Obstacle]:
    """Return the reasons why Windows would not sign the account in by itself. This may take seconds.

    Raises:
        PortError: Windows does not list its sessions.
    """
    return obstacles(computer.accounts.facts(account), account, computer.sessions.signed_in())


def must_sign_on(computer: Computer, account: Account) -> None:
    """Raise Refused (`arso_not_possible`) if it is certain that Windows would not sign the account in by itself."""
    if stops := [one.text for one in sign_on_obstacles(computer, account) if one.stops]:
        raise Refused("arso_not_possible", detail="; ".join(stops))
