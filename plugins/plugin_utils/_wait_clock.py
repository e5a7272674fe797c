# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""Time as the waits see it, so that tests need none."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Clock:
    """A clock that never goes back (seconds), and the way to let time pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def deadline(self, seconds: float) -> Deadline:
        """Return the moment that is so many seconds away."""
        return Deadline(self, self.now() + seconds, seconds)


@dataclass(frozen=True)
class Deadline:
    """A moment until which something is worth trying. `limit` is how far off it was at first."""

    clock: Clock
    at: float
    limit: float

    @property
    def left(self) -> float:
        """Seconds until the moment, never less than none."""
        return max(0.0, self.at - self.clock.now())

    @property
    def over(self) -> bool:
        """Whether the moment has come."""
        return self.left == 0.0

    def sooner(self, seconds: float) -> Deadline:
        """Return this deadline or the one in so many seconds, whichever comes first."""
        other = self.clock.deadline(seconds)
        return other if other.at < self.at else self
