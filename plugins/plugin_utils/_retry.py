# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Asks again where the agent says that a later request may succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ._failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from ._progress import Progress
    from ._wait_clock import Deadline

T = TypeVar("T")

_SHORTEST_PAUSE = 0.2


def retried(ask: Callable[[], T], deadline: Deadline, progress: Progress) -> T:
    """Ask; after a refusal wait as long as the agent asks for, show that, and ask again.

    Raises:
        Failure: a later request does not help, or the deadline comes before it.
    """
    while True:
        try:
            return ask()
        except Failure as fault:
            pause = fault.error.retry_after
            if pause is None or pause > deadline.left:
                raise
            # No busy loop, whatever the agent asks for.
            pause = max(_SHORTEST_PAUSE, pause)
            progress.pause(pause, f"waiting {pause:.0f} s: {fault.error.message}")
