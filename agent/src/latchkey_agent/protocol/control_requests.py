# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests of the control pipe, from operators and administrators.

One request, one answer (`answers`). A request is a JSON object whose `verb` names its
type here; an unknown field, a missing one or a value out of its bounds is an
error (`bad_message`). The exported JSON Schema is made from these classes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from latchkey_agent import command_line

from . import PROTOCOL_VERSION
from .fields import (
    MOST_OPERATORS,
    MOST_STEPS,
    AccountName,
    Argument,
    Count,
    DeliveredHalf,
    Identifier,
    Line,
    Moment,
    Name,
    OperatorSignature,
    Position,
    Requester,
    Sealing,
    Seconds,
    SeenHead,
    ShortLine,
    Wait,
    Written,
)

Steps = Annotated[tuple[Name, ...], Meta(max_length=MOST_STEPS)]

# --- requests ---------------------------------------------------------------


class ControlRequest(Written, tag_field="verb", frozen=True, kw_only=True):
    """Base of the operator's requests.

    `check` (Ansible's check mode) returns the answer without the change.

    `idempotency_key` is new for each call, and the same if a call is sent again because its answer was lost:
    the agent then answers with the result of the first one.
    """

    protocol: int = PROTOCOL_VERSION
    check: bool = False
    idempotency_key: Identifier | None = None

    @property
    def call(self) -> str:
        """The verb and the key, by which the state knows this call; empty without a key."""
        return f"{self.__struct_config__.tag} {self.idempotency_key}" if self.idempotency_key else ""


class SessionStart(ControlRequest, tag="session_start", frozen=True, kw_only=True):
    """Start the support session, or join a started one of that name.

    `operators` are further accounts that may ask and use the session's grants. `settled_steps`: return a session of
    that name in place of a new one, if it ended with all these steps settled, and before the end that it had agreed.
    `forecast`: return the forecast for `account` and `means`, too; with `stop` start nothing where a finding stops it.
    `seen`: the last head of this PC's journal that the caller knows. A journal without it starts nothing.
    """

    session: Name
    reason: Line = ""
    ticket: ShortLine = ""
    requester: Requester = Requester()
    operators: Annotated[tuple[AccountName, ...], Meta(max_length=MOST_OPERATORS)] = ()
    ends: Moment | None = None
    settled_steps: Steps = ()
    forecast: Literal["ignore", "warn", "stop"] = "ignore"
    means: Literal["auto", "grant", "arso"] = "grant"
    account: AccountName | None = None
    seen: SeenHead | None = None


class SessionEnd(ControlRequest, tag="session_end", frozen=True, kw_only=True):
    """End the support session and erase its sealed records. `settled_steps` need no more work: done, or left out."""

    session: Name
    settled_steps: Steps = ()


class CredentialRequest(ControlRequest, tag="credential_request", frozen=True, kw_only=True):
    """Ask the customer for a grant under these terms, or find one that covers them.

    `means`: by what the account is signed in after a restart. `grant`: with a password that the customer lends.
    `arso`: by Windows itself, without a password. `auto`: `arso` where no known fact speaks against it, else `grant`.
    `ask_again`: ask also a customer who has said no in this session. `sealing`: ask for a grant of two parties, whose
    password opens only with a half of the key that the operator delivers for each use. `signature`: by the person who
    asks.
    """

    session: Name
    account: AccountName | None = None
    means: Literal["auto", "grant", "arso"] = "grant"
    restarts: Count = 0
    unlocks: Count = 0
    foreign_restarts: bool = False
    programs: bool = False
    not_before: Moment | None = None
    not_after: Moment | None = None
    relock_after: Annotated[float, Meta(ge=1, le=28_800)] = 600.0
    grace: Annotated[float, Meta(ge=0, le=3600)] = 5.0
    answer_within: Seconds | None = None
    answer_by: Moment | None = None
    ask_again: bool = False
    sealing: Sealing | None = None
    signature: OperatorSignature | None = None


class RequestWait(ControlRequest, tag="request_wait", frozen=True, kw_only=True):
    """Long poll: answered when the customer has answered, or after `wait` seconds."""

    session: Name
    request: Identifier
    wait: Wait = 0.0


class RequestWithdraw(ControlRequest, tag="request_withdraw", frozen=True, kw_only=True):
    """Withdraw a request that has no answer yet."""

    session: Name
    request: Identifier


class CredentialApply(ControlRequest, tag="credential_apply", frozen=True, kw_only=True):
    """Use the grant once: restart and log on, or unlock.

    `step` makes it idempotent: a second apply for a step that has succeeded
    changes nothing and returns the first result.

    `means`: `none` restarts without a grant, and signs in no account. It needs a step, and an administrator. `grace`:
    the seconds of warning before such a restart; those of any other one are in the grant's terms.

    `done`: first set the step's checkpoint to done, which stays also if the use is refused. `when_pending`: do nothing
    more if Windows has no pending restart. `not_before` and `not_after`: the maintenance window; `limit`: the seconds
    that the use may need in it.

    `half`: the operator's half for a grant of two parties. Without it the call is refused (`half_missing`), and the
    answer says to which key it is to be sealed.
    """

    session: Name
    action: Literal["restart", "unlock"]
    means: Literal["grant", "none"] = "grant"
    grace: Annotated[float, Meta(ge=0, le=3600)] = 60.0
    step: Name | None = None
    message: Line = ""
    within: Seconds = 900.0
    done: bool = False
    when_pending: bool = False
    not_before: Moment | None = None
    not_after: Moment | None = None
    limit: Seconds = 0.0
    half: DeliveredHalf | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where a field lacks another one that it needs."""
        super().__post_init__()
        if self.done and self.step is None:
            msg = "`done` needs `step`: the name of the checkpoint"
            raise ValueError(msg)


class ApplyWait(ControlRequest, tag="apply_wait", frozen=True, kw_only=True):
    """Long poll: answered at each news of the use, with `to_the_end` when it is finished, or after `wait` seconds.

    It is answered at once while the use waits for the operator's half. `half` delivers that half.
    """

    session: Name
    permit: Identifier
    wait: Wait = 0.0
    to_the_end: bool = False
    half: DeliveredHalf | None = None


class SessionCommand(ControlRequest, tag="session_command", frozen=True, kw_only=True):
    """Run a program in the customer's name, in their signed-in session, not elevated, under a grant that covers it.

    `program` is a full path and `arguments` are passed as they are: no shell reads them. `limit`: the seconds after
    which the program and all that it started are ended. `step` makes it idempotent: a second call for a step whose
    program runs, or has ended with 0, changes nothing and returns that one.
    """

    session: Name
    program: Annotated[str, Meta(max_length=1024, pattern=command_line.FULL_PATH)]
    arguments: Annotated[tuple[Argument, ...], Meta(max_length=1000)] = ()
    folder: Annotated[str, Meta(max_length=1024, pattern=command_line.FULL_FOLDER)] | None = None
    limit: Annotated[float, Meta(ge=1, le=86_400)] = 600.0
    step: Name | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where a text breaks a rule; the message has the field and the rule."""
        super().__post_init__()
        if command_line.is_batch(self.program):
            msg = "`program` is a batch file, whose arguments cmd.exe would read as commands: name cmd.exe itself"
            raise ValueError(msg)
        if command_line.length(self.line) > command_line.LONGEST:
            msg = f"`arguments` make a command line of more than {command_line.LONGEST} characters"
            raise ValueError(msg)

    @property
    def line(self) -> str:
        """The command line that Windows gets."""
        return command_line.written(self.program, self.arguments)


class CommandWait(ControlRequest, tag="command_wait", frozen=True, kw_only=True):
    """Long poll: answered when the program has ended, or after `wait` seconds."""

    session: Name
    command: Identifier
    wait: Wait = 0.0


class CredentialRevoke(ControlRequest, tag="credential_revoke", frozen=True, kw_only=True):
    """Revoke the session's grants as the operator."""

    session: Name


class Checkpoint(ControlRequest, tag="checkpoint", frozen=True, kw_only=True):
    """Set the checkpoint of a step; without `state` only return it.

    `not_before` and `not_after`: the maintenance window. The call is refused outside of it, and if the step may not
    end in time: `limit` is its longest duration in seconds, by default its last one on this PC, and `spare` the
    seconds for the restart after it.

    `then`: with `done`, also begin this step, by a record of its own. The window is that step's; one that may not begin
    does not, and the answer has no `begun`.
    """

    session: Name
    step: Name
    state: Literal["started", "done", "absent"] | None = None
    not_before: Moment | None = None
    not_after: Moment | None = None
    limit: Seconds | None = None
    spare: Seconds = 0.0
    then: Name | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where a field lacks another one that it needs."""
        super().__post_init__()
        if self.then is not None and self.state != "done":
            msg = "`then` needs the state `done`: the step before it"
            raise ValueError(msg)


class Info(ControlRequest, tag="info", frozen=True, kw_only=True):
    """Return sessions, requests, grants and uses; changes nothing. `means`: those that the forecast is for.

    `seen`: the last head of this PC's journal that the caller knows. A journal without it shows nothing.
    """

    session: Name | None = None
    receipts: bool = False
    forecast: bool = False
    means: Literal["auto", "grant", "arso"] = "grant"
    account: AccountName | None = None
    seen: SeenHead | None = None


class Events(ControlRequest, tag="events", frozen=True, kw_only=True):
    """Long poll: the answers of customers and the ends of grants after a place of the journal; changes nothing.

    It is answered at once where there are such events, or after `wait` seconds. `position` and `mark` are the place
    that an earlier answer gave. Without `position` it is the journal's end, and 0 is its beginning. `session`: only
    the events of sessions of this name.
    """

    session: Name | None = None
    position: Position | None = None
    mark: Identifier | None = None
    wait: Wait = 0.0

    def __post_init__(self) -> None:
        """Raise ValueError where a place is no place."""
        super().__post_init__()
        if bool(self.position) != (self.mark is not None):
            msg = "`position` and `mark` are one place: both come from an earlier answer"
            raise ValueError(msg)


class Receipt(ControlRequest, tag="receipt", frozen=True, kw_only=True):
    """The signed receipt of a request."""

    request: Identifier


class ReceiptList(ControlRequest, tag="receipt_list", frozen=True, kw_only=True):
    """The ids of all receipts that the policy keeps, the oldest first; at most a thousand after `after`."""

    after: Identifier | None = None


class DeviceKey(ControlRequest, tag="device_key", frozen=True, kw_only=True):
    """The public key that signs for this PC."""


class DeviceKeyReplace(ControlRequest, tag="device_key_replace", frozen=True, kw_only=True):
    """Replace the key that signs for this PC by a new one (administrator)."""


class AskerUnblock(ControlRequest, tag="asker_unblock", frozen=True, kw_only=True):
    """Unblock a reported account, or end the absence of a customer (administrator)."""

    account: Line


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
    | SessionCommand
    | CommandWait
    | CredentialRevoke
    | Checkpoint
    | Info
    | Events
    | Receipt
    | ReceiptList
    | DeviceKey
    | DeviceKeyReplace
    | AskerUnblock
    | JournalVerify
    | JournalReset
    | EraseAll
)
