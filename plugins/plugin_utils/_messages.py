# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Made by tools/generate.py from the agent's protocol; do not edit.
# fmt: off
"""What the agent answers, for the type checker."""

from __future__ import annotations

from typing import Any, Literal, TypedDict


class ErrorView(TypedDict):
    """An error: a stable code, the message, and a hint for the next step."""

    code: str
    message: str
    hint: str
    retry_after: float | None


class Answer(TypedDict):
    """The envelope of every answer on the control pipe."""

    protocol: int
    outcome: Literal["done", "refused", "unknown"]
    changed: bool
    result: dict[str, Any] | None
    error: ErrorView | None


class Requester(TypedDict):
    """The person who asks, as the customer reads it."""

    name: str
    organization: str
    role: str


class CheckpointView(TypedDict):
    """The checkpoint of a step. `restarted`: the restart of the step has succeeded."""

    state: Literal["done", "started"]
    at: str
    restarted: bool


class SessionView(TypedDict):
    """A support session."""

    id: str
    name: str
    state: Literal["ended", "expired", "started"]
    reason: str
    ticket: str
    requester: Requester
    started_at: str
    ends_at: str
    language: str
    checkpoints: dict[str, CheckpointView]


class SessionAnswer(TypedDict):
    """Answer to `session_start`."""

    session: SessionView


class ErasureCheck(TypedDict):
    """One check of an erasure."""

    name: str
    passed: bool
    detail: str


class ErasureView(TypedDict):
    """The proof of erasure of one grant."""

    grant: str
    confirmed: bool
    checked_at: str
    checks: list[ErasureCheck]


class ReceiptView(TypedDict):
    """The signed receipt of a request: the document, its signature and a rendering to read."""

    request: str
    document: dict[str, Any]
    signature: str
    public_key: str
    text: str


class EndedAnswer(TypedDict):
    """Answer to `session_end`: the proof of erasure and the closed receipts."""

    session: SessionView
    erasure: list[ErasureView]
    receipts: list[ReceiptView]


class TermsView(TypedDict):
    """The terms of a request or a grant."""

    restarts: int
    unlocks: int
    foreign_restarts: bool
    not_before: str
    not_after: str


class RequestView(TypedDict):
    """A request. `waiting_for` is one plain sentence for the operator's screen."""

    id: str
    state: Literal["denied", "expired", "granted", "later", "pending", "shown", "withdrawn"]
    code: str
    account: str
    terms: TermsView
    asked_at: str
    answer_by: str
    shown_at: str | None
    later_until: str | None
    answered_at: str | None
    why: str
    entries_refused: int
    waiting_for: str


class LeftView(TypedDict):
    """The counts that a grant still allows."""

    restarts: int
    unlocks: int


class UseView(TypedDict):
    """One use of a grant, from permit to lock."""

    permit: str
    action: Literal["restart", "unlock"]
    state: Literal["cancelled", "issued", "lapsed", "logged_on", "redeemed", "refused"]
    issued_at: str
    account: str
    boot_before: str
    step: str | None
    boot_after: str | None
    logged_on_at: str | None
    locked_at: str | None
    disconnected: bool
    desktop_open_seconds: float | None
    why: str
    foreign: bool
    error: ErrorView | None


class GrantView(TypedDict):
    """A grant. `state` is its present state, `ended` the state that it ended in; `request` also names its receipt."""

    id: str
    state: Literal[
        "active",
        "erase_failed",
        "erased",
        "expired",
        "paused",
        "rejected",
        "replaced",
        "revoked",
        "session_ended",
        "used_up",
    ]
    account: str
    terms: TermsView
    left: LeftView
    granted_at: str
    request: str
    ended: str
    revoked_by: Literal["", "customer", "operator"]
    ended_at: str | None
    uses: list[UseView]


class RequestAnswer(TypedDict):
    """Answer to `credential_request`, `request_wait` and `request_withdraw`."""

    session: str
    request: RequestView | None
    grant: GrantView | None


class ApplyAnswer(TypedDict):
    """Answer to `credential_apply` and `apply_wait`."""

    session: str
    use: UseView | None
    left: LeftView
    boot_id: str
    finished: bool
    waiting_for: str


class RevokeAnswer(TypedDict):
    """Answer to `credential_revoke` and `erase_all`."""

    grants: list[GrantView]
    erasure: list[ErasureView]


class CheckpointAnswer(TypedDict):
    """Answer to `checkpoint`; `before` is the checkpoint before the change."""

    session: str
    step: str
    before: CheckpointView | None
    checkpoints: dict[str, CheckpointView]


class AgentView(TypedDict):
    """The agent itself. `boot_id` is random per boot, `now` the PC's clock."""

    version: str
    protocol: int
    device: str
    boot_id: str
    now: str
    ready: bool
    organization: str
    problem: str


class PendingRestartView(TypedDict):
    """Whether a restart is pending, and the reasons."""

    pending: bool
    reasons: list[str]


class FindingView(TypedDict):
    """One finding of the forecast."""

    code: str
    severity: Literal["notes", "stops", "warns"]
    evidence: str
    advice: str


class ForecastView(TypedDict):
    """The forecast: whether an unattended logon will work on this PC."""

    ready: bool
    findings: list[FindingView]


class InfoAnswer(TypedDict):
    """Answer to `info`."""

    agent: AgentView
    sessions: list[SessionView]
    requests: list[RequestView]
    grants: list[GrantView]
    erasure: list[ErasureView]
    pending_restart: PendingRestartView
    receipts: list[ReceiptView]
    forecast: ForecastView | None


class SetupAnswer(TypedDict):
    """The changes that were made, or with `check` would be made."""

    settings_changed: bool
    operators_added: list[str]
    operators_removed: list[str]
