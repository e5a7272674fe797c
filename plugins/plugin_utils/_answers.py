# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# Made by tools/generate.py from the agent's protocol; do not edit.
# fmt: off
"""The agent's answers; `_answer_reader.py` reads them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

PROTOCOL_VERSION = 1


@dataclass(frozen=True, kw_only=True)
class ErrorView:
    """An error: a stable code, the message, and a hint for the next step."""

    code: str
    message: str
    hint: str
    retry_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The envelope of every answer on the control pipe."""

    protocol: int = 1
    outcome: Literal["done", "refused", "unknown"]
    changed: bool = False
    result: dict[str, Any] | None = None
    error: ErrorView | None = None


@dataclass(frozen=True, kw_only=True)
class RequesterView:
    """The person who asks, in the operator's words."""

    name: str = ""
    organization: str = ""
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckpointView:
    """The checkpoint of a step. `restarted`: the restart of the step has succeeded."""

    state: Literal["done", "started"]
    at: str
    restarted: bool = False


@dataclass(frozen=True, kw_only=True)
class UseView:
    """One use of a grant, from permit to lock; or a restart without a grant, which ends in `restarted`."""

    permit: str
    action: Literal["restart", "unlock"]
    state: Literal["cancelled", "issued", "lapsed", "logged_on", "redeemed", "refused", "restarted"]
    issued_at: str
    account: str
    boot_before: str
    step: str | None = None
    boot_after: str | None = None
    logged_on_at: str | None = None
    locked_at: str | None = None
    disconnected: bool = False
    desktop_open_seconds: float | None = None
    why: str = ""
    foreign: bool = False
    error: ErrorView | None = None


@dataclass(frozen=True, kw_only=True)
class SessionView:
    """A support session. `owner` and `operators` are the accounts that may ask and use its grants."""

    id: str
    name: str
    state: Literal["ended", "expired", "started"]
    reason: str
    ticket: str
    requester: RequesterView
    owner: str
    operators: list[str]
    started_at: str
    ends_at: str
    checkpoints: dict[str, CheckpointView] = field(default_factory=dict)
    restarts: list[UseView] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FindingView:
    """One finding of the forecast."""

    code: str
    severity: Literal["notes", "stops", "unknown", "warns"]
    evidence: str
    advice: str


@dataclass(frozen=True, kw_only=True)
class ForecastView:
    """The forecast: whether an unattended logon will work on this PC."""

    ready: bool
    findings: list[FindingView]


@dataclass(frozen=True, kw_only=True)
class HeadView:
    """The end of the PC's journal, signed: the number of its last entry, that entry's hash, and the moment."""

    device: str
    position: int
    hash: str
    at: str
    signature: str
    public_key: str


@dataclass(frozen=True, kw_only=True)
class OperatorView:
    """A Windows account of an operator. `sid` is its identity, `name` is for people."""

    name: str
    sid: str


@dataclass(frozen=True, kw_only=True)
class ChallengeView:
    """A challenge, which the next signed request of the session has to carry; it counts once, until `expires_at`."""

    device: str
    nonce: str
    at: str
    expires_at: str
    offsets: dict[str, int]
    account: str
    session: str
    reason: str
    ticket: str
    ends_at: str
    operators: list[OperatorView]
    named: dict[str, str]
    asked_by: OperatorView
    signature: str
    public_key: str


@dataclass(frozen=True, kw_only=True)
class SessionAnswer:
    """Answer to `session_start`; without a session if the forecast stopped the start."""

    session: SessionView | None = None
    forecast: ForecastView | None = None
    journal_head: HeadView | None = None
    challenge: ChallengeView | None = None
    challenge_why: str = ""


@dataclass(frozen=True, kw_only=True)
class ErasureCheck:
    """One check of an erasure."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class ErasureView:
    """The checks of one grant's erasure."""

    grant: str
    confirmed: bool
    checked_at: str
    checks: list[ErasureCheck]


@dataclass(frozen=True, kw_only=True)
class ReceiptView:
    """The signed receipt of a request: the document, its signature and a rendering to read."""

    request: str
    document: dict[str, Any]
    signature: str
    public_key: str
    text: str


@dataclass(frozen=True, kw_only=True)
class EndedAnswer:
    """Answer to `session_end`: the result of the erasure's checks, and the receipts."""

    session: SessionView
    erasure: list[ErasureView]
    receipts: list[ReceiptView]
    journal_head: HeadView | None = None


@dataclass(frozen=True, kw_only=True)
class TermsView:
    """The terms of a request or a grant."""

    means: Literal["arso", "grant"] = "grant"
    two_parties: bool = False
    restarts: int
    unlocks: int
    foreign_restarts: bool
    programs: bool
    not_before: str
    not_after: str
    relock_after: float = 600.0
    grace: float = 5.0


@dataclass(frozen=True, kw_only=True)
class SignerView:
    """The person whose signature was checked, as their certificate names them; `serial` is the certificate's number."""

    name: str
    organization: str
    role: str
    serial: str
    key: str
    authority: str


@dataclass(frozen=True, kw_only=True)
class SealingView:
    """The operator's public key for one grant of two parties (`Sealing`)."""

    device: str
    nonce: str
    public_key: str


@dataclass(frozen=True, kw_only=True)
class RequestView:
    """A request. `asked_by` is the verified account; `waiting_for` one plain sentence for the operator's screen."""

    id: str
    state: Literal["denied", "expired", "granted", "later", "pending", "shown", "withdrawn"]
    code: str
    asked_by: str
    account: str
    terms: TermsView
    asked_at: str
    answer_by: str
    shown_at: str | None = None
    later_until: str | None = None
    answered_at: str | None = None
    why: str = ""
    entries_refused: int = 0
    waiting_for: str = ""
    signed_by: SignerView | None = None
    sealing: SealingView | None = None


@dataclass(frozen=True, kw_only=True)
class LeftView:
    """The counts that a grant still allows."""

    restarts: int
    unlocks: int


@dataclass(frozen=True, kw_only=True)
class OmittedView:
    """A restart by others after which no account was signed in, and the reason as a stable word."""

    at: str
    why: str


@dataclass(frozen=True, kw_only=True)
class ProgramView:
    """A program that ran in the customer's name, without its arguments: they stand in the receipt."""

    command: str
    program: str
    state: Literal["exited", "lost", "not_started", "running", "stopped"]
    started_at: str
    by: str = ""
    step: str | None = None
    ended_at: str | None = None
    exit_code: int | None = None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class GrantView:
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
    ended: str = ""
    revoked_by: Literal["", "customer", "operator"] = ""
    ended_at: str | None = None
    uses: list[UseView] = field(default_factory=list)
    omitted: list[OmittedView] = field(default_factory=list)
    programs: list[ProgramView] = field(default_factory=list)
    sealing: SealingView | None = None


@dataclass(frozen=True, kw_only=True)
class GrantStatement:
    """The PC's word about a grant of two parties: to which key of the operator its half is sealed."""

    grant: str
    request: str
    session: str
    sealing: SealingView
    signature: str
    public_key: str


@dataclass(frozen=True, kw_only=True)
class RequestAnswer:
    """Answer to `credential_request`, `request_wait` and `request_withdraw`."""

    session: str
    request: RequestView | None = None
    grant: GrantView | None = None
    statement: GrantStatement | None = None
    means_why: str = ""
    challenge: ChallengeView | None = None
    challenge_why: str = ""


@dataclass(frozen=True, kw_only=True)
class HalfView:
    """The operator's half that a use waits for."""

    grant: str
    permit: str
    session: str
    action: Literal["restart", "unlock"]
    step: str
    sealing: SealingView
    sealed: str
    key: str
    nonce: str
    signer: str
    expires_at: str
    signature: str
    public_key: str


@dataclass(frozen=True, kw_only=True)
class ApplyAnswer:
    """Answer to `credential_apply` and `apply_wait`."""

    session: str
    use: UseView | None = None
    left: LeftView
    boot_id: str
    finished: bool
    waiting_for: str = ""
    half: HalfView | None = None


@dataclass(frozen=True, kw_only=True)
class CommandView:
    """A program in the customer's name. Its output is cut after 64 KiB of each stream, and kept for minutes only."""

    id: str
    state: Literal["exited", "lost", "not_started", "running", "stopped"]
    account: str
    command_line: str
    folder: str = ""
    limit: float
    started_at: str
    step: str | None = None
    ended_at: str | None = None
    exit_code: int | None = None
    why: str = ""
    output_kept: bool = False
    stdout: str = ""
    stderr: str = ""
    stdout_cut: bool = False
    stderr_cut: bool = False
    error: ErrorView | None = None


@dataclass(frozen=True, kw_only=True)
class CommandAnswer:
    """Answer to `session_command` and `command_wait`."""

    session: str
    command: CommandView
    boot_id: str
    finished: bool


@dataclass(frozen=True, kw_only=True)
class RevokeAnswer:
    """Answer to `credential_revoke` and `erase_all`."""

    grants: list[GrantView]
    erasure: list[ErasureView]


@dataclass(frozen=True, kw_only=True)
class CheckpointAnswer:
    """Answer to `checkpoint`; `before` is the checkpoint before the change, `begun` the step that began with it."""

    session: str
    step: str
    boot_id: str
    uptime: float
    before: CheckpointView | None = None
    checkpoints: dict[str, CheckpointView] = field(default_factory=dict)
    opens_at: str | None = None
    closes_at: str | None = None
    begun: str = ""


@dataclass(frozen=True, kw_only=True)
class DeviceKeyAnswer:
    """Answer to `device_key` and `device_key_replace`: the public key as a line of OpenSSH, and its fingerprint."""

    device: str
    public_key: str
    fingerprint: str
    replaced: str = ""


@dataclass(frozen=True, kw_only=True)
class AgentView:
    """The agent itself. `boot_id` is random per boot, `now` the PC's clock."""

    version: str
    protocol: int
    device: str
    boot_id: str
    now: str
    ready: bool
    organization: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class PendingRestartView:
    """Whether a restart is pending that a restart settles, and the reasons."""

    pending: bool
    reasons: list[str]


@dataclass(frozen=True, kw_only=True)
class InfoAnswer:
    """Answer to `info`. Without a usable journal there is no `journal_head`."""

    agent: AgentView
    sessions: list[SessionView]
    requests: list[RequestView]
    grants: list[GrantView]
    erasure: list[ErasureView]
    pending_restart: PendingRestartView
    receipts: list[ReceiptView] = field(default_factory=list)
    forecast: ForecastView | None = None
    journal_head: HeadView | None = None


@dataclass(frozen=True, kw_only=True)
class EventView:
    """An event of the journal, without names and words of people."""

    id: str
    position: int
    at: str
    event: Literal["denied", "ended", "erasure_failed", "granted", "rejected", "reported", "revoked"]
    session: str
    request: str
    grant: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class EventsAnswer:
    """Answer to `events`. `position` and `mark` are the place to go on from; the beginning has a position alone."""

    device: str
    known: bool
    position: int
    mark: str | None = None
    events: list[EventView] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True, kw_only=True)
class SetupAnswer:
    """The changes that were made, or with `check` would be made."""

    settings_changed: bool
    operators_added: list[str]
    operators_removed: list[str]
