# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The checks of an erasure in a task's result."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import _answers as ans


def summary(erasures: list[ans.ErasureView]) -> dict[str, Any]:
    """Return the checks, over all grants and per grant.

    Without a sealed record there is nothing to erase: this is confirmed, with no check.
    """
    return {
        "confirmed": all(erasure.confirmed for erasure in erasures),
        "checked_at": max((erasure.checked_at for erasure in erasures), default=None),
        "checks": _checks(erasures),
        "grants": [asdict(erasure) for erasure in erasures],
    }


def _checks(erasures: list[ans.ErasureView]) -> list[dict[str, Any]]:
    """Combine the same check of all grants: it passed if it passed for each."""
    joined: dict[str, ans.ErasureCheck] = {}
    for erasure in erasures:
        for check in erasure.checks:
            known = joined.setdefault(check.name, check)
            if known.passed and not check.passed:
                joined[check.name] = check
    return [asdict(check) for check in joined.values()]


def unconfirmed(erasures: list[ans.ErasureView]) -> str:
    """Return the failed checks as text; empty if all passed."""
    failed = [
        f"{check.name}: {check.detail}".removesuffix(": ")
        for erasure in erasures
        for check in erasure.checks
        if not check.passed
    ]
    if failed or all(erasure.confirmed for erasure in erasures):
        return "; ".join(dict.fromkeys(failed))
    return "it has not been checked yet"
