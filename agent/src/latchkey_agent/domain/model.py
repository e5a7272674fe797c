# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entities of the domain, as immutable values."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from .transitions import OPEN_PERMITS, GrantState, PermitState, RequestState, SessionState

AccountKind = Literal["local", "domain", "microsoft", "entra"]
Action = Literal["restart", "unlock"]
CheckpointState = Literal["started", "done"]
Closing = Literal["locked", "disconnected", "gone"]
"""How a desktop that a permit opened was closed; `gone`: the PC went down first."""


Revoker = Literal["customer", "operator"]
"""The side that revoked a grant."""
Rejection = Literal[
    "password_refused", "agent_stopped", "record_missing", "record_unreadable", "trial_unresolved"
]
"""The reason why a grant's password cannot serve any more.

`password_refused`: Windows refused it. `agent_stopped`: the agent stopped while Windows checked it.
`trial_unresolved`: the result of an earlier check was not journalled. `record_missing` and
`record_unreadable`: the sealed record is gone, or does not open.
"""
DropReason = Literal[
    "grant_ended", "paused", "restart_refused", "restarted", "not_restarted", "not_redeemed", "session_ended"
]
"""The reason why an unredeemed permit is void.

`restart_refused`: Windows refused the restart. `restarted`: the PC restarted before an unlock.
`not_restarted`: the permit's time was over before the PC restarted. `not_redeemed`: the PC is up, and its
logon screen did not redeem the permit in time.
"""


LogonFailure = Literal["refused", "interrupted"]
"""The reason why no logon came of a redeemed permit: Windows refused it, or the PC went down."""


class Account(Struct, frozen=True):
    """A Windows account. `sid` is its identity, the names are for people.

    `domain` is the PC's name for local accounts (as LookupAccountSid says).
    """

    sid: str
    user: str
    domain: str
    kind: AccountKind = "local"

    @property
    def qualified(self) -> str:
        r"""The account as Windows writes it: `DOMAIN\\user`."""
        return f"{self.domain}\\{self.user}"


class Requester(Struct, frozen=True):
    """The person who asks, in the operator's words, and `operator`, the account that the PC has verified."""

    name: str
    organization: str
    role: str
    operator: str


class Terms(Struct, frozen=True, kw_only=True):
    """The limits of a grant: counts of uses, and the time in which they are allowed."""

    restarts: int
    unlocks: int
    foreign_restarts: bool
    not_before: datetime
    not_after: datetime


class Call(Struct, frozen=True):
    """An operator's call: its idempotency key, and the id that it was about (session, request, grant or permit)."""

    key: str
    subject: str


class Checkpoint(Struct, frozen=True):
    """The state of one maintenance step."""

    state: CheckpointState
    at: datetime


class SupportSession(Struct, frozen=True, kw_only=True):
    """The engagement that owns requests and grants."""

    id: str
    name: str
    requester: Requester
    reason: str
    ticket: str
    language: str
    started_at: datetime
    ends_at: datetime
    state: SessionState = SessionState.STARTED
    ended_at: datetime | None = None
    checkpoints: dict[str, Checkpoint] = {}


class Request(Struct, frozen=True, kw_only=True):
    """A question to the customer. The receipt has the id of its request.

    `why` is the customer's text. `refusal` is a stable word: `reported`, or the reason why no entry could serve.
    `entries` counts the passwords that the customer entered, `entries_refused` those that were refused.
    """

    id: str
    session: str
    account: Account
    terms: Terms
    code: str
    asked_at: datetime
    answer_by: datetime
    state: RequestState = RequestState.PENDING
    shown_at: datetime | None = None
    later_until: datetime | None = None
    answered_at: datetime | None = None
    why: str = ""
    refusal: str = ""
    entries: int = 0
    entries_refused: int = 0
    last_refusal: str = ""


class Erasure(Struct, frozen=True):
    """The checks that confirm an erasure, each as (name, passed, detail)."""

    checked_at: datetime
    confirmed: bool
    checks: tuple[tuple[str, bool, str], ...]


class Uses(Struct, frozen=True, kw_only=True):
    """The counts of uses that a grant still allows."""

    restarts: int
    unlocks: int


class Grant(Struct, frozen=True, kw_only=True):
    """The customer's yes. `tag` is the seal tag: random bytes in the sealed record, searched for after its erasure.

    `on_trial`: Windows is checking the password, and has not answered yet.
    """

    id: str
    request: str
    session: str
    account: Account
    terms: Terms
    tag: str
    granted_at: datetime
    left: Uses
    on_trial: bool = False
    state: GrantState = GrantState.ACTIVE
    ended: GrantState | None = None
    ended_at: datetime | None = None
    revoked_by: Revoker | None = None
    rejection: Rejection | None = None
    detail: str = ""
    erasure: Erasure | None = None


def how_ended(grant: Grant) -> str:
    """Return how a grant ended, and for a revoked one by which side; empty while it lives."""
    by = f"_by_{grant.revoked_by}" if grant.revoked_by else ""
    return f"{grant.ended}{by}" if grant.ended else ""


class Permit(Struct, frozen=True, kw_only=True):
    """A logon permit: permission for the credential provider to log on once. One use of a grant."""

    id: str
    grant: str
    session: str
    account: Account
    action: Action
    issued_at: datetime
    expires_at: datetime
    boot_before: str
    step: str | None = None
    foreign: bool = False
    must_lock: bool = True
    relock_seconds: float = 0.0
    state: PermitState = PermitState.ISSUED
    boot_after: str | None = None
    redeemed_at: datetime | None = None
    logged_on_at: datetime | None = None
    relock_at: datetime | None = None
    closed_at: datetime | None = None
    closing: Closing | None = None
    why: DropReason | LogonFailure | None = None
    detail: str = ""


def finished(permit: Permit) -> bool:
    """Tell whether the use is over for an operator who waits for it."""
    if permit.state is PermitState.LOGGED_ON:
        return permit.closing is not None or not permit.must_lock
    return permit.state not in OPEN_PERMITS


def settled(permit: Permit) -> bool:
    """Tell whether no logon is to come and no desktop is to be closed."""
    if permit.state is PermitState.LOGGED_ON:
        return permit.closing is not None
    return permit.state not in OPEN_PERMITS


NoticeKind = Literal["granted", "used", "locked", "failed", "ended", "erased", "erase_failed"]


class Notice(Struct, frozen=True, kw_only=True):
    """A message that the customer sees until they close it."""

    id: str
    account: str
    kind: NoticeKind
    at: datetime
    requester: str
    ticket: str
    detail: str = ""
    not_after: datetime | None = None
    while_away: bool = True


class State(Struct, frozen=True, kw_only=True):
    """The fold of the journal. `version` counts its events.

    `last_restart_at`: the moment of the last restart that was begun or noticed.
    `calls`: the subjects of the latest calls, by their keys.
    """

    version: int = 0
    sessions: dict[str, SupportSession] = {}
    requests: dict[str, Request] = {}
    grants: dict[str, Grant] = {}
    permits: dict[str, Permit] = {}
    notices: dict[str, Notice] = {}
    boot_id: str = ""
    last_restart_at: datetime | None = None
    calls: dict[str, tuple[str, ...]] = {}
