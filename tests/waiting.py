# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what no event tells of: another thread's or another process's work."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_AGAIN = 0.01
"""Seconds between two looks."""


def eventually(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Wait until a condition holds.

    Args:
        condition: looked at again and again.
        what: what is waited for, in words.
        seconds: after which it counts as never.

    Raises:
        AssertionError: it did not come to hold; the text says what.
    """
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(LOOK_AGAIN)
