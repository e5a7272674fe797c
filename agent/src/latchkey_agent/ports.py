# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports: everything that the agent needs of a computer.

Each class is one port, shaped for Windows; `windows/` implements them on
Windows, the lab on its own computers. A port raises `PortError` when the
computer refuses or fails, and no other exception.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from io import FileIO
from pathlib import Path
from typing import NamedTuple, Protocol

from .domain import Account, LogonFacts, LogonRefusal


class PortError(Exception):
    """The computer refused or failed. The text is for an operator.

    Attributes:
        code: Windows' error code, 0 without one.
    """

    code = 0


class ForeignKeyError(PortError):
    """Another PC or another account protected the secret, so this one will never open it."""


class SignIn(NamedTuple):
    """A Windows session of a signed-in account."""

    session_id: int
    account: Account
    console: bool
    active: bool
    locked: bool

    @property
    def is_open(self) -> bool:
        """Whether its desktop is on a screen, and not locked."""
        return self.active and not self.locked


class Clock(Protocol):
    """The PC's own clock, which may jump, its zone, and the time since the boot."""

    def now(self) -> datetime:
        """Return the present moment, with the PC's offset."""

    def zone(self) -> tzinfo:
        """Return the PC's time zone."""

    def uptime(self) -> float:
        """Return the seconds since this boot's start. They only grow, also while the PC sleeps."""


class Accounts(Protocol):
    """The accounts that can sign in here."""

    def find(self, name: str) -> Account | None:
        r"""Resolve `user`, `PC\user`, `DOMAIN\user` or a user principal name."""

    def check(self, account: Account, password: bytearray) -> LogonRefusal | None:
        """Try the password once, as an interactive logon (LogonUserW).

        `password` is UTF-16LE; the caller overwrites it. None means accepted.
        Each call that Windows refuses may count towards a lockout.
        """

    def facts(self, account: Account | None) -> LogonFacts:
        """Return the facts that may stop an unattended logon, each None if unknown. This may take seconds."""

    def auto_logon(self) -> bool | None:
        """Return `LogonFacts.auto_logon` alone, at once: it waits for no other program."""


class Sessions(Protocol):
    """The Windows sessions of this PC."""

    def signed_in(self) -> list[SignIn]:
        """Return the sessions of signed-in accounts, the console's first."""

    def lock(self, session_id: int) -> None:
        """Ask Windows to lock the session; returns before it is locked."""

    def disconnect(self, session_id: int) -> None:
        """Disconnect the session from its screen (WTSDisconnectSession)."""


RENAME = "computer rename"
"""The reason of a pending restart that gives the PC another name."""


class Power(Protocol):
    """Boots and restarts."""

    def boot_id(self) -> str:
        """Return the random id of this boot (volatile registry key)."""

    def prepare_restart(self) -> None:
        """Look at what must be known before `restart`; raise if a restart would sign out more than one account.

        This may take seconds, so no lock is held.
        """

    def restart(self, *, message: str, grace: float, sign_on: bool) -> None:
        """Start a planned restart after `grace` seconds (InitiateShutdownW), and return at once.

        `sign_on`: ask Windows to sign the last user in again and to lock the desktop (SHUTDOWN_ARSO).

        A restart that this agent has started already is no error: the agent asks again
        after a crash, and a refusal would look like a restart that does not happen.
        """

    def restart_begun(self) -> bool:
        """Tell whether this agent has started a restart in this boot."""

    def pending_reasons(self) -> list[str]:
        """Return the reasons why a restart is pending; empty if none is.

        A reason that a restart does not settle is left out: the customer lends few restarts.
        """


class KeyProtection(Protocol):
    """Binds small secrets to this PC and the agent's own account (DPAPI)."""

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Return `secret` sealed; only `unprotect` with the same entropy opens it."""

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open what `protect` made; the caller overwrites the result.

        Raises:
            ForeignKeyError: another PC or another account protected it.
            PortError: it cannot be opened now, or the blob was changed.
        """


class Notifier(Protocol):
    """Notifies the customer's companion and the logon screen; carries no content."""

    def summon_companion(self, account: Account) -> None:
        """Start the account's companion if it does not run and the account is signed in."""

    def announce_permit(self) -> None:
        """Set the event that the credential provider waits for."""


class Anchor(Protocol):
    """Keeps the journal's head outside the journal, so that a cut end is noticed."""

    def load(self) -> bytes | None:
        """Return the head that was saved last, None if there is none."""

    def save(self, head: bytes) -> None:
        """Save a head; returns when it is safe from a power cut."""


class MonotonicCounter(Protocol):
    """A counter in hardware that only counts up, such as one of a TPM; no copy of the disk brings it back."""

    def read(self) -> int | None:
        """Return its value, None if the PC has no such counter."""

    def advance(self) -> None:
        """Add one; returns when that is safe from a power cut."""


class Disk(Protocol):
    """Opens files so that overwriting and reading back reach the disk itself."""

    def open_unbuffered(self, path: Path) -> FileIO:
        """Open an existing file for reading and writing, past the cache of the operating system.

        What is written is on the disk when the call returns; what is read comes from the disk.
        Offsets and lengths are multiples of 4096 bytes, and buffers begin at a page of memory.
        """


class ProgramOrder(NamedTuple):
    """A program to start in a Windows session.

    Attributes:
        session_id: the Windows session.
        account: the account that must be signed in to it.
        program: the full path of the program.
        command_line: the whole command line, with the program.
        folder: the working folder; empty for the account's own.
    """

    session_id: int
    account: Account
    program: str
    command_line: str
    folder: str


class ProgramOutput(NamedTuple):
    """The beginning of a program's standard output and standard error, and whether more came."""

    stdout: str = ""
    stderr: str = ""
    stdout_cut: bool = False
    stderr_cut: bool = False


MOST_OUTPUT = 64 * 1024
"""The bytes of standard output that are kept, and as many of standard error."""


class StartedProgram(Protocol):
    """A program with all that it starts. It ends with the agent, however that ends."""

    def resume(self) -> None:
        """Let the program begin; until then none of its code has run. Returns at once."""

    def wait(self, seconds: float) -> int | None:
        """Wait for the end of the program and of all that it started; None if they still run after `seconds`.

        Returns the program's own exit code, as Windows' unsigned number.
        """

    def kill(self) -> None:
        """End the program and all that it started, at once; does nothing after its end."""

    def output(self) -> ProgramOutput:
        """Return the output after the end, at most `MOST_OUTPUT` bytes of each stream."""

    def close(self) -> None:
        """Release the program; what still runs of it ends."""


class Programs(Protocol):
    """Programs as a signed-in account, not elevated, in its own Windows session."""

    def prepare(self, order: ProgramOrder) -> StartedProgram:
        """Load a program with an empty standard input; its code does not run before `resume`. This may take seconds.

        The text of the PortError is Windows' reason.
        """


class Computer(NamedTuple):
    """All ports of one computer, as the agent is given them.

    `boot_anchor` is a second anchor in memory that Windows loses when the PC goes down: no file holds it.
    """

    device: str
    clock: Clock
    accounts: Accounts
    sessions: Sessions
    power: Power
    keys: KeyProtection
    notifier: Notifier
    anchor: Anchor
    disk: Disk
    boot_anchor: Anchor
    counter: MonotonicCounter
    programs: Programs
