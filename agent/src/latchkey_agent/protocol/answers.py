# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The answers of the control pipe, and the views that they are made of.

The exported JSON Schema is made from these classes.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from . import PROTOCOL_VERSION
from .fields import Message

RequestState = Literal["pending", "shown", "later", "granted", "denied", "withdrawn", "expired"]
GrantState = Literal[
    "active",
    "paused",
    "revoked",
    "replaced",
    "used_up",
    "expired",
    "rejected",
    "session_ended",
    "erased",
    "erase_failed",
]
UseState = Literal["issued", "redeemed", "logged_on", "refused", "cancelled", "lapsed", "restarted"]
"""The states of a permit, and the end of a plain restart."""
EventKind = Literal["granted", "denied", "reported", "revoked", "rejected", "ended", "erasure_failed"]


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
    """The terms of a request or a grant.

    `relock_after`: seconds that a desktop may stay open after an unlock. `grace`: the least seconds of warning
    before a restart. `programs`: programs may run as the account. `means`: with the password that the customer lends
    (`grant`), or by Windows itself (`arso`). `two_parties`: it opens only with the operator's half of the key.
    """

    means: Literal["grant", "arso"] = "grant"
    two_parties: bool = False
    restarts: int
    unlocks: int
    foreign_restarts: bool
    programs: bool
    not_before: str
    not_after: str
    relock_after: float = 600.0
    grace: float = 5.0


class LeftView(Message, frozen=True, kw_only=True):
    """The counts that a grant still allows."""

    restarts: int
    unlocks: int


class RequesterView(Message, frozen=True, kw_only=True):
    """The person who asks, in the operator's words."""

    name: str = ""
    organization: str = ""
    role: str = ""


class SessionView(Message, frozen=True, kw_only=True):
    """A support session. `owner` and `operators` are the accounts that may ask and use its grants.

    `restarts` are those without a grant.
    """

    id: str
    name: str
    state: Literal["started", "ended", "expired"]
    reason: str
    ticket: str
    requester: RequesterView
    owner: str
    operators: list[str]
    started_at: str
    ends_at: str
    checkpoints: dict[str, CheckpointView] = {}
    restarts: list[UseView] = []


class CheckpointView(Message, frozen=True, kw_only=True):
    """The checkpoint of a step. `restarted`: the restart of the step has succeeded."""

    state: Literal["started", "done"]
    at: str
    restarted: bool = False


class SignerView(Message, frozen=True, kw_only=True):
    """The person whose signature was checked, as their certificate names them; `serial` is the certificate's number.

    `key` and `authority`: the fingerprints of the key that signed, and of the one that issued the certificate.
    """

    name: str
    organization: str
    role: str
    serial: str
    key: str
    authority: str


class SealingView(Message, frozen=True, kw_only=True):
    """The operator's public key for one grant of two parties (`Sealing`)."""

    device: str
    nonce: str
    public_key: str


class RequestView(Message, frozen=True, kw_only=True):
    """A request. `asked_by` is the verified account; `waiting_for` one plain sentence for the operator's screen.

    `signed_by`: the person whose signature was checked; absent for an unsigned request. `sealing`: the operator's key
    under terms of two parties.
    """

    id: str
    state: RequestState
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


class HalfView(Message, frozen=True, kw_only=True):
    """The operator's half that a use waits for.

    `sealed` is the half, sealed to the grant's `sealing`. The operator opens it, and seals it to `key` with `nonce`.
    `permit` is that of a use that has begun, else empty. `signer` is the name of the person who must sign the delivery,
    empty if nobody must: the request of the grant was not signed. The PC waits for the half until `expires_at`, in UTC.

    `signature` is an armored SSH signature with the namespace `latchkey-half`. It covers the canonical JSON of an
    object with `schema_version` (`latchkey-half-1`) and the other fields but `public_key`, which is the device key that
    made it, as a line of OpenSSH.
    """

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


class GrantStatement(Message, frozen=True, kw_only=True):
    """The PC's word about a grant of two parties: to which key of the operator its half is sealed.

    `signature` is an armored SSH signature with the namespace `latchkey-half`. It covers the canonical JSON of an
    object with `schema_version` (`latchkey-grant-1`) and the other fields but `public_key`, which is the device key
    that made it, as a line of OpenSSH.
    """

    grant: str
    request: str
    session: str
    sealing: SealingView
    signature: str
    public_key: str


class GrantView(Message, frozen=True, kw_only=True):
    """A grant. `state` is its present state, `ended` the state that it ended in; `request` also names its receipt.

    `sealing`: the operator's key under terms of two parties.
    """

    id: str
    state: GrantState
    account: str
    terms: TermsView
    left: LeftView
    granted_at: str
    request: str
    ended: str = ""
    revoked_by: Literal["customer", "operator", ""] = ""
    ended_at: str | None = None
    uses: list[UseView] = []
    omitted: list[OmittedView] = []
    programs: list[ProgramView] = []
    sealing: SealingView | None = None


class OmittedView(Message, frozen=True, kw_only=True):
    """A restart by others after which no account was signed in, and the reason as a stable word."""

    at: str
    why: str


class UseView(Message, frozen=True, kw_only=True):
    """One use of a grant, from permit to lock; or a restart without a grant, which ends in `restarted`."""

    permit: str
    action: Literal["restart", "unlock"]
    state: UseState
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


class ProgramView(Message, frozen=True, kw_only=True):
    """A program that ran in the customer's name, without its arguments: they stand in the receipt.

    `command` is its id, `program` its path, `by` the account that started it. `why`: the reason why the agent ended it.
    """

    command: str
    program: str
    state: Literal["running", "exited", "stopped", "not_started", "lost"]
    started_at: str
    by: str = ""
    step: str | None = None
    ended_at: str | None = None
    exit_code: int | None = None
    why: str = ""


class CommandView(Message, frozen=True, kw_only=True):
    """A program in the customer's name. Its output is cut after 64 KiB of each stream, and kept for minutes only.

    `exit_code` is Windows' unsigned number. `why`: the reason why the agent ended it. `output_kept`: the output stands
    here. `error` is set if the program was ended, not started or lost.
    """

    id: str
    state: Literal["running", "exited", "stopped", "not_started", "lost"]
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


class ErasureCheck(Message, frozen=True, kw_only=True):
    """One check of an erasure."""

    name: str
    passed: bool
    detail: str = ""


class ErasureView(Message, frozen=True, kw_only=True):
    """The checks of one grant's erasure."""

    grant: str
    confirmed: bool
    checked_at: str
    checks: list[ErasureCheck]


class FindingView(Message, frozen=True, kw_only=True):
    """One finding of the forecast."""

    code: str
    severity: Literal["stops", "unknown", "warns", "notes"]
    evidence: str
    advice: str


class ForecastView(Message, frozen=True, kw_only=True):
    """The forecast: whether an unattended logon will work on this PC."""

    ready: bool
    findings: list[FindingView]


class PendingRestartView(Message, frozen=True, kw_only=True):
    """Whether a restart is pending that a restart settles, and the reasons."""

    pending: bool
    reasons: list[str]


class ReceiptView(Message, frozen=True, kw_only=True):
    """The signed receipt of a request: the document, its signature and a rendering to read.

    `signature` is an armored SSH signature with the namespace `latchkey-receipt` over the canonical JSON of the
    document; `public_key` the device key that made it, as a line of OpenSSH.
    """

    request: str
    document: dict[str, Any]
    signature: str
    public_key: str
    text: str


class HeadView(Message, frozen=True, kw_only=True):
    """The end of the PC's journal, signed: the number of its last entry, that entry's hash, and the moment.

    `signature` is an armored SSH signature with the namespace `latchkey-journal`. It covers the canonical JSON of an
    object with `schema_version` (`latchkey-journal-1`), `device`, `position`, `hash` and `at`. `public_key` is the
    device key that made it, as a line of OpenSSH.
    """

    device: str
    position: int
    hash: str
    at: str
    signature: str
    public_key: str


class OperatorView(Message, frozen=True, kw_only=True):
    """A Windows account of an operator. `sid` is its identity, `name` is for people."""

    name: str
    sid: str


class ChallengeView(Message, frozen=True, kw_only=True):
    """A challenge, which the next signed request of the session has to carry; it counts once, until `expires_at`.

    `at` is the PC's time. `offsets`: the PC's offset from UTC in minutes, by the moments from which it counts, until
    the session's end. `account`: the account that a request without one is for, empty if there is none. `session` is
    the session's name; `reason`, `ticket` and its end `ends_at` (UTC) are those that the PC keeps. `operators` may use
    the session's grants, its owner first. `named`: the SIDs of the operators whom this call named, by those names.
    `asked_by`: the account of the call. `signature` is an armored SSH signature with the namespace
    `latchkey-challenge`. It covers the canonical JSON of an object with `schema_version` (`latchkey-challenge-1`) and
    the fields before it. `public_key` is the device key that made it.
    """

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


class EventView(Message, frozen=True, kw_only=True):
    """An event of the journal, without names and words of people.

    `id` is the hash of the journal's entry, so no two events have the same one. `session` is the session's name, empty
    if the agent no longer keeps it. `reason` is a stable word: who revoked, how the grant ended, why it was rejected.
    """

    id: str
    position: int
    at: str
    event: EventKind
    session: str
    request: str
    grant: str = ""
    reason: str = ""


# --- answers -------------------------------------------------------------------


class SessionAnswer(Message, frozen=True, kw_only=True):
    """Answer to `session_start`; without a session if the forecast stopped the start.

    `challenge`: for the request that follows. Without one, no request can be signed now, and `challenge_why` has the
    reason; it is empty where the PC pins no authority.
    """

    session: SessionView | None = None
    forecast: ForecastView | None = None
    journal_head: HeadView | None = None
    challenge: ChallengeView | None = None
    challenge_why: str = ""


class EndedAnswer(Message, frozen=True, kw_only=True):
    """Answer to `session_end`: the result of the erasure's checks, and the receipts.

    A receipt says whether it is closed: a use may still have a desktop to close.
    """

    session: SessionView
    erasure: list[ErasureView]
    receipts: list[ReceiptView]
    journal_head: HeadView | None = None


class RequestAnswer(Message, frozen=True, kw_only=True):
    """Answer to `credential_request`, `request_wait` and `request_withdraw`.

    `request` is absent where a grant that covers the terms was found. `means_why`: the reason why `auto` chose the
    means of the terms; empty without `auto`. `challenge` and `challenge_why`: for a further request (`SessionAnswer`).
    `statement`: the signed word about a grant of two parties; absent if the PC cannot sign now.
    """

    session: str
    request: RequestView | None = None
    grant: GrantView | None = None
    statement: GrantStatement | None = None
    means_why: str = ""
    challenge: ChallengeView | None = None
    challenge_why: str = ""


class ApplyAnswer(Message, frozen=True, kw_only=True):
    """Answer to `credential_apply` and `apply_wait`.

    `use` is absent if nothing had to be done (unlock of an unlocked session).
    `finished`: the use is over; `use.error` is set if it failed. `half`: the use waits for the operator's half.
    """

    session: str
    use: UseView | None = None
    left: LeftView
    boot_id: str
    finished: bool
    waiting_for: str = ""
    half: HalfView | None = None


class CommandAnswer(Message, frozen=True, kw_only=True):
    """Answer to `session_command` and `command_wait`."""

    session: str
    command: CommandView
    boot_id: str
    finished: bool


class RevokeAnswer(Message, frozen=True, kw_only=True):
    """Answer to `credential_revoke` and `erase_all`."""

    grants: list[GrantView]
    erasure: list[ErasureView]


class CheckpointAnswer(Message, frozen=True, kw_only=True):
    """Answer to `checkpoint`; `before` is the checkpoint before the change, `begun` the step that began with it.

    `uptime`: seconds since the start of the boot. `opens_at` and `closes_at`: the maintenance window, if the request
    names one.
    """

    session: str
    step: str
    boot_id: str
    uptime: float
    before: CheckpointView | None = None
    checkpoints: dict[str, CheckpointView] = {}
    opens_at: str | None = None
    closes_at: str | None = None
    begun: str = ""


class InfoAnswer(Message, frozen=True, kw_only=True):
    """Answer to `info`. Without a usable journal there is no `journal_head`."""

    agent: AgentView
    sessions: list[SessionView]
    requests: list[RequestView]
    grants: list[GrantView]
    erasure: list[ErasureView]
    pending_restart: PendingRestartView
    receipts: list[ReceiptView] = []
    forecast: ForecastView | None = None
    journal_head: HeadView | None = None


class EventsAnswer(Message, frozen=True, kw_only=True):
    """Answer to `events`. `position` and `mark` are the place to go on from; the beginning has a position alone.

    `known`: the journal has the place of the request. Otherwise it is a new one, or an earlier copy: there are no
    events, and the place is the journal's end. `more`: further events may be there already.
    """

    device: str
    known: bool
    position: int
    mark: str | None = None
    events: list[EventView] = []
    more: bool = False


class ReceiptAnswer(Message, frozen=True, kw_only=True):
    """Answer to `receipt`."""

    receipt: ReceiptView


class DeviceKeyAnswer(Message, frozen=True, kw_only=True):
    """Answer to `device_key` and `device_key_replace`: the public key as a line of OpenSSH, and its fingerprint.

    `replaced`: the public key that the call replaced, empty if it replaced none.
    """

    device: str
    public_key: str
    fingerprint: str
    replaced: str = ""


class UnblockAnswer(Message, frozen=True, kw_only=True):
    """Answer to `asker_unblock`: the accounts that are still blocked."""

    blocked: list[str]


class ReceiptListAnswer(Message, frozen=True, kw_only=True):
    """Answer to `receipt_list`: the ids of the receipts, and whether there are more."""

    receipts: list[str]
    more: bool = False


class JournalAnswer(Message, frozen=True, kw_only=True):
    """Answer to `journal_verify`: the chain, and the stored receipts. `head` is the last event's hash."""

    events: int
    head: str
    intact: bool
    problem: str = ""


class ErrorView(Message, frozen=True, kw_only=True):
    """An error: a stable code, the message, and a hint for the next step."""

    code: str
    message: str
    hint: str
    retry_after: float | None = None


class Answer(Message, frozen=True, kw_only=True):
    """The envelope of every answer on the control pipe.

    `refused`: nothing happened. `unknown`: the request may have been done; a caller assumes it without an answer.
    """

    protocol: int = PROTOCOL_VERSION
    outcome: Literal["done", "refused", "unknown"]
    changed: bool = False
    result: dict[str, Any] | UnsetType = UNSET
    error: ErrorView | UnsetType = UNSET
