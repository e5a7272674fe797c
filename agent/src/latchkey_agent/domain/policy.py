# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy: the limits of the organisation for every request."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Hours = Annotated[float, Meta(gt=0, le=168)]


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The `[policy]` part of the settings file. Times are seconds unless named otherwise.

    `allow_unsigned`: take requests without a signature, although keys are pinned that would let requests be signed.
    """

    max_session_hours: Hours = 24.0
    max_restarts: Annotated[int, Meta(ge=0, le=100)] = 10
    max_unlocks: Annotated[int, Meta(ge=0, le=100)] = 10
    max_relock_after: Annotated[float, Meta(ge=1, le=28_800)] = 3600.0
    allow_foreign_restarts: bool = True
    allow_programs: bool = False
    allow_arso: bool = True
    allow_unasked_restarts: bool = False
    min_restart_interval: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    remind_before: Annotated[float, Meta(ge=0, le=86_400)] = 1800.0
    max_absence: Annotated[int, Meta(ge=0, le=90)] = 31
    require_ticket: bool = False
    require_two_parties: bool = False
    allow_unsigned: bool = False
    receipt_days: Annotated[int, Meta(ge=30, le=1100)] = 365
    lock_within: Annotated[float, Meta(gt=0, le=60)] = 5.0


NOTHING_ALLOWED = Policy(max_restarts=0, max_unlocks=0, allow_foreign_restarts=False, allow_arso=False)
"""The policy of a settings file that cannot be read: grants can be revoked, and nothing else is allowed."""
