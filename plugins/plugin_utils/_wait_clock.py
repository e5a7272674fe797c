# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The clock of all waits; tests replace it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Clock:
    """A monotonic clock in seconds, its sleep, and the seconds since 1970 by the controller's own clock."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    wall: Callable[[], float] = time.time

    def deadline(self, seconds: float) -> Deadline:
        """Return the deadline in so many seconds."""
        return Deadline(self, self.now() + seconds, seconds)


@dataclass(frozen=True)
class Deadline:
    """The end of a wait. `limit`: the seconds of the whole wait."""

    clock: Clock
    at: float
    limit: float

    @property
    def left(self) -> float:
        """Seconds until the deadline, at least 0."""
        return max(0.0, self.at - self.clock.now())

    @property
    def over(self) -> bool:
        """Whether the deadline has passed."""
        return self.left == 0.0

    def sooner(self, seconds: float) -> Deadline:
        """Return this deadline or the one in so many seconds, whichever comes first."""
        other = self.clock.deadline(seconds)
        return other if other.at < self.at else self
