# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts of a simulated PC, and Windows' checks of their logons.

Pure: time comes in as an argument. The model keeps passwords only as salted digests,
so it holds no copy of the customer's password.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from latchkey_agent.domain import Account, AccountKind, LogonRefusal

SYSTEM_SID = "S-1-5-18"


@dataclass(frozen=True)
class Digest:
    """A digest to compare an entry with, like the ones in Windows' security database."""

    salt: bytes
    value: bytes

    @classmethod
    def of(cls, secret: bytearray) -> Self:
        """Digest `secret`; the caller overwrites it."""
        salt = secrets.token_bytes(16)
        return cls(salt, hmac.digest(salt, secret, hashlib.sha256))

    def matches(self, entry: bytearray) -> bool:
        """Return whether `entry` has this digest."""
        return hmac.compare_digest(self.value, hmac.digest(self.salt, entry, hashlib.sha256))


@dataclass(frozen=True)
class Lockout:
    """The account lockout policy: `threshold` wrong tries within `window` lock for `duration`.

    A threshold of 0 never locks ("Account lockout threshold", Microsoft Learn).
    """

    threshold: int = 10
    window: timedelta = timedelta(minutes=10)
    duration: timedelta = timedelta(minutes=10)


@dataclass
class WindowsAccount:
    """One account with its state. Every field may be changed while the PC runs.

    Attributes:
        hours: the hours of the day (in the PC's zone) in which it may sign in; None: all.
        allowed_here: false if the account may only use other workstations.
        may_sign_in: false if it lacks the right to log on locally.
        administrator: a member of Administrators.
        operator: a member of "Latchkey Operators".
        upn: its user principal name or e-mail address, if it has one.
        cached: the password of a domain account that this PC accepts while no controller answers: that of the last
            sign-in here ("Interactive logon: Number of previous logons to cache", Microsoft Learn).
    """

    account: Account
    password: Digest
    blank: bool = False
    pin: Digest | None = None
    disabled: bool = False
    must_change: bool = False
    password_expires_at: datetime | None = None
    expires_at: datetime | None = None
    hours: frozenset[int] | None = None
    allowed_here: bool = True
    may_sign_in: bool = True
    administrator: bool = False
    operator: bool = False
    upn: str = ""
    cached: Digest | None = None
    wrong_tries: list[datetime] = field(default_factory=list)
    locked_until: datetime | None = None

    def set_password(self, password: bytearray) -> None:
        """Replace the password (UTF-16LE) on this PC; the caller overwrites the argument."""
        self.change_elsewhere(password)
        if self.cached is not None:
            self.cached = self.password

    def change_elsewhere(self, password: bytearray) -> None:
        """Replace the password (UTF-16LE) on another PC of the domain; this one learns it at the next sign-in."""
        self.password = Digest.of(password)
        self.blank = not password
        self.must_change = False

    def set_pin(self, pin: bytearray) -> None:
        """Set up a Hello PIN (UTF-16LE); the caller overwrites the argument."""
        self.pin = Digest.of(pin)


def restriction(record: WindowsAccount, now: datetime) -> LogonRefusal | None:
    """Return the restriction that refuses the account's logon although the password is right."""
    rules = (
        (record.disabled, LogonRefusal.ACCOUNT_DISABLED),
        (_past(record.expires_at, now), LogonRefusal.ACCOUNT_EXPIRED),
        (record.hours is not None and now.hour not in record.hours, LogonRefusal.LOGON_HOURS),
        (not record.allowed_here, LogonRefusal.WORKSTATION),
        (not record.may_sign_in, LogonRefusal.LOGON_TYPE),
        (_past(record.password_expires_at, now), LogonRefusal.PASSWORD_EXPIRED),
        (record.must_change, LogonRefusal.MUST_CHANGE),
    )
    return next((refusal for applies, refusal in rules if applies), None)


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


class AccountBook:
    """All accounts that can sign in on one PC."""

    def __init__(self, device: str, lockout: Lockout) -> None:
        self._device = device
        self._lockout = lockout
        self._records: dict[str, WindowsAccount] = {}
        self._machine_sid = "S-1-5-21-" + "-".join(str(secrets.randbits(32)) for _ in range(3))
        self.domain_reachable = True

    def add(
        self, user: str, password: bytearray, *, domain: str = "", kind: AccountKind = "local"
    ) -> WindowsAccount:
        """Create an account; `password` is UTF-16LE and the caller overwrites it."""
        sid = f"{self._machine_sid}-{1001 + len(self._records)}"
        account = Account(sid, user, domain or self._device, kind)
        record = WindowsAccount(account, Digest.of(password), blank=not password)
        self._records[sid] = record
        return record

    def get(self, sid: str) -> WindowsAccount | None:
        """Return the account with this SID, if there is one."""
        return self._records.get(sid)

    def all(self) -> list[WindowsAccount]:
        """Return every account."""
        return list(self._records.values())

    def find(self, name: str) -> WindowsAccount | None:
        r"""Resolve `user`, `PC\user`, `.\user`, `DOMAIN\user` or a user principal name."""
        domain, backslash, user = name.rpartition("\\")
        if backslash and domain in {"", "."}:
            domain = self._device
        wanted = (domain.casefold(), user.casefold())
        matching = (record for record in self._records.values() if _is_named(record, *wanted))
        return next(matching, None)

    def check(self, record: WindowsAccount, entry: bytearray, now: datetime) -> LogonRefusal | None:
        """Try a password once, as LogonUserW does; a wrong one counts towards the lockout."""
        if record.account.kind == "domain" and not self.domain_reachable:
            return _check_cached(record, entry)
        if record.locked_until is not None and now < record.locked_until:
            return LogonRefusal.LOCKED_OUT
        if not record.password.matches(entry):
            self._count_wrong(record, now)
            return LogonRefusal.WRONG_PASSWORD
        record.wrong_tries.clear()
        record.locked_until = None
        refusal = restriction(record, now)
        if refusal is None and record.account.kind == "domain":
            record.cached = record.password
        return refusal

    def _count_wrong(self, record: WindowsAccount, now: datetime) -> None:
        recent = [at for at in record.wrong_tries if now - at < self._lockout.window]
        record.wrong_tries = [*recent, now]
        if 0 < self._lockout.threshold <= len(record.wrong_tries):
            record.locked_until = now + self._lockout.duration
            record.wrong_tries = []


def _check_cached(record: WindowsAccount, entry: bytearray) -> LogonRefusal | None:
    """Try a password without a controller: no try is counted, and no restriction of the domain is known."""
    if record.cached is None:
        return LogonRefusal.NO_LOGON_SERVERS
    return None if record.cached.matches(entry) else LogonRefusal.WRONG_PASSWORD


def _is_named(record: WindowsAccount, domain: str, user: str) -> bool:
    if not domain and user == record.upn.casefold() != "":
        return True
    account = record.account
    return account.user.casefold() == user and domain in {"", account.domain.casefold()}


def pin_form(entry: bytearray) -> bool:
    """Return whether an entry (UTF-16LE) looks like a Hello PIN: only digits, at least four."""
    low, high = entry[0::2], entry[1::2]
    return len(low) >= 4 and not any(high) and low.isdigit()
