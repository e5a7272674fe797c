# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the explorer finds and accepts, each with its reason. Every other kind of violation fails."""

from __future__ import annotations

_UNSEEN = "Time before a restart in which the agent did not run is known from the clock only, and the clock is slow."

LIMITS: dict[str, str] = {
    "ended_by_fast_clock": "Ends count at once after a jump forward: to end too early is the safe side.",
    "lapsed_by_fast_clock": "Ends count at once after a jump forward: to end too early is the safe side.",
    "further_try_after_lost_verdict": (
        "A refusal whose report is lost is a trial without a verdict: one further try is allowed."
    ),
    "used_before_window_unseen": (
        "A clock that is set forward while the agent does not run in that boot looks like a PC that was off."
    ),
    "used_after_window_unseen": _UNSEEN,
    "used_with_slow_clock_unseen": _UNSEEN,
    "redeemed_late_unseen": _UNSEEN,
    "lives_too_long_unseen": _UNSEEN,
    "stranger:withdraw": "Giving back stays open to every operator, also a question; the event names the account.",
}
"""Kind -> reason."""

_LATE = "An agent that starts long after the boot, with a slow clock, does not count the time since the boot."


def is_accepted(kind: str) -> bool:
    """Tell whether a kind of violation is an accepted limit."""
    return kind in LIMITS
