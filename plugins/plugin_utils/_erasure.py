# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""The proof of erasure, as a task tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import _messages as m


def proof(erasures: list[m.ErasureView]) -> dict[str, Any]:
    """Return what was looked at, over all grants and per grant.

    Where nothing was ever sealed there is nothing to erase: that is confirmed, by no check.
    """
    return {
        "confirmed": all(erasure["confirmed"] for erasure in erasures),
        "checked_at": max((erasure["checked_at"] for erasure in erasures), default=None),
        "checks": _checks(erasures),
        "grants": erasures,
    }


def _checks(erasures: list[m.ErasureView]) -> list[dict[str, Any]]:
    """Join the same check of all grants: it passed if it passed for each."""
    joined: dict[str, dict[str, Any]] = {}
    for erasure in erasures:
        for check in erasure["checks"]:
            known = joined.setdefault(check["name"], dict(check))
            if known["passed"] and not check["passed"]:
                known.update(check)
    return list(joined.values())


def unconfirmed(erasures: list[m.ErasureView]) -> str:
    """Say which checks failed; empty where none did."""
    failed = [
        f"{check['name']}: {check['detail']}".removesuffix(": ")
        for erasure in erasures
        for check in erasure["checks"]
        if not check["passed"]
    ]
    if failed or all(erasure["confirmed"] for erasure in erasures):
        return "; ".join(dict.fromkeys(failed))
    return "it was not checked yet"
