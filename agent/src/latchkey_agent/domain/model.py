# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entities of the domain, as immutable values."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from .policy import Policy
from .transitions import OPEN_PERMITS, GrantState, PermitState, RequestState, SessionState

AccountKind = Literal["local", "domain", "microsoft", "entra"]
Means = Literal["grant", "arso"]
"""The means by which the account is signed in after a restart.

`grant`: with the password that the customer lends. `arso`: Windows signs the account in by itself and locks it
(Winlogon Automatic Restart Sign-On), so no password is asked for, kept or used.
"""
Action = Literal["restart", "unlock"]
CheckpointState = Literal["started", "done"]
Closing = Literal["locked", "disconnected", "gone"]
"""How a desktop that a permit opened was closed; `gone`: the PC went down first."""


Revoker = Literal["customer", "operator"]
"""The side that revoked a grant."""
ProgramEnd = Literal["exited", "stopped", "not_started", "lost"]
"""How a program in the customer's name ended.

`exited`: by itself. `stopped`: the agent ended it, and all that it had started. `not_started`: Windows did not start
it. `lost`: the agent or the PC stopped while it ran, so its result is not known.
"""
StopReason = Literal["limit", "grant_ended", "paused", "session_ended"]
"""The reason why the agent ended a program: its time was over, or the customer's yes no longer covers it."""
Rejection = Literal[
    "password_refused",
    "agent_stopped",
    "record_missing",
    "record_unreadable",
    "journal_restored",
    "trial_unresolved",
]
"""The reason why a grant's password cannot serve any more.

`password_refused`: Windows refused it. `agent_stopped`: the agent stopped while Windows checked it.
`trial_unresolved`: the result of an earlier check was not journalled. `record_missing` and
`record_unreadable`: the sealed record is gone, or does not open. `journal_restored`: the journal is an older
copy, in which the grant may have ended since.
"""
DropReason = Literal[
    "grant_ended",
    "paused",
    "restart_refused",
    "restarted",
    "not_restarted",
    "not_redeemed",
    "session_ended",
    "signed_in",
    "signed_out",
    "agent_started",
    "not_signed_on",
]
"""The reason why an unredeemed permit is void.

`signed_in`: the account signed in without the permit. `restart_refused`: Windows refused the restart. `restarted`:
the PC restarted before an unlock. `not_restarted`: the permit's time was over before the PC restarted.
`not_redeemed`: the PC is up, and its logon screen did not redeem the permit in time. `signed_out`: the account of an
unlock has no desktop any more. `agent_started`: the agent did not run, and the desktop may have been opened meanwhile.
`not_signed_on`: Windows did not sign the account in by itself (ARSO).
"""


LogonFailure = Literal["refused", "interrupted"]
"""The reason why no logon came of a redeemed permit: Windows refused it, or the result never came."""
Omission = Literal[
    "policy", "not_agreed", "paused", "too_early", "used_up", "clock_behind", "other_account", "own_restart"
]
"""The reason why a restart without a waiting permit led to no permit of a live grant.

`other_account`: the logon screen signs in one account, and another grant was used for it. `own_restart`: the agent
had begun the restart for a permit that is void now, so it is no restart by others.
"""


class Account(Struct, frozen=True):
    """A Windows account. `sid` is its identity, the names are for people.

    `domain` is the PC's name for local accounts (as LookupAccountSid says). An account that Windows cannot
    name has its SID as `user`, and an empty `domain`.
    """

    sid: str
    user: str
    domain: str
    kind: AccountKind = "local"

    @property
    def qualified(self) -> str:
        r"""The account as Windows writes it: `DOMAIN\\user`."""
        return f"{self.domain}\\{self.user}" if self.domain else self.user


class Actor(Struct, frozen=True):
    """The account that caused an event, as the PC has verified it; without a SID the agent itself."""

    name: str = "agent"
    sid: str = ""


AGENT = Actor()


class Requester(Struct, frozen=True):
    """The person who asks, in the operator's words. The PC has verified nothing of them."""

    name: str
    organization: str
    role: str


class Authorities(Struct, frozen=True, kw_only=True):
    """The keys that issue operators' certificates, as the settings pin them.

    `keys` are public keys as lines of OpenSSH. `epoch` grows with each change; 0 with no keys means that none was ever
    pinned. A certificate must name `organization`, and one of `roles` as its role if there are some.
    """

    epoch: int = 0
    organization: str = ""
    keys: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


class Challenge(Struct, frozen=True, kw_only=True):
    """A random nonce that one signed request of a session must carry.

    `seed`: random bytes in hexadecimal, of which the check code comes. `used`: a request has answered it.
    """

    nonce: str
    session: str
    seed: str
    expires_at: datetime
    used: bool = False


class Signed(Struct, frozen=True, kw_only=True):
    """The signature of a request, checked before the request was taken.

    `requester` is the person whom the certificate names. `document`: the signed text. `signature`: its armored SSH
    signature. `certificate`: the line of OpenSSH; `serial` its number. `key` and `authority` are the fingerprints of
    the key that signed and of the one that issued the certificate. `seed` and `nonce` are those of the challenge.
    """

    requester: Requester
    document: str
    signature: str
    certificate: str
    serial: int
    key: str
    authority: str
    nonce: str
    seed: str


class Terms(Struct, frozen=True, kw_only=True):
    """Everything that changes the effect of a use.

    `means`: by what the account is signed in after a restart. Counts of uses, the time in which they are allowed,
    `relock_after`, the longest time in seconds that an unlock leaves the desktop open, and `grace`, the seconds of
    warning before a restart. `programs`: programs may run as the account, not elevated, while it is signed in.
    `two_parties`: the password opens only with a half of the key that the operator delivers for each use.
    """

    means: Means = "grant"
    two_parties: bool = False
    restarts: int
    unlocks: int
    foreign_restarts: bool
    programs: bool
    not_before: datetime
    not_after: datetime
    relock_after: float
    grace: float

    @property
    def has_secret(self) -> bool:
        """Whether the customer lends a password under these terms."""
        return self.means == "grant"


class Sealing(Struct, frozen=True, kw_only=True):
    """The operator's public key for one grant. The operator derives the private one anew for each use.

    `device`: the fingerprint of the device key that the operator means. `nonce` and `public_key` (X25519) are 32 bytes
    each, in hexadecimal.
    """

    device: str
    nonce: str
    public_key: str


class Call(Struct, frozen=True):
    """An operator's call: its idempotency key, and the ids that it was about (session, request, grants or permit).

    `changed`: the call changed something. `by`: the SID of the account that called.
    """

    key: str
    subject: str
    changed: bool = True
    by: str = ""


class Checkpoint(Struct, frozen=True):
    """The state of one maintenance step."""

    state: CheckpointState
    at: datetime


class Bounds(Struct, frozen=True, kw_only=True):
    """The maintenance window, and the time that a step and its restart need within it.

    `limit`: the longest duration of the step; None if unknown. `spare`: the duration of the restart after the step.
    """

    opens_at: datetime
    closes_at: datetime
    limit: timedelta | None = None
    spare: timedelta = timedelta()


class SupportSession(Struct, frozen=True, kw_only=True):
    """The engagement that owns requests and grants.

    `owner` is the account that started it; `operators` are the further accounts that it named then. Only these
    may ask and use its grants. `settled_steps`: the steps that needed no more work when it ended.
    """

    id: str
    name: str
    owner: Account
    operators: tuple[Account, ...]
    requester: Requester
    reason: str
    ticket: str
    started_at: datetime
    ends_at: datetime
    state: SessionState = SessionState.STARTED
    ended_at: datetime | None = None
    checkpoints: dict[str, Checkpoint] = {}
    settled_steps: tuple[str, ...] = ()


class Request(Struct, frozen=True, kw_only=True):
    """A question to the customer. The receipt has the id of its request.

    `asked_by` is the verified account that asked. `organization` and `policy` are those of that moment.
    `text_sha256` is the hash of the window's text that was shown last.
    `why` is the customer's text. `refusal` is a stable word: `reported`, or the reason why no entry could serve.
    `ended_at`: the moment of its end without an answer. `signed`: its signature, None for an unsigned one.
    `was_postponed`: the customer once chose the time of the next window. `reminded_at`: the moment of the one reminder.
    `entries` counts the passwords that the customer entered, `entries_refused` those that were refused.
    `sealing`: the key for the operator's half under terms of two parties, else None.
    """

    id: str
    session: str
    asked_by: Account
    account: Account
    terms: Terms
    code: str
    asked_at: datetime
    answer_by: datetime
    organization: dict[str, str] = {}
    policy: Policy = Policy()
    sealing: Sealing | None = None
    text_sha256: str = ""
    state: RequestState = RequestState.PENDING
    shown_at: datetime | None = None
    later_until: datetime | None = None
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    was_postponed: bool = False
    reminded_at: datetime | None = None
    why: str = ""
    refusal: str = ""
    entries: int = 0
    entries_refused: int = 0
    last_refusal: str = ""
    signed: Signed | None = None


class Erasure(Struct, frozen=True):
    """The checks that confirm an erasure, each as (name, passed, detail).

    `lost`: it is not confirmed, and no further try can confirm it, because the key slot is lost.
    """

    checked_at: datetime
    confirmed: bool
    checks: tuple[tuple[str, bool, str], ...]
    lost: bool = False


def needs_erasing(erasure: Erasure | None) -> bool:
    """Tell whether an erasure is still to be tried."""
    return erasure is None or not (erasure.confirmed or erasure.lost)


class Uses(Struct, frozen=True, kw_only=True):
    """The counts of uses that a grant still allows."""

    restarts: int
    unlocks: int


class Omitted(Struct, frozen=True):
    """A restart by others after which the agent signed in no account, and the reason."""

    at: datetime
    why: Omission


class Grant(Struct, frozen=True, kw_only=True):
    """The customer's yes. `tag` is the seal tag: random bytes in the sealed record, searched for after its erasure.

    Under the means `arso` there is no sealed record, and `tag` is empty.

    `on_trial`: Windows is checking the password, and has not answered yet. `is_doubtful`: the result of a logon
    with it never came, and no check has succeeded since.
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
    is_doubtful: bool = False
    omitted: tuple[Omitted, ...] = ()
    state: GrantState = GrantState.ACTIVE
    ended: GrantState | None = None
    ended_at: datetime | None = None
    ended_by: Actor = AGENT
    revoked_by: Revoker | None = None
    rejection: Rejection | None = None
    detail: str = ""
    erasure: Erasure | None = None


def requester_of(request: Request, session: SupportSession) -> Requester:
    """Return the person who asks: as the certificate names them, or in an unsigned request as the session does."""
    return session.requester if request.signed is None else request.signed.requester


def owes_erasure(grant: Grant) -> bool:
    """Tell whether an erasure of the grant's sealed record is still to be tried; one without a password has none."""
    return grant.terms.has_secret and needs_erasing(grant.erasure)


def how_ended(grant: Grant) -> str:
    """Return how a grant ended, and for a revoked one by which side; empty while it lives."""
    by = f"_by_{grant.revoked_by}" if grant.revoked_by else ""
    return f"{grant.ended}{by}" if grant.ended else ""


class Permit(Struct, frozen=True, kw_only=True):
    """A logon permit: permission for the credential provider to log on once. One use of a grant.

    `must_lock`: the desktop is locked at once; otherwise at `relock_at`. `owes_lock`: a desktop that the permit
    opened, or may have opened, has not been seen closed yet. `windows_session` is the Windows session of the logon
    screen that redeemed it. `is_unseen`: the PC has restarted for this permit, which is void or had no result, or
    its logon had no result in this boot, and the account has had no session since. `opened_at`: Windows was seen to
    have signed the account in by itself: for the permit (ARSO), or though it was void. `came_open`: that desktop was
    open when it was first seen, so the account may have signed in by hand.
    """

    id: str
    grant: str
    session: str
    account: Account
    action: Action
    issued_at: datetime
    expires_at: datetime
    boot_before: str
    by: Actor = AGENT
    step: str | None = None
    foreign: bool = False
    must_lock: bool = True
    state: PermitState = PermitState.ISSUED
    owes_lock: bool = False
    is_unseen: bool = False
    boot_after: str | None = None
    windows_session: int | None = None
    redeemed_at: datetime | None = None
    logged_on_at: datetime | None = None
    opened_at: datetime | None = None
    came_open: bool = False
    relock_at: datetime | None = None
    closed_at: datetime | None = None
    closing: Closing | None = None
    why: DropReason | LogonFailure | None = None
    detail: str = ""


def succeeded(permit: Permit) -> bool:
    """Tell whether the use reached its aim: the account is signed in, with the permit or by itself."""
    return permit.state is PermitState.LOGGED_ON or permit.why == "signed_in"


def signed_on(permit: Permit) -> bool:
    """Tell whether Windows signed the account in by itself for the permit (ARSO)."""
    return permit.opened_at is not None and permit.logged_on_at is not None


def finished(permit: Permit) -> bool:
    """Tell whether the use is over for an operator who waits for it."""
    if permit.state is PermitState.LOGGED_ON:
        return not permit.owes_lock or not permit.must_lock
    return permit.state not in OPEN_PERMITS


def open_since(permit: Permit) -> datetime | None:
    """Return the moment from which the open time of a permit's desktop counts; None if no logon is known.

    The password left the agent at that moment, so the desktop opened later. One that Windows opened by itself may have
    opened before it was seen.
    """
    return permit.opened_at or (permit.redeemed_at if permit.logged_on_at is not None else None)


def settled(permit: Permit) -> bool:
    """Tell whether no logon is to come and no desktop is to be closed."""
    return permit.state not in OPEN_PERMITS and not permit.owes_lock


def restarts_itself(permit: Permit, why: str | None) -> bool:
    """Tell whether a permit that is void for this reason leaves a restart behind that was begun for it."""
    return permit.action == "restart" and not permit.foreign and why not in {"restart_refused", "signed_in"}


def may_restart(permit: Permit, boot_id: str) -> bool:
    """Tell whether the permit is void, and the restart that was begun for it may still end this boot."""
    is_void = permit.state in {PermitState.LAPSED, PermitState.CANCELLED}
    return is_void and permit.boot_before == boot_id and restarts_itself(permit, permit.why)


def is_under_way(permit: Permit, boot_id: str) -> bool:
    """Tell whether something of a use may still follow: a logon, a desktop, or a restart that was begun for it."""
    return not settled(permit) or permit.is_unseen or may_restart(permit, boot_id)


class PlainRestart(Struct, frozen=True, kw_only=True):
    """A restart without a grant; it signs in no account.

    `boot_after`: the boot that it led to. `why`: the reason why it did not happen, `detail` is Windows' own. It counts
    as one that did not happen at `lapses_at`.
    """

    id: str
    session: str
    step: str
    ordered_at: datetime
    lapses_at: datetime
    boot_before: str
    by: Actor = AGENT
    boot_after: str | None = None
    why: Literal["restart_refused", "not_restarted", ""] = ""
    detail: str = ""

    @property
    def is_pending(self) -> bool:
        """Whether the PC has not restarted yet, and may still."""
        return self.boot_after is None and not self.why


class Program(Struct, frozen=True, kw_only=True):
    """A program that runs in the customer's name, with all that it starts. It is covered by the term `programs`.

    `command_line` is the whole line that Windows gets. `folder` is the working folder; empty for the account's own.
    `limit`: the seconds after which it is ended. `windows_session` is the Windows session in which it runs. `end` is
    None while it runs, `why` is empty unless the agent ended it, `detail` is Windows' reason why it did not start.
    """

    id: str
    grant: str
    session: str
    account: Account
    command_line: str
    folder: str
    limit: float
    windows_session: int
    started_at: datetime
    by: Actor = AGENT
    step: str | None = None
    end: ProgramEnd | None = None
    why: StopReason | Literal[""] = ""
    detail: str = ""
    exit_code: int | None = None
    ended_at: datetime | None = None

    @property
    def path(self) -> str:
        """The program's path: the command line begins with it, in quotation marks (`command_line.written`)."""
        return self.command_line.split('"', 2)[1]


NoticeKind = Literal[
    "granted", "used", "restarted", "locked", "failed", "ended", "erased", "erase_failed", "program"
]
"""`restarted`: the PC was restarted, and Latchkey signed nobody in. `program`: a program in their name ended."""


class Notice(Struct, frozen=True, kw_only=True):
    """A message that the customer sees until they close it.

    `since`: the desktop that was closed counts as open since then (see `open_since`), or the program started then.
    `program` is the program's command line, `exit_code` its exit code.
    """

    id: str
    account: str
    kind: NoticeKind
    at: datetime
    ticket: str
    detail: str = ""
    not_after: datetime | None = None
    since: datetime | None = None
    while_away: bool = True
    program: str = ""
    exit_code: int | None = None


class Asking(Struct, frozen=True, kw_only=True):
    """The requests of one account to one customer since the last yes.

    `without_yes` counts the shown windows that ended without a yes, `last_at` is the last one's end. `held_until`:
    the customer wants to be asked again then. `made`: the moments of the latest requests.
    """

    without_yes: int = 0
    last_at: datetime | None = None
    held_until: datetime | None = None
    made: tuple[datetime, ...] = ()


class Archived(Struct, frozen=True):
    """An ended session that the rules no longer need; its receipts do. `at`: the moment at which it was put aside."""

    at: datetime
    session: SupportSession
    requests: tuple[Request, ...]
    grants: tuple[Grant, ...]
    permits: tuple[Permit, ...]
    programs: tuple[Program, ...] = ()


class ClockBase(Struct, frozen=True):
    """A moment of the agent's time, and the seconds since this boot's start at that moment (see `clock`)."""

    boot_id: str
    at: datetime
    up: float


class State(Struct, frozen=True, kw_only=True):
    """The fold of the journal. `version` counts its events.

    `clock` and `seen_at`: the base of the agent's time, and the latest time seen (see `clock`). `clock_ahead`: the
    time by which the PC's clock was last seen to run ahead of it.
    `last_restart_at`: the moment of the last restart that the agent began or noticed.
    `asking`: by customer and asker (two SIDs with a space between). `blocked`: the SIDs of accounts that a customer
    reported, and their names. `quiet`: the customers (SIDs) who do not want to be asked until a moment.
    `archive`: ended sessions that only receipts need.
    `calls`: the latest calls, by their keys.
    `replaced_at`: the moment at which this journal was begun in place of one that was set aside.
    `device_key`: the public key that signs for the PC, as the journal names it; empty in one of an earlier agent.
    `challenges`: those of started sessions, by their nonces. `authorities`: the keys pinned last.
    `durations`: the time that each step needed last on this PC, by its name.
    """

    version: int = 0
    sessions: dict[str, SupportSession] = {}
    requests: dict[str, Request] = {}
    grants: dict[str, Grant] = {}
    permits: dict[str, Permit] = {}
    programs: dict[str, Program] = {}
    restarts: dict[str, PlainRestart] = {}
    notices: dict[str, Notice] = {}
    boot_id: str = ""
    clock: ClockBase | None = None
    seen_at: datetime | None = None
    clock_ahead: timedelta = timedelta()
    last_restart_at: datetime | None = None
    asking: dict[str, Asking] = {}
    blocked: dict[str, str] = {}
    quiet: dict[str, datetime] = {}
    archive: dict[str, Archived] = {}
    calls: dict[str, Call] = {}
    replaced_at: datetime | None = None
    device_key: str = ""
    challenges: dict[str, Challenge] = {}
    authorities: Authorities = Authorities()
    durations: dict[str, timedelta] = {}
