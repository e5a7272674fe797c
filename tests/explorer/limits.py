# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the explorer finds and accepts, each with its reason. Every other kind of violation fails."""

from __future__ import annotations

LIMITS: dict[str, str] = {
    "ended_by_fast_clock": "Ends count at once after a jump forward: to end too early is the safe side.",
    "lapsed_by_fast_clock": "Ends count at once after a jump forward: to end too early is the safe side.",
    "further_try_after_lost_verdict": "A refusal whose report is lost is a trial without a verdict: one further try is allowed.",
}
"""Kind -> reason."""


def is_accepted(kind: str) -> bool:
    """Tell whether a kind of violation is an accepted limit."""
    return kind in LIMITS
