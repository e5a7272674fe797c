# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agent needs of a computer.

Each class is one port, shaped for Windows; `windows/` implements them on
Windows, the lab on its own computers. A port raises `PortError` when the
computer refuses or fails, and nothing else.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import NamedTuple, Protocol

from .domain import ALWAYS, Account, LogonRefusal


class PortError(Exception):
    """The computer could not do it. The text is fit for an operator to read."""


class SignIn(NamedTuple):
    """One Windows session with somebody signed in."""

    session_id: int
    account: Account
    console: bool
    active: bool
    locked: bool


class LogonFacts(NamedTuple):
    """What the forecast needs to know of the PC and one account."""

    logon_banner: bool = False
    bitlocker_pin: bool = False
    passwordless_only: bool = False
    provider_excluded: bool = False
    blank_password: bool = False
    password_expires_at: datetime | None = None
    microsoft_or_entra: bool = False
    sleeps_when_idle: bool = False
    remote_view: bool = False
    ctrl_alt_del: bool = False
    fast_startup: bool = False
    logon_hours: bytes = ALWAYS


class Clock(Protocol):
    """The PC's own clock and zone; it may jump."""

    def now(self) -> datetime:
        """Return the present moment, with the PC's offset."""

    def zone(self) -> tzinfo:
        """Return the PC's time zone."""


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
        """Return what may stand in the way of an unattended logon."""


class Sessions(Protocol):
    """The Windows sessions of this PC."""

    def signed_in(self) -> list[SignIn]:
        """Return who is signed in, the console's session first."""

    def lock(self, session_id: int) -> None:
        """Ask for the session to be locked; returns before it is."""

    def disconnect(self, session_id: int) -> None:
        """Cut the session off from its screen (WTSDisconnectSession)."""


RENAME = "computer rename"
"""One of the reasons for which Windows waits for a restart: the PC gets another name then."""


class Power(Protocol):
    """Boots and restarts."""

    def boot_id(self) -> str:
        """Return the random id of this boot (volatile registry key)."""

    def restart(self, *, message: str, grace: float) -> None:
        """Start a planned restart after `grace` seconds (InitiateShutdownW).

        One that was started here already is no fault: the agent asks again
        after a crash, and would take a refusal for a restart that will not be.
        """

    def pending_reasons(self) -> list[str]:
        """Return why Windows waits for a restart; empty if it does not."""


class KeyProtection(Protocol):
    """Binds small secrets to this PC and the agent's own account (DPAPI)."""

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Return `secret` sealed; only `unprotect` with the same entropy opens it."""

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open what `protect` made; the caller overwrites the result."""


class Notifier(Protocol):
    """Reaches people and Winlogon; says that there is something, not what."""

    def summon_companion(self, account: Account) -> None:
        """See that the account's companion runs, if the account is signed in."""

    def announce_permit(self) -> None:
        """Set the event that the credential provider waits for."""


class Anchor(Protocol):
    """Keeps the journal's head outside the journal, so that a cut end shows."""

    def load(self) -> bytes | None:
        """Return what was saved last, None if nothing ever was."""

    def save(self, head: bytes) -> None:
        """Replace what is kept; returns when it is safe from a power cut."""


class Computer(NamedTuple):
    """All ports of one computer, as the agent is given them."""

    device: str
    clock: Clock
    accounts: Accounts
    sessions: Sessions
    power: Power
    keys: KeyProtection
    notifier: Notifier
    anchor: Anchor
