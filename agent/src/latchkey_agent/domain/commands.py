# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands that the domain decides. Ids and random values come from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from .model import (
    Account,
    Action,
    Bounds,
    CheckpointState,
    Closing,
    Erasure,
    ProgramEnd,
    Rejection,
    Requester,
    Revoker,
    Sealing,
    Signed,
    StopReason,
    Terms,
)


class Command(Struct, frozen=True, kw_only=True):
    """Base."""


class StartSession(Command, frozen=True, kw_only=True):
    """Start a support session, or join a started one of that name.

    `by` becomes its owner; `operators` are further accounts that may use it. `settled_steps`: start none if these steps
    are settled already (`sessions.start`).
    """

    by: Account
    operators: tuple[Account, ...] = ()
    session: str
    name: str
    requester: Requester
    reason: str
    ticket: str
    ends_at: datetime | None
    settled_steps: tuple[str, ...] = ()


class EndSession(Command, frozen=True, kw_only=True):
    """End a support session and all that belongs to it. `settled_steps` need no more work."""

    name: str
    settled_steps: tuple[str, ...] = ()


class IssueChallenge(Command, frozen=True, kw_only=True):
    """Issue a challenge for a session. `seed`: random bytes in hexadecimal, of which the check code will come."""

    by: Account
    name: str
    nonce: str
    seed: str


class SetCheckpoint(Command, frozen=True, kw_only=True):
    """Set the checkpoint of a step; `state` None removes it. `bounds`: set it only if the step can end in time."""

    by: Account
    name: str
    step: str
    state: CheckpointState | None
    bounds: Bounds | None = None


class MakeRequest(Command, frozen=True, kw_only=True):
    """Ask the customer, unless a grant or an open request already covers the terms.

    `ask_again`: ask also a customer who has said no in this session. `sealing`: the operator's key under terms of two
    parties. `signed`: the request's signature, which has been checked, but for its challenge.
    """

    by: Account
    request: str
    code: str
    name: str
    account: Account
    terms: Terms
    answer_by: datetime
    organization: dict[str, str] = {}
    ask_again: bool = False
    sealing: Sealing | None = None
    signed: Signed | None = None


class WithdrawRequest(Command, frozen=True, kw_only=True):
    """Withdraw a request that has no answer yet."""

    request: str


class ShowRequest(Command, frozen=True, kw_only=True):
    """Note that the request window is on the customer's screen."""

    request: str
    text_sha256: str


class PostponeRequest(Command, frozen=True, kw_only=True):
    """Note that the customer wants to be asked later."""

    request: str
    until: datetime


class DenyRequest(Command, frozen=True, kw_only=True):
    """Note that the customer declined; `why` is in the customer's words. `reported`: it looks suspicious."""

    request: str
    why: str = ""
    reported: bool = False
    quiet_until: datetime | None = None


class UnblockAsker(Command, frozen=True, kw_only=True):
    """Unblock a reported account, or end the absence of a customer; `asker` is the SID of either."""

    asker: str


class TryEntry(Command, frozen=True, kw_only=True):
    """Count an entry of the customer before Windows checks it."""

    request: str


class RefusePassword(Command, frozen=True, kw_only=True):
    """Note that an entry was refused; `retry` if a further entry may succeed."""

    request: str
    why: str
    retry: bool


class GiveGrant(Command, frozen=True, kw_only=True):
    """Begin a grant: the customer allowed it, and Windows accepted the password. Without a password `tag` is empty."""

    request: str
    grant: str
    tag: str = ""


class BeginTrial(Command, frozen=True, kw_only=True):
    """Note that Windows is about to check a sealed password before a use."""

    grant: str


class EndTrial(Command, frozen=True, kw_only=True):
    """Note that the check of a sealed password had no result."""

    grant: str


class PauseGrant(Command, frozen=True, kw_only=True):
    """Pause or resume a grant."""

    grant: str
    pause: bool


class RevokeGrants(Command, frozen=True, kw_only=True):
    """Revoke grants, and close the desktops that they hold open; decline `requests` with an entry under check."""

    grants: tuple[str, ...]
    requests: tuple[str, ...] = ()
    revoked_by: Revoker


class RejectGrant(Command, frozen=True, kw_only=True):
    """End a grant because its password cannot serve any more; `detail` is the evidence."""

    grant: str
    rejection: Rejection
    detail: str = ""


class ApplyGrant(Command, frozen=True, kw_only=True):
    """Use the session's grant.

    `tried` is the grant whose password Windows has checked, or whose means need none; None for a preview: the permit
    is issued on it, or refused. `desktop` is the present state of the account's desktop; `others` are the other
    accounts that are signed in.
    """

    by: Account
    name: str
    permit: str
    action: Action
    boot_id: str
    step: str | None
    message: str
    within: float
    desktop: Literal["none", "locked", "unlocked"]
    others: tuple[str, ...] = ()
    tried: str | None = None


class OrderRestart(Command, frozen=True, kw_only=True):
    """Restart the PC without a grant, and sign in no account.

    `people`: the accounts that are signed in; `is_open`: a desktop is on a screen, and not locked.
    """

    by: Account
    name: str
    restart: str
    step: str
    boot_id: str
    message: str
    grace: float
    people: tuple[str, ...] = ()
    is_open: bool = False


class DropRestart(Command, frozen=True, kw_only=True):
    """Note that Windows does not carry out a restart without a grant."""

    restart: str
    detail: str


class StartProgram(Command, frozen=True, kw_only=True):
    """Start a program in the customer's name, with the session's grant.

    `windows_session` is the present Windows session of the grant's account, None if it is not signed in.
    """

    by: Account
    name: str
    program: str
    command_line: str
    folder: str
    limit: float
    step: str | None
    windows_session: int | None


class EndProgram(Command, frozen=True, kw_only=True):
    """Note the end of a program; one whose end is known stays as it is."""

    program: str
    end: ProgramEnd
    exit_code: int | None = None
    why: StopReason | Literal[""] = ""
    detail: str = ""


class NoteCall(Command, frozen=True, kw_only=True):
    """Note an operator's call that changes nothing; `subject` is the id that it is about."""

    subject: str


class RedeemPermit(Command, frozen=True, kw_only=True):
    """Redeem a permit in this boot, for the credential provider of a logon screen in `windows_session`."""

    permit: str
    boot_id: str
    windows_session: int | None = None


class ReportLogon(Command, frozen=True, kw_only=True):
    """Note the result of a logon. `rejection` is None if Windows accepted it; `detail` is the evidence.

    `passes`: the refusal says nothing about the password or the account.
    """

    permit: str
    rejection: Rejection | None = None
    detail: str = ""
    passes: bool = False


class CancelPermit(Command, frozen=True, kw_only=True):
    """Cancel a permit because Windows refused to restart; `detail` is the reason that Windows gave."""

    permit: str
    detail: str


class CloseDesktop(Command, frozen=True, kw_only=True):
    """Note that the desktop that a permit opened is locked or disconnected.

    `closed_at`: the moment of that, by the agent's time; the journal may not have been able to note it then.
    """

    permit: str
    how: Closing
    closed_at: datetime | None = None


class RecordErasure(Command, frozen=True, kw_only=True):
    """Note what was checked after an erasure."""

    grant: str
    erasure: Erasure


class CloseNotices(Command, frozen=True, kw_only=True):
    """Close notices that the customer has read."""

    account: str
    notices: tuple[str, ...]


class Recover(Command, frozen=True, kw_only=True):
    """Settle what a crash left in doubt.

    `sealed` are the grants that have a sealed record, `keyless` those whose key is gone.
    `restored`: the journal is an older copy.
    """

    sealed: tuple[str, ...]
    keyless: tuple[str, ...] = ()
    restored: bool = False


class SeeBoot(Command, frozen=True, kw_only=True):
    """Note the present boot; `permit` is an id for a use that may begin now."""

    boot_id: str
    permit: str


class SeenSession(Struct, frozen=True):
    """A Windows session of a signed-in account. `is_open`: its desktop is on a screen, and not locked."""

    sid: str
    session_id: int
    console: bool
    is_open: bool


class SeeSignIns(Command, frozen=True, kw_only=True):
    """Note the present Windows sessions. `auto_logon`: Windows may sign an account in by itself at a boot."""

    sessions: tuple[SeenSession, ...]
    auto_logon: bool = False


class Tick(Command, frozen=True, kw_only=True):
    """End everything whose time is over."""


AnyCommand = (
    StartSession
    | EndSession
    | IssueChallenge
    | SetCheckpoint
    | MakeRequest
    | WithdrawRequest
    | ShowRequest
    | PostponeRequest
    | DenyRequest
    | UnblockAsker
    | TryEntry
    | RefusePassword
    | GiveGrant
    | BeginTrial
    | EndTrial
    | PauseGrant
    | RevokeGrants
    | RejectGrant
    | ApplyGrant
    | OrderRestart
    | DropRestart
    | StartProgram
    | EndProgram
    | NoteCall
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
"""Commands that run before the first tick: a permit that expired while the PC was down has not lapsed yet then."""
REVOKING = (EndSession, RevokeGrants, RejectGrant)
"""Commands that must work on a full disk (rule 7)."""
ENDLESS = (StartSession, SetCheckpoint, MakeRequest, ShowRequest, PauseGrant, StartProgram)
"""Commands that an account can give again and again with a change each time; pausing alone is never limited."""

OWN = (
    Tick,
    Recover,
    SeeBoot,
    SeeSignIns,
    RecordErasure,
    CloseDesktop,
    CancelPermit,
    DropRestart,
    EndTrial,
    EndProgram,
)
"""Commands of the agent's own: a refusal of one is a fault, not something to journal."""
