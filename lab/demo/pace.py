# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Slows a demo down, so that a person can follow it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lab.simulated.customer_script import AnswerStep

if TYPE_CHECKING:
    from lab.simulated.customer_script import Step

RESTART_SECONDS = 1.0


def paced(script: tuple[Step, ...], pace: float) -> dict[str, Any]:
    """Return a PC's settings `script` and `restart_seconds` for a pace.

    A step that follows an event of the PC keeps its moment: a revocation before a restart must not come after it.

    Args:
        script: the customer's script.
        pace: the least seconds before each answer of the customer, and for a restart.
    """
    slow = [
        replace(step, after=max(step.after, pace)) if isinstance(step, AnswerStep) else step
        for step in script
    ]
    return {"script": tuple(slow), "restart_seconds": max(RESTART_SECONDS, pace)}
