# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the explorer finds and accepts, each with its reason. Every other kind of violation fails."""

from __future__ import annotations

LIMITS: dict[str, str] = {
    "ended_by_fast_clock": "Ends count at once after a jump forward: to end too early is the safe side.",
    "lapsed_by_fast_clock": "Ends count at once after a jump forward: to end too early is the safe side.",
    "further_try_after_lost_verdict": (
        "A refusal whose report is lost is a trial without a verdict: one further try is allowed."
    ),
    "used_before_window_unseen": (
        "A clock that is set forward while the agent does not run in that boot looks like a PC that was off."
    ),
}
"""Kind -> reason."""

OPEN: dict[str, str] = {
    "left_open": "An unlocked session that has not opened yet counts as locked (`DesktopCloser._closed`).",
    "open_after_end": "The same.",
    "opened_while_paused": "The same.",
    "removed_while_owing": "The same.",
    "sent_again_refused:request": "The session is looked for before the earlier call.",
    "sent_again_refused:revoke": "The session is looked for before the earlier call.",
    "stranger:withdraw": "Any operator withdraws a request by its id.",
    "lives_too_long": "The time since the last event is forgotten at a boot while the clock is behind.",
    "never_announced": "An agent that starts again in the same boot does not announce a permit that waits.",
    "refused_password_tried_again": "A desktop that was merely seen clears the doubt about a password.",
    "automatic_sign_in_left_open": "A restart that takes longer than its permit, and AutoAdminLogon.",
    "asked_when_not_wanted": "The agent takes the clock anew while a customer does not want to be asked.",
}
"""Faults that are known and not mended yet: kind -> reason. Empty this table."""


def is_accepted(kind: str) -> bool:
    """Tell whether a kind of violation is an accepted limit, or a known fault."""
    return kind in LIMITS or kind in OPEN
