# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for work of another thread or process that sends no event."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_AGAIN = 0.01
"""Seconds between two checks."""


def eventually(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait until a condition holds.

    Args:
        condition: checked repeatedly.
        what: the awaited condition in words.
        seconds: the time limit.

    Raises:
        AssertionError: the condition did not hold within the time limit; the text contains `what`.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(LOOK_AGAIN)
