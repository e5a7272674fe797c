# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model of Windows on one PC: clock, accounts, sessions, one boot after the other.

It does nothing by itself: no I/O, no threads, no timers. `power_model`, `logon_screen` and
`windows_server` act on it, always in the lab's own thread.
"""

from __future__ import annotations

import secrets
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from lab.computer import LabError
from lab.simulated.account_model import AccountBook, WindowsAccount, pin_form
from lab.simulated.session_model import Change, Session, Sessions, counted
from latchkey_agent.domain import ALWAYS, NEVER, UNLIMITED, LogonFacts, LogonRefusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lab.simulated.account_model import Lockout


class WindowsError(Exception):
    """Windows refuses; `code` is the system error code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} (Windows error {code})")
        self.code = code


class PcClock:
    """The PC's clock: real time plus an offset, in the PC's zone.

    `booted` is this boot's start on the real clock; it moves back by the time that the lab lets pass.
    """

    def __init__(self, zone: str) -> None:
        self.offset = timedelta(0)
        self.booted = datetime.now(UTC)
        self.zone_name = zone
        try:
            self.zone = zoneinfo.ZoneInfo(zone)
        except zoneinfo.ZoneInfoNotFoundError:
            msg = f"this machine does not know the time zone {zone!r}; install its time zone data (tzdata)"
            raise LabError(msg) from None

    def now(self) -> datetime:
        """Return the PC's time."""
        return (datetime.now(UTC) + self.offset).astimezone(self.zone)

    def set(self, moment: datetime) -> None:
        """Set the clock; it continues from there. No time passes."""
        self.offset = moment - datetime.now(UTC)

    def boot_file_time(self) -> int:
        """Return the PC's time of this boot in 100 ns since 1601 ("FILETIME structure", Microsoft Learn)."""
        since = self.booted + self.offset - datetime(1601, 1, 1, tzinfo=UTC)
        return since // timedelta(microseconds=1) * 10

    def let_pass(self, time: timedelta) -> None:
        """Let time pass at once."""
        self.offset += time
        self.booted -= time


_HARMLESS: dict[str, Any] = {
    **dict.fromkeys(LogonFacts._fields, False),
    "restarts_without_pin": UNLIMITED,
    "password_expires_at": NEVER,
    "logon_hours": ALWAYS,
    "places": (),
}
READY = LogonFacts(**_HARMLESS)
"""The facts about a PC and an account without any obstacle to an unattended logon."""


LOGON_SCREEN_KEY = "AutoLogonChecked"
"""A volatile key that LogonUI makes when it shows itself, below HKLM\\...\\Winlogon; no page of Microsoft names it."""


@dataclass
class Registry:
    """The parts of the registry that the lab needs; `volatile` is lost at every boot."""

    volatile: dict[str, str] = field(default_factory=dict)
    pending_restart: list[str] = field(default_factory=list)


class Windows:
    """One PC's Windows.

    `session_changed` is called after every change of a session; `numbers` returns the numbers of a boot's sessions.
    """

    def __init__(
        self,
        device: str,
        zone: str,
        lockout: Lockout,
        session_changed: Callable[[Change, Session], None],
        numbers: Callable[[], Iterator[int]] = counted,
    ) -> None:
        self.device = device
        self.clock = PcClock(zone)
        self.accounts = AccountBook(device, lockout)
        self.registry = Registry()
        self.facts = READY
        self._session_changed = session_changed
        self._numbers = numbers
        self.sessions = Sessions(session_changed, numbers())

    def boot(self) -> None:
        """Reset to a new boot: no user signed in, volatile keys gone, pending restarts done."""
        self.sessions = Sessions(self._session_changed, self._numbers())
        self.registry = Registry()
        self.clock.booted = datetime.now(UTC)

    def boot_id(self) -> str:
        """Return the random id of this boot, made at the first call."""
        return self.registry.volatile.setdefault("BootId", secrets.token_hex(16))

    def check(self, record: WindowsAccount, entry: bytearray) -> LogonRefusal | None:
        """Check a password as the agent's port does: by LogonUserW, and by the form of the entry."""
        if not entry:
            return LogonRefusal.BLANK_PASSWORD
        refusal = self.accounts.check(record, entry, self.clock.now())
        if refusal is LogonRefusal.WRONG_PASSWORD and record.pin and pin_form(entry):
            return LogonRefusal.LOOKS_LIKE_PIN
        return refusal

    def logon_facts(self, record: WindowsAccount | None) -> LogonFacts:
        """Return the forecast's facts about the PC and one account."""
        if record is None:
            return self.facts
        return self.facts._replace(
            blank_password=record.blank,
            account_closed=record.disabled or record.locked_until is not None,
            logon_denied=not record.may_sign_in,
            password_expires_at=record.password_expires_at or NEVER,
            microsoft_or_entra=record.account.kind in {"microsoft", "entra"},
            logon_hours=self._logon_hours(record),
        )

    def _logon_hours(self, record: WindowsAccount) -> bytes:
        """Return the account's hours in Windows' form: one bit for each hour of the week in UTC."""
        if record.hours is None:
            return ALWAYS
        now = self.clock.now().astimezone(UTC).replace(minute=0)
        sunday = now - timedelta(days=now.isoweekday() % 7, hours=now.hour)
        week = (sunday + timedelta(hours=number) for number in range(7 * 24))
        bits = [hour.astimezone(self.clock.zone).hour in record.hours for hour in week]
        return sum(bit << number for number, bit in enumerate(bits)).to_bytes(len(bits) // 8, "little")

    def others_signed_in(self) -> bool:
        """Return whether more than one person is signed in."""
        return len({session.account.sid for session in self.sessions.all()}) > 1
