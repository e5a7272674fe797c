# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every message of the control pipe: the operator's side of the protocol.

One request, one answer. A request is a JSON object whose `verb` names its
type here; an unknown field, a missing one or a value out of its bounds is an
error (`bad_message`). The exported JSON Schema is made from these classes.

Moments are ISO 8601 with offset; in a request also without one, or a time of
day (`"22:00"`): the PC resolves those in its own time zone. Durations are
seconds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from . import PROTOCOL_VERSION

# Neither controls (some drive a terminal), nor line ends, nor what hides text or turns its direction: it is shown
# to a customer who decides by it. Python's `$` also matches before a last line end, so that is ruled out on its own.
_PLAIN = r"[^\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]*$(?!\n)"
Name = Annotated[str, Meta(min_length=1, max_length=128, pattern=rf"^(?=.*\S){_PLAIN}")]
"""A support session's or step's name: one line with something to see in it."""
Line = Annotated[str, Meta(max_length=256, pattern=f"^{_PLAIN}")]
"""One line of plain text, may be empty."""
Moment = Annotated[str, Meta(min_length=1, max_length=40)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$(?!\n)")]
Count = Annotated[int, Meta(ge=0, le=100)]
Seconds = Annotated[float, Meta(ge=0, le=604_800)]
Wait = Annotated[float, Meta(ge=0, le=60)]
"""How long one long poll may last at the agent."""

RequestState = Literal["pending", "shown", "later", "granted", "denied", "withdrawn", "expired"]
GrantState = Literal[
    "active",
    "paused",
    "revoked",
    "withdrawn",
    "used_up",
    "expired",
    "rejected",
    "session_ended",
    "erased",
    "erase_failed",
]
TicketState = Literal["issued", "redeemed", "logged_on", "refused", "cancelled", "lapsed"]


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of everything that crosses a pipe."""


class Requester(Message, frozen=True, kw_only=True):
    """Who asks, as the customer shall read it."""

    name: Line = ""
    organization: Line = ""
    role: Line = ""


# --- requests ---------------------------------------------------------------


class ControlRequest(Message, tag_field="verb", frozen=True, kw_only=True):
    """Base of the operator's requests.

    `check` asks what would happen (Ansible's check mode): the agent decides,
    answers as if, and changes nothing.
    """

    protocol: int = PROTOCOL_VERSION
    check: bool = False


class SessionStart(ControlRequest, tag="session_start", frozen=True, kw_only=True):
    """Open the support session, or find it open."""

    session: Name
    reason: Line = ""
    ticket: Line = ""
    requester: Requester = Requester()
    ends: Moment | None = None
    language: Annotated[str, Meta(max_length=16, pattern=r"^[A-Za-z0-9-]*$(?!\n)")] = ""


class SessionEnd(ControlRequest, tag="session_end", frozen=True, kw_only=True):
    """End the support session: whatever is sealed for it is erased."""

    session: Name


class CredentialRequest(ControlRequest, tag="credential_request", frozen=True, kw_only=True):
    """Ask the customer for a grant under these terms, or find one that covers them."""

    session: Name
    account: Line | None = None
    restarts: Count = 0
    unlocks: Count = 0
    foreign_restarts: bool = False
    not_before: Moment | None = None
    not_after: Moment | None = None
    answer_within: Seconds | None = None
    answer_by: Moment | None = None


class RequestWait(ControlRequest, tag="request_wait", frozen=True, kw_only=True):
    """Long poll: answered when the customer has answered, or after `wait` seconds."""

    session: Name
    request: Identifier
    wait: Wait = 0.0


class RequestWithdraw(ControlRequest, tag="request_withdraw", frozen=True, kw_only=True):
    """Take back a request that nobody has answered yet."""

    session: Name
    request: Identifier


class CredentialApply(ControlRequest, tag="credential_apply", frozen=True, kw_only=True):
    """Use the grant once: restart and log on, or unlock.

    `step` makes it repeatable: a second apply for a step whose first one
    succeeded changes nothing and returns the first one's result.
    """

    session: Name
    action: Literal["restart", "unlock"]
    step: Name | None = None
    message: Line = ""
    grace: Annotated[float, Meta(ge=0, le=3600)] = 5.0
    within: Seconds = 900.0
    relock_after: Annotated[float, Meta(ge=1, le=28_800)] = 600.0


class ApplyWait(ControlRequest, tag="apply_wait", frozen=True, kw_only=True):
    """Long poll: answered when the ticket's story is over, or after `wait` seconds."""

    session: Name
    ticket: Identifier
    wait: Wait = 0.0


class CredentialRevoke(ControlRequest, tag="credential_revoke", frozen=True, kw_only=True):
    """The operator gives the session's grants back early."""

    session: Name


class Checkpoint(ControlRequest, tag="checkpoint", frozen=True, kw_only=True):
    """Remember which step is done; without `state` only tell what is known."""

    session: Name
    step: Name
    state: Literal["started", "done", "absent"] | None = None


class Info(ControlRequest, tag="info", frozen=True, kw_only=True):
    """What is asked, lent and used here; changes nothing."""

    session: Name | None = None
    receipts: bool = False
    forecast: bool = False
    account: Line | None = None


class Receipt(ControlRequest, tag="receipt", frozen=True, kw_only=True):
    """One signed receipt."""

    receipt: Identifier


class JournalVerify(ControlRequest, tag="journal_verify", frozen=True, kw_only=True):
    """Check the journal's chain from its first event to its last."""


class JournalReset(ControlRequest, tag="journal_reset", frozen=True, kw_only=True):
    """Set a damaged journal aside and begin a new one (administrator)."""


class EraseAll(ControlRequest, tag="erase_all", frozen=True, kw_only=True):
    """Revoke and erase everything that is sealed (administrator, uninstall)."""


AnyControlRequest = (
    SessionStart
    | SessionEnd
    | CredentialRequest
    | RequestWait
    | RequestWithdraw
    | CredentialApply
    | ApplyWait
    | CredentialRevoke
    | Checkpoint
    | Info
    | Receipt
    | JournalVerify
    | JournalReset
    | EraseAll
)

# --- what answers are made of -------------------------------------------------


class AgentView(Message, frozen=True, kw_only=True):
    """The agent itself. `boot_id` is random per boot, `now` the PC's clock."""

    version: str
    protocol: int
    device: str
    boot_id: str
    now: str
    ready: bool
    organization: str = ""
    problem: str = ""


class TermsView(Message, frozen=True, kw_only=True):
    """What the customer was asked for."""

    account: str
    restarts: int
    unlocks: int
    foreign_restarts: bool
    not_before: str
    not_after: str


class LeftView(Message, frozen=True, kw_only=True):
    """What the terms still allow."""

    restarts: int
    unlocks: int


class SessionView(Message, frozen=True, kw_only=True):
    """A support session."""

    id: str
    name: str
    state: Literal["open", "ended", "expired"]
    reason: str
    ticket: str
    requester: Requester
    opened_at: str
    ends_at: str
    language: str = ""
    checkpoints: dict[str, CheckpointView] = {}


class CheckpointView(Message, frozen=True, kw_only=True):
    """A step of the session. `restarted`: its restart, once it has come back."""

    state: Literal["started", "done"]
    at: str
    restarted: bool = False


class RequestView(Message, frozen=True, kw_only=True):
    """A request. `waiting_for` is one plain sentence for the operator's screen."""

    id: str
    state: RequestState
    code: str
    account: str
    terms: TermsView
    asked_at: str
    answer_by: str
    receipt: str
    shown_at: str | None = None
    later_until: str | None = None
    answered_at: str | None = None
    why: str = ""
    attempts: int = 0
    waiting_for: str = ""


class GrantView(Message, frozen=True, kw_only=True):
    """A grant. `state` is where it is now, `ended` why it ended."""

    id: str
    state: GrantState
    account: str
    terms: TermsView
    left: LeftView
    granted_at: str
    receipt: str
    ended: str = ""
    ended_at: str | None = None
    uses: list[UseView] = []


class UseView(Message, frozen=True, kw_only=True):
    """One apply, from ticket to lock."""

    ticket: str
    action: Literal["restart", "unlock"]
    state: TicketState
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


class ErasureCheck(Message, frozen=True, kw_only=True):
    """One thing that was looked at to confirm an erasure."""

    name: str
    passed: bool
    detail: str = ""


class ErasureView(Message, frozen=True, kw_only=True):
    """The proof of erasure of one grant."""

    grant: str
    confirmed: bool
    checked_at: str
    checks: list[ErasureCheck]


class FindingView(Message, frozen=True, kw_only=True):
    """One thing that helps or hinders an unattended logon."""

    code: str
    severity: Literal["stops", "warns", "notes"]
    evidence: str
    advice: str


class ForecastView(Message, frozen=True, kw_only=True):
    """Will an unattended logon work on this PC."""

    ready: bool
    findings: list[FindingView]


class PendingRestartView(Message, frozen=True, kw_only=True):
    """Does Windows wait for a restart, and what for."""

    pending: bool
    reasons: list[str]


class ReceiptView(Message, frozen=True, kw_only=True):
    """A signed receipt: the document, its signature and a rendering to read."""

    id: str
    document: dict[str, Any]
    signature: str
    public_key: str
    text: str


# --- answers -------------------------------------------------------------------


class SessionAnswer(Message, frozen=True, kw_only=True):
    """Answer to `session_start`."""

    session: SessionView


class EndedAnswer(Message, frozen=True, kw_only=True):
    """Answer to `session_end`: the proof of erasure and the closed receipts."""

    session: SessionView
    erasure: list[ErasureView]
    receipts: list[ReceiptView]


class RequestAnswer(Message, frozen=True, kw_only=True):
    """Answer to `credential_request`, `request_wait` and `request_withdraw`.

    `request` is absent where a grant that covers the terms was found.
    """

    session: str
    request: RequestView | None = None
    grant: GrantView | None = None


class ApplyAnswer(Message, frozen=True, kw_only=True):
    """Answer to `credential_apply` and `apply_wait`.

    `use` is absent where nothing had to be done (unlock of an unlocked session).
    `finished`: nothing more will happen to it; `use.error` says if it failed.
    """

    session: str
    use: UseView | None = None
    left: LeftView
    boot_id: str
    finished: bool
    waiting_for: str = ""


class RevokeAnswer(Message, frozen=True, kw_only=True):
    """Answer to `credential_revoke` and `erase_all`."""

    grants: list[GrantView]
    erasure: list[ErasureView]


class CheckpointAnswer(Message, frozen=True, kw_only=True):
    """Answer to `checkpoint`: what was known before."""

    session: str
    step: str
    before: CheckpointView | None = None
    checkpoints: dict[str, CheckpointView] = {}


class InfoAnswer(Message, frozen=True, kw_only=True):
    """Answer to `info`."""

    agent: AgentView
    sessions: list[SessionView]
    requests: list[RequestView]
    grants: list[GrantView]
    erasure: list[ErasureView]
    pending_restart: PendingRestartView
    receipts: list[ReceiptView] = []
    forecast: ForecastView | None = None


class ReceiptAnswer(Message, frozen=True, kw_only=True):
    """Answer to `receipt`."""

    receipt: ReceiptView


class JournalAnswer(Message, frozen=True, kw_only=True):
    """Answer to `journal_verify`. `head` is the last event's hash."""

    events: int
    head: str
    intact: bool
    problem: str = ""


class ErrorView(Message, frozen=True, kw_only=True):
    """Why not: a stable code, one plain sentence, and what to do next."""

    code: str
    message: str
    hint: str
    retry_after: float | None = None


class Answer(Message, frozen=True, kw_only=True):
    """The envelope of every answer on the control pipe.

    `refused`: nothing happened. `unknown` is never sent by an agent that is
    well; it is what a caller must assume when no answer came.
    """

    protocol: int = PROTOCOL_VERSION
    outcome: Literal["done", "refused", "unknown"]
    changed: bool = False
    result: dict[str, Any] | UnsetType = UNSET
    error: ErrorView | UnsetType = UNSET
