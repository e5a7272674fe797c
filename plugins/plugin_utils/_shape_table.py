# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Made by tools/generate.py from the agent's protocol; do not edit.
# fmt: off
"""What the agent answers, as it is read."""

from __future__ import annotations

from typing import Any

PROTOCOL_VERSION = 1

# `(type,)` of what must be there, `(type, default)` of what may be left out. In a type `?`
# means or null, `[x]` a list of x, `{x}` an object whose values are x.
SHAPES: dict[str, dict[str, tuple[Any, ...]]] = {
    "ErrorView": {
        "code": ("str",),
        "message": ("str",),
        "hint": ("str",),
        "retry_after": ("float?", None),
    },
    "Answer": {
        "protocol": ("int", 1),
        "outcome": ("str",),
        "changed": ("bool", False),
        "result": ("{any}", None),
        "error": ("ErrorView", None),
    },
    "Requester": {
        "name": ("str", ''),
        "organization": ("str", ''),
        "role": ("str", ''),
    },
    "CheckpointView": {
        "state": ("str",),
        "at": ("str",),
        "restarted": ("bool", False),
    },
    "SessionView": {
        "id": ("str",),
        "name": ("str",),
        "state": ("str",),
        "reason": ("str",),
        "ticket": ("str",),
        "requester": ("Requester",),
        "started_at": ("str",),
        "ends_at": ("str",),
        "language": ("str", ''),
        "checkpoints": ("{CheckpointView}", {}),
    },
    "SessionAnswer": {
        "session": ("SessionView",),
    },
    "ErasureCheck": {
        "name": ("str",),
        "passed": ("bool",),
        "detail": ("str", ''),
    },
    "ErasureView": {
        "grant": ("str",),
        "confirmed": ("bool",),
        "checked_at": ("str",),
        "checks": ("[ErasureCheck]",),
    },
    "ReceiptView": {
        "request": ("str",),
        "document": ("{any}",),
        "signature": ("str",),
        "public_key": ("str",),
        "text": ("str",),
    },
    "EndedAnswer": {
        "session": ("SessionView",),
        "erasure": ("[ErasureView]",),
        "receipts": ("[ReceiptView]",),
    },
    "TermsView": {
        "restarts": ("int",),
        "unlocks": ("int",),
        "foreign_restarts": ("bool",),
        "not_before": ("str",),
        "not_after": ("str",),
    },
    "RequestView": {
        "id": ("str",),
        "state": ("str",),
        "code": ("str",),
        "account": ("str",),
        "terms": ("TermsView",),
        "asked_at": ("str",),
        "answer_by": ("str",),
        "shown_at": ("str?", None),
        "later_until": ("str?", None),
        "answered_at": ("str?", None),
        "why": ("str", ''),
        "entries_refused": ("int", 0),
        "waiting_for": ("str", ''),
    },
    "LeftView": {
        "restarts": ("int",),
        "unlocks": ("int",),
    },
    "UseView": {
        "permit": ("str",),
        "action": ("str",),
        "state": ("str",),
        "issued_at": ("str",),
        "account": ("str",),
        "boot_before": ("str",),
        "step": ("str?", None),
        "boot_after": ("str?", None),
        "logged_on_at": ("str?", None),
        "locked_at": ("str?", None),
        "disconnected": ("bool", False),
        "desktop_open_seconds": ("float?", None),
        "why": ("str", ''),
        "foreign": ("bool", False),
        "error": ("ErrorView?", None),
    },
    "GrantView": {
        "id": ("str",),
        "state": ("str",),
        "account": ("str",),
        "terms": ("TermsView",),
        "left": ("LeftView",),
        "granted_at": ("str",),
        "request": ("str",),
        "ended": ("str", ''),
        "revoked_by": ("str", ''),
        "ended_at": ("str?", None),
        "uses": ("[UseView]", []),
    },
    "RequestAnswer": {
        "session": ("str",),
        "request": ("RequestView?", None),
        "grant": ("GrantView?", None),
    },
    "ApplyAnswer": {
        "session": ("str",),
        "use": ("UseView?", None),
        "left": ("LeftView",),
        "boot_id": ("str",),
        "finished": ("bool",),
        "waiting_for": ("str", ''),
    },
    "RevokeAnswer": {
        "grants": ("[GrantView]",),
        "erasure": ("[ErasureView]",),
    },
    "CheckpointAnswer": {
        "session": ("str",),
        "step": ("str",),
        "before": ("CheckpointView?", None),
        "checkpoints": ("{CheckpointView}", {}),
    },
    "AgentView": {
        "version": ("str",),
        "protocol": ("int",),
        "device": ("str",),
        "boot_id": ("str",),
        "now": ("str",),
        "ready": ("bool",),
        "organization": ("str", ''),
        "problem": ("str", ''),
    },
    "PendingRestartView": {
        "pending": ("bool",),
        "reasons": ("[str]",),
    },
    "FindingView": {
        "code": ("str",),
        "severity": ("str",),
        "evidence": ("str",),
        "advice": ("str",),
    },
    "ForecastView": {
        "ready": ("bool",),
        "findings": ("[FindingView]",),
    },
    "InfoAnswer": {
        "agent": ("AgentView",),
        "sessions": ("[SessionView]",),
        "requests": ("[RequestView]",),
        "grants": ("[GrantView]",),
        "erasure": ("[ErasureView]",),
        "pending_restart": ("PendingRestartView",),
        "receipts": ("[ReceiptView]", []),
        "forecast": ("ForecastView?", None),
    },
    "SetupAnswer": {
        "settings_changed": ("bool",),
        "operators_added": ("[str]",),
        "operators_removed": ("[str]",),
    },
}
