# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events: the entries of the journal. No event holds a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from .model import (
    AGENT,
    Account,
    Action,
    Actor,
    Authorities,
    Call,
    CheckpointState,
    Closing,
    DropReason,
    Erasure,
    LogonFailure,
    Omission,
    ProgramEnd,
    Rejection,
    Requester,
    Revoker,
    Sealing,
    Signed,
    StopReason,
    Terms,
)
from .policy import Policy

GrantEnding = Literal["revoke", "replace", "use_up", "expire", "reject", "end_session"]


class Event(Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """Base: `at` is the agent's time, with the PC's offset (see `clock`); `actor` caused the event.

    `call` is on the first event of an operator's call.
    """

    at: datetime
    actor: Actor = AGENT
    call: Call | None = None


class SessionStarted(Event, tag="session_started", frozen=True, kw_only=True):
    """A support session started."""

    session: str
    name: str
    owner: Account
    operators: tuple[Account, ...] = ()
    requester: Requester
    reason: str
    ticket: str
    ends_at: datetime


class SessionEnded(Event, tag="session_ended", frozen=True, kw_only=True):
    """A support session ended. `settled_steps` needed no more work."""

    session: str
    how: Literal["end", "expire"]
    settled_steps: tuple[str, ...] = ()


class ChallengeIssued(Event, tag="challenge_issued", frozen=True, kw_only=True):
    """A challenge is about to leave the PC. `seed`: random bytes in hexadecimal, which stay here until it is used."""

    nonce: str
    session: str
    seed: str
    expires_at: datetime


class ChallengeUsed(Event, tag="challenge_used", frozen=True, kw_only=True):
    """A signed request answered a challenge, and asked for no more than a grant or an open request covers."""

    nonce: str


class AuthoritiesPinned(Event, tag="authorities_pinned", frozen=True, kw_only=True):
    """The settings pin other keys than before, under a higher epoch."""

    authorities: Authorities


class CheckpointSet(Event, tag="checkpoint_set", frozen=True, kw_only=True):
    """A checkpoint was set, or removed (`state` None)."""

    session: str
    step: str
    state: CheckpointState | None = None


class RequestMade(Event, tag="request_made", frozen=True, kw_only=True):
    """The operator asked the customer for a grant. `sealing`: the operator's public key under terms of two parties."""

    request: str
    session: str
    asked_by: Account
    account: Account
    terms: Terms
    code: str
    answer_by: datetime
    organization: dict[str, str] = {}
    policy: Policy = Policy()
    sealing: Sealing | None = None
    signed: Signed | None = None


class RequestShown(Event, tag="request_shown", frozen=True, kw_only=True):
    """The request window is on the customer's screen; the hash is that of its text."""

    request: str
    text_sha256: str


class RequestPostponed(Event, tag="request_postponed", frozen=True, kw_only=True):
    """The customer wants to be asked later."""

    request: str
    until: datetime


class RequestAskedAgain(Event, tag="request_asked_again", frozen=True, kw_only=True):
    """The customer is asked again."""

    request: str


class RequestReminded(Event, tag="request_reminded", frozen=True, kw_only=True):
    """The customer is reminded of the request on their screen."""

    request: str


class EntryTried(Event, tag="entry_tried", frozen=True, kw_only=True):
    """The customer entered a password; journalled before Windows checks it."""

    request: str


class PasswordRefused(Event, tag="password_refused", frozen=True, kw_only=True):
    """The entry was refused; `why` is a `LogonRefusal`, `other_account_entered` or `agent_failed`."""

    request: str
    why: str


class RequestDenied(Event, tag="request_denied", frozen=True, kw_only=True):
    """The request was denied: by the customer (`why` in their words), or because no entry could serve (`refusal`).

    `quiet_until`: the customer does not want to be asked before that moment.
    """

    request: str
    why: str = ""
    refusal: str = ""
    quiet_until: datetime | None = None


class AskerUnblocked(Event, tag="asker_unblocked", frozen=True, kw_only=True):
    """An administrator unblocked a reported account, or ended the absence of a customer."""

    asker: str


class RequestClosed(Event, tag="request_closed", frozen=True, kw_only=True):
    """The request ended without an answer of its own; `decline`: another answer of the customer closed it.

    `refusal`: the reason why no entry could serve, if that closed it.
    """

    request: str
    how: Literal["withdraw", "expire", "decline"]
    refusal: str = ""


class GrantGiven(Event, tag="grant_given", frozen=True, kw_only=True):
    """The customer allowed it; the password is sealed, `tag` is its seal tag. Without a password it is empty."""

    grant: str
    request: str
    tag: str = ""


class TrialBegun(Event, tag="trial_begun", frozen=True, kw_only=True):
    """Windows is about to check a grant's password."""

    grant: str


class TrialEnded(Event, tag="trial_ended", frozen=True, kw_only=True):
    """The check of a grant's password had no result."""

    grant: str


class GrantPaused(Event, tag="grant_paused", frozen=True, kw_only=True):
    """The customer paused the grant."""

    grant: str


class GrantResumed(Event, tag="grant_resumed", frozen=True, kw_only=True):
    """The customer resumed the grant."""

    grant: str


class GrantEnded(Event, tag="grant_ended", frozen=True, kw_only=True):
    """The grant ended; its sealed record is deleted in the same transaction.

    `revoked_by` is set if `how` is `revoke`; `rejection` if it is `reject`, with
    the evidence in `detail`.
    """

    grant: str
    how: GrantEnding
    revoked_by: Revoker | None = None
    rejection: Rejection | None = None
    detail: str = ""


class ErasureChecked(Event, tag="erasure_checked", frozen=True, kw_only=True):
    """The erasure after the end of a grant was checked."""

    grant: str
    erasure: Erasure


class PermitIssued(Event, tag="permit_issued", frozen=True, kw_only=True):
    """A use of a grant began."""

    permit: str
    grant: str
    action: Action
    expires_at: datetime
    boot_before: str
    step: str | None = None
    foreign: bool = False
    must_lock: bool = True


class SignInOmitted(Event, tag="sign_in_omitted", frozen=True, kw_only=True):
    """Others restarted the PC, and the agent signs in no account with this grant."""

    grant: str
    why: Omission


class PermitRedeemed(Event, tag="permit_redeemed", frozen=True, kw_only=True):
    """A permit was redeemed; journalled before the credential provider gets the password."""

    permit: str
    boot_after: str
    windows_session: int | None = None


class PermitLoggedOn(Event, tag="permit_logged_on", frozen=True, kw_only=True):
    """Windows accepted the logon. The desktop may stay open until `relock_at`; without it, it is closed at once.

    `is_reported`: the logon screen reported it. Otherwise only an open desktop was seen, which may have been opened
    by hand.
    """

    permit: str
    relock_at: datetime | None = None
    is_reported: bool = True


class PermitSignedOn(Event, tag="permit_signed_on", frozen=True, kw_only=True):
    """Windows has signed the account in by itself after the permit's restart (ARSO); its desktop is to be closed.

    `is_open`: the desktop was open when it was first seen, so the account may have signed in by hand.
    """

    permit: str
    is_open: bool = False


class LogonReported(Event, tag="logon_reported", frozen=True, kw_only=True):
    """The logon screen reported a logon after its desktop was seen: Windows accepted the password."""

    permit: str


class PermitRefused(Event, tag="permit_refused", frozen=True, kw_only=True):
    """A redeemed permit led to no logon: Windows refused it, or the PC went down."""

    permit: str
    why: LogonFailure
    detail: str = ""


class PermitDropped(Event, tag="permit_dropped", frozen=True, kw_only=True):
    """An unredeemed permit is void. `detail` is the evidence for `why`.

    `refund`: Windows reported that nothing happened, so the use is not counted. `owes_lock`: Windows signed the
    account in by itself, and its desktop must be closed.
    """

    permit: str
    how: Literal["cancel", "lapse"]
    why: DropReason
    detail: str = ""
    refund: bool = False
    owes_lock: bool = False


class AccountSeen(Event, tag="account_seen", frozen=True, kw_only=True):
    """The account of a void permit, or of a logon without a result, has a session for the first time since then.

    `owes_lock`: Windows signed the account in by itself, or perhaps the logon did, and its desktop must be closed.
    """

    permit: str
    owes_lock: bool = False


class RelockDue(Event, tag="relock_due", frozen=True, kw_only=True):
    """The time of a desktop that an unlock opened ended."""

    permit: str


class DesktopClosed(Event, tag="desktop_closed", frozen=True, kw_only=True):
    """The desktop that a permit opened is locked, disconnected or gone.

    `closed_at`: the moment of that, if it is earlier than the event's.
    """

    permit: str
    how: Closing
    closed_at: datetime | None = None


class ProgramStarted(Event, tag="program_started", frozen=True, kw_only=True):
    """A program is about to be started in the customer's name; journalled before it starts."""

    program: str
    grant: str
    command_line: str
    folder: str = ""
    limit: float
    windows_session: int
    step: str | None = None


class ProgramEnded(Event, tag="program_ended", frozen=True, kw_only=True):
    """A program in the customer's name ended, or did not start. Its output is not journalled.

    `exit_code` is set if `end` is `exited`, `why` if it is `stopped`; `detail` is Windows' reason for `not_started`.
    """

    program: str
    end: ProgramEnd
    exit_code: int | None = None
    why: StopReason | Literal[""] = ""
    detail: str = ""


class RestartOrdered(Event, tag="restart_ordered", frozen=True, kw_only=True):
    """A restart without a grant is about to be asked for; it signs in no account."""

    restart: str
    session: str
    step: str
    boot_before: str
    lapses_at: datetime


class RestartDropped(Event, tag="restart_dropped", frozen=True, kw_only=True):
    """A restart without a grant does not happen; `detail` is Windows' reason for `restart_refused`."""

    restart: str
    why: Literal["restart_refused", "not_restarted"]
    detail: str = ""


class NoticesClosed(Event, tag="notices_closed", frozen=True, kw_only=True):
    """The customer closed these notices."""

    notices: tuple[str, ...]


class BootSeen(Event, tag="boot_seen", frozen=True, kw_only=True):
    """The agent runs in another boot than before; `up` are the seconds since its start."""

    boot_id: str
    up: float = 0.0


class TimeSeen(Event, tag="time_seen", frozen=True, kw_only=True):
    """The agent's time, journalled now and then: a boot with a wrong clock must not take it back.

    `clock_ahead`: the seconds by which the PC's clock runs ahead of it.
    """

    clock_ahead: float = 0.0


class ClockTaken(Event, tag="clock_taken", frozen=True, kw_only=True):
    """The agent's time is the PC's clock again, `up` seconds after the start of this boot."""

    up: float


class CallNoted(Event, tag="call_noted", frozen=True, kw_only=True):
    """An operator's call changed nothing; the same call sent again must change nothing either."""


class CommandRefused(Event, tag="command_refused", frozen=True, kw_only=True):
    """The rules refused a command; nothing changed."""

    command: str
    code: str


class JournalBegun(Event, tag="journal_begun", frozen=True, kw_only=True):
    """The first entry; `after` names the journal that it replaces, if any, `device_key` the PC's public key."""

    agent: str
    after: str = ""
    device_key: str = ""


class DeviceKeyChanged(Event, tag="device_key_changed", frozen=True, kw_only=True):
    """Another key signs for the PC from now on; `old` and `new` are public keys as lines of OpenSSH.

    `old` is empty if the journal names a key for the first time. `endorsement` is the old key's SSH signature over the
    line of the new one, empty where the old key could not sign.
    """

    old: str
    new: str
    endorsement: str = ""


AnyEvent = (
    SessionStarted
    | SessionEnded
    | ChallengeIssued
    | ChallengeUsed
    | AuthoritiesPinned
    | CheckpointSet
    | RequestMade
    | RequestShown
    | RequestPostponed
    | RequestAskedAgain
    | RequestReminded
    | EntryTried
    | PasswordRefused
    | RequestDenied
    | AskerUnblocked
    | RequestClosed
    | GrantGiven
    | TrialBegun
    | TrialEnded
    | GrantPaused
    | GrantResumed
    | GrantEnded
    | ErasureChecked
    | PermitIssued
    | SignInOmitted
    | PermitRedeemed
    | PermitLoggedOn
    | PermitSignedOn
    | LogonReported
    | PermitRefused
    | PermitDropped
    | AccountSeen
    | RelockDue
    | DesktopClosed
    | ProgramStarted
    | ProgramEnded
    | RestartOrdered
    | RestartDropped
    | NoticesClosed
    | BootSeen
    | TimeSeen
    | ClockTaken
    | CallNoted
    | CommandRefused
    | JournalBegun
    | DeviceKeyChanged
)
