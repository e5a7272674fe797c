# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits how often the same refusal is journalled, so that a loop of requests does not fill the disk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

SAME_REFUSAL = timedelta(minutes=1)
"""The same refusal of the same actor is journalled once in this time."""
MANY_REFUSALS = 1000


class Asked(NamedTuple):
    """A refused command, its error code, and the actor."""

    command: str
    code: str
    actor: str


class RefusalThrottle:
    """Remembers the refusals that were journalled lately."""

    def __init__(self) -> None:
        self._noted: dict[Asked, datetime] = {}

    def is_due(self, asked: Asked, now: datetime) -> bool:
        """Tell whether a refusal is to be journalled; a clock that was set back makes it due."""
        noted = self._noted.get(asked)
        return noted is None or not timedelta() <= now - noted < SAME_REFUSAL

    def note(self, asked: Asked, now: datetime) -> None:
        """Note that a refusal was journalled."""
        if len(self._noted) >= MANY_REFUSALS:
            self._noted.clear()
        self._noted[asked] = now

    def __len__(self) -> int:
        return len(self._noted)
