# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The times of the PCs. Each PC writes its own, with its distance from UTC."""

from __future__ import annotations

from datetime import datetime, timedelta


def moment_of(text: str | None) -> datetime | None:
    """Return the moment that a text names, None if it has none with an offset within a PC's reach."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None and 2000 <= moment.year < 3000 else None


def order(text: str | None) -> float:
    """Return the place of a time among others: the texts themselves sort wrongly where the offset changes."""
    moment = moment_of(text)
    return 0.0 if moment is None else moment.timestamp()


def offset_of(moment: datetime) -> str:
    """Return a moment's distance from UTC, as `+01:00`."""
    minutes = round((moment.utcoffset() or timedelta()).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
