# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls that processes of the PC send to its Windows, and Windows' notifications.

Each call and each answer is one frame. The calls carry `latchkey_agent.ports`
over a socket; a secret travels in the frame's secret part.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from msgspec import Raw, Struct

from latchkey_agent.domain import Account


class Call(Struct, frozen=True, tag_field="call", forbid_unknown_fields=True):
    """Base of all calls."""


class Subscribe(Call, frozen=True, tag="subscribe"):
    """Reverse this connection: from now on Windows sends (`Notice`) and the caller acknowledges."""


class Ready(Call, frozen=True, tag="ready"):
    """A service answers from now on."""

    service: str


class WhoIs(Call, frozen=True, tag="who_is"):
    """Resolves a token to its account."""

    sid: str
    session_id: int | None


class Find(Call, frozen=True, tag="find"):
    """Accounts.find."""

    name: str


class Check(Call, frozen=True, tag="check"):
    """Accounts.check; the secret is the password."""

    sid: str


class Facts(Call, frozen=True, tag="facts"):
    """Accounts.facts."""

    sid: str | None


class SignedIn(Call, frozen=True, tag="signed_in"):
    """Sessions.signed_in."""


class Lock(Call, frozen=True, tag="lock"):
    """Sessions.lock."""

    session_id: int


class Disconnect(Call, frozen=True, tag="disconnect"):
    """Sessions.disconnect."""

    session_id: int


class PrepareProgram(Call, frozen=True, tag="prepare_program"):
    """Programs.prepare; answers with a number. The program ends with the connection of this call, as with a job."""

    session_id: int
    sid: str
    program: str
    command_line: str
    folder: str


class ResumeProgram(Call, frozen=True, tag="resume_program"):
    """StartedProgram.resume."""

    number: int


class WaitProgram(Call, frozen=True, tag="wait_program"):
    """StartedProgram.wait."""

    number: int
    seconds: float


class KillProgram(Call, frozen=True, tag="kill_program"):
    """StartedProgram.kill."""

    number: int


class OutputOf(Call, frozen=True, tag="output_of"):
    """StartedProgram.output."""

    number: int


class BootId(Call, frozen=True, tag="boot_id"):
    """Power.boot_id."""


class Restart(Call, frozen=True, tag="restart"):
    """Power.restart; or a restart by another program. `sign_on`: with SHUTDOWN_ARSO."""

    message: str
    grace: float
    by_agent: bool = True
    sign_on: bool = False
    by: str = "Windows Update"


class AbortRestart(Call, frozen=True, tag="abort_restart"):
    """AbortSystemShutdown by a program: takes back a restart that waits for the end of its warning."""


class LastBootUp(Call, frozen=True, tag="last_boot_up"):
    """LastBootUpTime of Win32_OperatingSystem, as a file time."""


class LogonScreenKey(Call, frozen=True, tag="logon_screen_key"):
    """Tells whether the registry has the key that LogonUI makes when it shows itself; may remove it."""

    remove: bool = False


class ServicingInProgress(Call, frozen=True, tag="servicing_in_progress"):
    """Tells whether Windows still works on updates after a restart."""


class SearchUpdates(Call, frozen=True, tag="search_updates"):
    """Starts a process that searches for updates, and installs them; answers with the name of its pipe.

    `categories`: the categories that count, `*` for all. `accept` and `reject`: regular expressions for titles
    and article numbers. `until`: the last thing to do.
    """

    categories: list[str]
    accept: list[str]
    reject: list[str]
    until: Literal["searched", "downloaded", "installed"]
    check: bool = False


class ReadUpdates(Call, frozen=True, tag="read_updates"):
    """Answers with the lines that the process has written into its pipe; waits for the first one."""

    pipe: str


class CancelUpdates(Call, frozen=True, tag="cancel_updates"):
    """Ends the process of a pipe, if it still runs."""

    pipe: str


class RestartBegun(Call, frozen=True, tag="restart_begun"):
    """Power.restart_begun."""


class PendingReasons(Call, frozen=True, tag="pending_reasons"):
    """Power.pending_reasons."""


class Protect(Call, frozen=True, tag="protect"):
    """KeyProtection.protect; the secret is the plain text."""

    entropy: bytes


class Unprotect(Call, frozen=True, tag="unprotect"):
    """KeyProtection.unprotect; the answer's secret is the plain text."""

    blob: bytes
    entropy: bytes


class Summon(Call, frozen=True, tag="summon"):
    """Notifier.summon_companion."""

    sid: str


class Announce(Call, frozen=True, tag="announce"):
    """Notifier.announce_permit."""


class Device(Call, frozen=True, tag="device"):
    """The computer's name."""


class NeedRestart(Call, frozen=True, tag="need_restart"):
    """A program of the lab needs a restart of Windows to finish."""

    reason: str


class ReportEvent(Call, frozen=True, tag="report_event"):
    """A program of the lab reports an event."""

    what: str
    text: str


AnyCall = (
    Subscribe
    | Ready
    | WhoIs
    | Find
    | Check
    | Facts
    | SignedIn
    | Lock
    | Disconnect
    | PrepareProgram
    | ResumeProgram
    | WaitProgram
    | KillProgram
    | OutputOf
    | BootId
    | Restart
    | AbortRestart
    | LastBootUp
    | LogonScreenKey
    | ServicingInProgress
    | SearchUpdates
    | ReadUpdates
    | CancelUpdates
    | RestartBegun
    | PendingReasons
    | Protect
    | Unprotect
    | Summon
    | Announce
    | Device
    | NeedRestart
    | ReportEvent
)


class Outcome(Struct, frozen=True, omit_defaults=True):
    """The answer to a call: a value, or Windows' refusal as a sentence for an operator.

    `foreign`: it is refused because another PC protected the secret.
    """

    value: Raw = Raw(b"null")
    refused: str = ""
    foreign: bool = False


class WhoIsAnswer(Struct, frozen=True):
    """The account of a token, and its rights at the agent."""

    account: Account | None
    operator: bool
    system: bool
    administrator: bool = False


class ClockState(Struct, frozen=True):
    """The offset of the PC's clock from real time, its zone, and this boot's start on the real clock.

    `booted` moves back by the time that the lab lets pass.
    """

    offset: timedelta
    booted: datetime
    zone: str


class Notice(Struct, frozen=True):
    """A notification of Windows for the agent's service: session change, clock change, shutdown."""

    kind: Literal["hello", "sessions_changed", "clock_changed", "shutdown"]
    clock: ClockState
