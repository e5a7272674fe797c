# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which refusals are in the journal already: asking in a loop fills no disk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

SAME_REFUSAL = timedelta(minutes=1)
"""The same refusal to the same person is journalled once in this time."""
MANY_REFUSALS = 1000


class Asked(NamedTuple):
    """Who was refused what, and with which error code."""

    command: str
    code: str
    actor: str


class RefusalThrottle:
    """The refusals of the last moments."""

    def __init__(self) -> None:
        self._noted: dict[Asked, datetime] = {}

    def is_due(self, asked: Asked, now: datetime) -> bool:
        """Tell whether a refusal is to be journalled; also where the clock was set back."""
        noted = self._noted.get(asked)
        return noted is None or not timedelta() <= now - noted < SAME_REFUSAL

    def note(self, asked: Asked, now: datetime) -> None:
        """Take in that it was."""
        if len(self._noted) >= MANY_REFUSALS:
            self._noted.clear()
        self._noted[asked] = now

    def __len__(self) -> int:
        return len(self._noted)
