# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has happened: the journal's entries. No event ever holds a secret."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from .model import (
    Account,
    Action,
    Call,
    CheckpointState,
    Closing,
    DropReason,
    Erasure,
    LogonFailure,
    Rejection,
    Requester,
    Revoker,
    Terms,
)

GrantEnding = Literal["revoke", "replace", "use_up", "expire", "reject", "end_session"]


class Event(Struct, frozen=True, kw_only=True, tag_field="event", omit_defaults=True):
    """Base: `at` is the PC's clock, with offset. `call` is on the first event of an operator's call."""

    at: datetime
    call: Call | None = None


class SessionStarted(Event, tag="session_started", frozen=True, kw_only=True):
    """A support session begins."""

    session: str
    name: str
    requester: Requester
    reason: str
    ticket: str
    language: str
    ends_at: datetime


class SessionEnded(Event, tag="session_ended", frozen=True, kw_only=True):
    """A support session is over."""

    session: str
    how: Literal["end", "expire"]


class CheckpointSet(Event, tag="checkpoint_set", frozen=True, kw_only=True):
    """A checkpoint was set, or removed (`state` None)."""

    session: str
    step: str
    state: CheckpointState | None = None


class RequestMade(Event, tag="request_made", frozen=True, kw_only=True):
    """The customer shall be asked."""

    request: str
    session: str
    account: Account
    terms: Terms
    code: str
    answer_by: datetime


class RequestShown(Event, tag="request_shown", frozen=True, kw_only=True):
    """The window is on the customer's screen; the hash is of the text it shows."""

    request: str
    text_sha256: str


class RequestPostponed(Event, tag="request_postponed", frozen=True, kw_only=True):
    """Later."""

    request: str
    until: datetime


class RequestAskedAgain(Event, tag="request_asked_again", frozen=True, kw_only=True):
    """The pause is over."""

    request: str


class EntryTried(Event, tag="entry_tried", frozen=True, kw_only=True):
    """What the customer typed is about to be judged; journalled before Windows is asked."""

    request: str


class PasswordRefused(Event, tag="password_refused", frozen=True, kw_only=True):
    """Windows refused what the customer typed; why is one of ports.LogonRefusal."""

    request: str
    why: str


class RequestDenied(Event, tag="request_denied", frozen=True, kw_only=True):
    """No: the customer's own (`why` in their words), or since no entry could serve (`refusal`)."""

    request: str
    why: str = ""
    refusal: str = ""


class RequestClosed(Event, tag="request_closed", frozen=True, kw_only=True):
    """Nobody answered, or nobody needs the answer any more."""

    request: str
    how: Literal["withdraw", "expire"]


class GrantGiven(Event, tag="grant_given", frozen=True, kw_only=True):
    """The customer allowed it, and the password was sealed under `tag`."""

    grant: str
    request: str
    tag: str


class TrialBegun(Event, tag="trial_begun", frozen=True, kw_only=True):
    """Windows is about to be asked whether a grant's password is still good."""

    grant: str


class TrialEnded(Event, tag="trial_ended", frozen=True, kw_only=True):
    """Windows gave no answer that speaks of the password."""

    grant: str


class GrantPaused(Event, tag="grant_paused", frozen=True, kw_only=True):
    """The customer holds the grant back."""

    grant: str


class GrantResumed(Event, tag="grant_resumed", frozen=True, kw_only=True):
    """The customer lets it go on."""

    grant: str


class GrantEnded(Event, tag="grant_ended", frozen=True, kw_only=True):
    """The grant is over; its sealed record leaves in the same transaction.

    `revoked_by` is set if `how` is `revoke`; `rejection` if it is `reject`, with
    the evidence in `detail`.
    """

    grant: str
    how: GrantEnding
    revoked_by: Revoker | None = None
    rejection: Rejection | None = None
    detail: str = ""


class ErasureChecked(Event, tag="erasure_checked", frozen=True, kw_only=True):
    """The disk was read back after a grant's end."""

    grant: str
    erasure: Erasure


class PermitIssued(Event, tag="permit_issued", frozen=True, kw_only=True):
    """One use of a grant begins."""

    permit: str
    grant: str
    action: Action
    expires_at: datetime
    boot_before: str
    step: str | None = None
    foreign: bool = False
    must_lock: bool = True
    relock_seconds: float = 0.0


class PermitRedeemed(Event, tag="permit_redeemed", frozen=True, kw_only=True):
    """Journalled before the secret is handed to the credential provider."""

    permit: str
    boot_after: str


class PermitLoggedOn(Event, tag="permit_logged_on", frozen=True, kw_only=True):
    """Windows accepted the logon."""

    permit: str


class PermitRefused(Event, tag="permit_refused", frozen=True, kw_only=True):
    """No logon came of a redeemed permit: Windows refused, or the PC went down."""

    permit: str
    why: LogonFailure
    detail: str = ""


class PermitDropped(Event, tag="permit_dropped", frozen=True, kw_only=True):
    """An unredeemed permit is void. `refund`: the use did not begin. `detail` is the evidence for `why`."""

    permit: str
    how: Literal["cancel", "lapse"]
    why: DropReason
    detail: str = ""
    refund: bool = False


class RelockDue(Event, tag="relock_due", frozen=True, kw_only=True):
    """The time of a desktop that an unlock opened is over."""

    permit: str


class DesktopClosed(Event, tag="desktop_closed", frozen=True, kw_only=True):
    """The desktop that a permit opened is locked, or cut off."""

    permit: str
    how: Closing


class NoticesClosed(Event, tag="notices_closed", frozen=True, kw_only=True):
    """The customer has read these."""

    notices: tuple[str, ...]


class BootSeen(Event, tag="boot_seen", frozen=True, kw_only=True):
    """The agent found itself in another boot than before."""

    boot_id: str


class ClockSetBack(Event, tag="clock_set_back", frozen=True, kw_only=True):
    """The clock shows a time before the last restart's; intervals are counted from here."""


class CommandRefused(Event, tag="command_refused", frozen=True, kw_only=True):
    """Somebody asked for what the rules do not allow; nothing changed."""

    command: str
    code: str
    actor: str


class JournalBegun(Event, tag="journal_begun", frozen=True, kw_only=True):
    """The first entry; `after` names what it replaces, if anything."""

    agent: str
    after: str = ""


AnyEvent = (
    SessionStarted
    | SessionEnded
    | CheckpointSet
    | RequestMade
    | RequestShown
    | RequestPostponed
    | RequestAskedAgain
    | EntryTried
    | PasswordRefused
    | RequestDenied
    | RequestClosed
    | GrantGiven
    | TrialBegun
    | TrialEnded
    | GrantPaused
    | GrantResumed
    | GrantEnded
    | ErasureChecked
    | PermitIssued
    | PermitRedeemed
    | PermitLoggedOn
    | PermitRefused
    | PermitDropped
    | RelockDue
    | DesktopClosed
    | NoticesClosed
    | BootSeen
    | ClockSetBack
    | CommandRefused
    | JournalBegun
)
