# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for work of other threads and processes that sends no event."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_AGAIN = 0.01
"""Seconds between two checks."""


def eventually(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait until a condition holds.

    Args:
        condition: checked repeatedly.
        what: a description of the awaited fact.
        seconds: the limit.

    Raises:
        AssertionError: the condition did not hold in time; the text names the fact.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(LOOK_AGAIN)
