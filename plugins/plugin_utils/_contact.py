# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The waits of a task for the connection to its PC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._connection import ConnectionLost, Link
    from ._wait_clock import Deadline

FIRST_CONTACT = 30.0
"""Seconds after which a PC that has accepted no connection of the task is unreachable, whatever the task's time-out."""


@dataclass(frozen=True)
class Contact:
    """How long a task waits for the connection to its PC, and where it says so.

    Attributes:
        link: the connection.
        show: shows a line while the task waits.
        first_contact: seconds after which a PC that the task has never reached is unreachable.
    """

    link: Link
    show: Callable[[str], None]
    first_contact: float = FIRST_CONTACT

    def first(self, deadline: Deadline) -> Deadline:
        """Return the end of the wait for a PC that the task has never reached."""
        return deadline.sooner(self.first_contact)

    def until(self, lost: ConnectionLost, deadline: Deadline, first: Deadline) -> Deadline:
        """Return the end of the wait for a lost connection, and show the wait.

        Args:
            lost: the loss.
            deadline: the end of the wait for a PC that the task has reached before.
            first: the end of the wait for any other PC, of `first`.

        Raises:
            ConnectionLost: `lost`, if no further try is possible.
        """
        until = deadline if self.link.reached else first
        if until.over or lost.ends_within(until.left):
            raise lost
        reason = f" ({lost.kerberos})" if lost.kerberos else ""
        self.show(f"waiting: the connection to the PC{reason}; for {until.limit:.0f} s at most")
        return until
