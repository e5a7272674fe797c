# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of the domain. Ids and random values come from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from .events import GrantEnding
from .model import Account, Action, CheckpointState, Closing, Erasure, Rejection, Requester, Revoker, Terms


class Command(Struct, frozen=True, kw_only=True):
    """Base."""


class StartSession(Command, frozen=True, kw_only=True):
    """Open a support session, or find it open."""

    session: str
    name: str
    requester: Requester
    reason: str
    ticket: str
    language: str
    ends_at: datetime | None


class EndSession(Command, frozen=True, kw_only=True):
    """End a support session and all that belongs to it."""

    name: str


class SetCheckpoint(Command, frozen=True, kw_only=True):
    """Remember a step; `state` None forgets it."""

    name: str
    step: str
    state: CheckpointState | None


class MakeRequest(Command, frozen=True, kw_only=True):
    """Ask the customer, unless a grant or an open request already says it."""

    request: str
    code: str
    name: str
    account: Account
    terms: Terms
    answer_by: datetime


class WithdrawRequest(Command, frozen=True, kw_only=True):
    """Take an unanswered request back."""

    request: str


class ShowRequest(Command, frozen=True, kw_only=True):
    """The customer sees the request."""

    request: str
    text_sha256: str


class PostponeRequest(Command, frozen=True, kw_only=True):
    """The customer wants to be asked later."""

    request: str
    until: datetime


class DenyRequest(Command, frozen=True, kw_only=True):
    """The customer says no, in their words; `reported`: and that it looks wrong."""

    request: str
    why: str = ""
    reported: bool = False


class TryEntry(Command, frozen=True, kw_only=True):
    """What the customer typed shall be judged."""

    request: str


class RefusePassword(Command, frozen=True, kw_only=True):
    """Windows refused what was typed; `retry` where another try may help."""

    request: str
    why: str
    retry: bool


class GiveGrant(Command, frozen=True, kw_only=True):
    """The customer allowed it and Windows accepted the password."""

    request: str
    grant: str
    tag: str


class BeginTrial(Command, frozen=True, kw_only=True):
    """The sealed password shall be tried before a use."""

    grant: str


class EndTrial(Command, frozen=True, kw_only=True):
    """The trial said nothing about the password."""

    grant: str


class PauseGrant(Command, frozen=True, kw_only=True):
    """The customer pauses a grant, or lets it go on."""

    grant: str
    pause: bool


class EndGrant(Command, frozen=True, kw_only=True):
    """Somebody takes a grant back, or Windows no longer accepts its password."""

    grant: str
    how: GrantEnding
    revoked_by: Revoker | None = None
    rejection: Rejection | None = None
    detail: str = ""


class ApplyGrant(Command, frozen=True, kw_only=True):
    """Use the session's grant. `desktop` is the account's session now, `others` are who else is signed in."""

    name: str
    permit: str
    action: Action
    boot_id: str
    step: str | None
    message: str
    grace: float
    within: float
    relock_after: float
    desktop: Literal["none", "locked", "unlocked"]
    others: tuple[str, ...] = ()


class RedeemPermit(Command, frozen=True, kw_only=True):
    """The credential provider wants the password, in this boot."""

    permit: str
    boot_id: str


class ReportLogon(Command, frozen=True, kw_only=True):
    """The result of the logon. `rejection` is None if Windows accepted it; `detail` is the evidence."""

    permit: str
    rejection: Rejection | None = None
    detail: str = ""


class CancelPermit(Command, frozen=True, kw_only=True):
    """The use did not begin: the PC refused to restart. `detail` says why."""

    permit: str
    detail: str


class CloseDesktop(Command, frozen=True, kw_only=True):
    """The desktop that a permit opened was seen locked or cut off."""

    permit: str
    how: Closing


class RecordErasure(Command, frozen=True, kw_only=True):
    """The disk was read back."""

    grant: str
    erasure: Erasure


class CloseNotices(Command, frozen=True, kw_only=True):
    """The customer has read these notices."""

    account: str
    notices: tuple[str, ...]


class Recover(Command, frozen=True, kw_only=True):
    """The agent starts; `sealed` are the grants that a sealed record is there for."""

    sealed: tuple[str, ...]


class SeeBoot(Command, frozen=True, kw_only=True):
    """The agent runs in this boot; `permit` is an id for a use it may begin."""

    boot_id: str
    permit: str


class SeeSignIns(Command, frozen=True, kw_only=True):
    """Accounts (SIDs) whose desktops are open and unlocked now."""

    open_desktops: tuple[str, ...]


class Tick(Command, frozen=True, kw_only=True):
    """Time has passed."""


AnyCommand = (
    StartSession
    | EndSession
    | SetCheckpoint
    | MakeRequest
    | WithdrawRequest
    | ShowRequest
    | PostponeRequest
    | DenyRequest
    | TryEntry
    | RefusePassword
    | GiveGrant
    | BeginTrial
    | EndTrial
    | PauseGrant
    | EndGrant
    | ApplyGrant
    | RedeemPermit
    | ReportLogon
    | CancelPermit
    | CloseDesktop
    | RecordErasure
    | CloseNotices
    | Recover
    | SeeBoot
    | SeeSignIns
    | Tick
)

AT_START = (Recover, SeeBoot)
"""What is settled before time goes on: a permit that ran out while the PC was down is one of a PC that restarted."""
TAKING_BACK = (EndSession, EndGrant)
"""What needs space on a full disk all the same (rule 7)."""

OWN = (
    Tick,
    Recover,
    SeeBoot,
    SeeSignIns,
    RecordErasure,
    CloseDesktop,
    CancelPermit,
    EndTrial,
)
"""Commands of the agent's own: a refusal of one is a fault, not something to journal."""
