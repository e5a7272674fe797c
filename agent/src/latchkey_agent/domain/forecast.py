# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast: whether an unattended logon will work on this PC, and the obstacles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, Protocol

from .bystanders import SignedIn, others
from .logon_hours import DAY, shut_hours, spans
from .model import Account

SOON = timedelta(days=3)


class Finding(NamedTuple):
    """One finding: its effect, its evidence, and advice."""

    code: str
    severity: Literal["stops", "warns", "notes"]
    evidence: str
    advice: str


class Facts(Protocol):
    """Facts about the PC and the account (`ports.LogonFacts`)."""

    @property
    def logon_banner(self) -> bool:
        """A message must be confirmed before anybody signs in."""

    @property
    def bitlocker_pin(self) -> bool:
        """The disk asks for a PIN before Windows starts."""

    @property
    def passwordless_only(self) -> bool:
        """Windows takes no passwords at the logon screen."""

    @property
    def provider_excluded(self) -> bool:
        """A policy keeps our credential provider from being loaded."""

    @property
    def blank_password(self) -> bool:
        """The account has no password."""

    @property
    def password_expires_at(self) -> datetime | None:
        """The moment at which the password expires, None if it does not."""

    @property
    def microsoft_or_entra(self) -> bool:
        """The account is not one of this PC or its domain."""

    @property
    def sleeps_when_idle(self) -> bool:
        """The PC goes to sleep by itself."""

    @property
    def remote_view(self) -> bool:
        """A remote viewer watches the screen."""

    @property
    def ctrl_alt_del(self) -> bool:
        """The logon screen wants Ctrl+Alt+Del pressed first."""

    @property
    def fast_startup(self) -> bool:
        """A shutdown keeps Windows' kernel for the next start."""

    @property
    def logon_hours(self) -> bytes:
        """The hours in which the account may sign in (see `logon_hours`)."""


_FLAGS: tuple[tuple[str, Finding], ...] = (
    ("logon_banner", Finding(
        "logon_banner", "stops", "A logon banner (legal notice) must be confirmed by hand before a sign-in.",
        "Confirm it at the PC, or let the owner of the policy remove it for this PC. Latchkey does not change it.",
    )),
    ("bitlocker_pin", Finding(
        "bitlocker_pin", "stops", "BitLocker asks for a PIN before Windows starts.",
        "Restart only while a person is at the PC, or use network unlock, or suspend BitLocker.",
    )),
    ("passwordless_only", Finding(
        "passwordless", "stops", "Windows allows sign-in without passwords only (Windows Hello).",
        "Let the customer allow password sign-in in the settings, then ask again.",
    )),
    ("provider_excluded", Finding(
        "provider_excluded", "stops", "A policy excludes Latchkey's credential provider from the logon screen.",
        "Remove it from the policy 'Exclude credential providers'.",
    )),
    ("blank_password", Finding(
        "blank_password", "stops", "The account has no password.",
        "Let the customer set a password; Windows does not sign in a blank one unattended.",
    )),
    ("microsoft_or_entra", Finding(
        "online_account", "warns", "The account is a Microsoft or Entra account.",
        "Its password must be set and known to this PC; a passwordless account cannot be lent.",
    )),
    ("sleeps_when_idle", Finding(
        "sleep", "warns", "The PC goes to sleep when it is idle.",
        "A sleeping PC cannot be reached: change the power plan, or wake it.",
    )),
    ("remote_view", Finding(
        "remote_view", "warns", "A remote viewer watches this PC's screen.",
        "The customer is asked for a password only after the remote view has ended.",
    )),
    ("ctrl_alt_del", Finding(
        "ctrl_alt_del", "warns", "The logon screen asks for Ctrl+Alt+Del before a sign-in.",
        "Try one restart while a person is at the PC; if it waits for the keys, let the owner lift the policy.",
    )),
    ("fast_startup", Finding(
        "fast_startup", "notes", "Fast startup is on: shutting this PC down and starting it does not restart Windows.",
        "No action for restarts. Updates wait for a restart; a shutdown does not install them.",
    )),
)  # fmt: skip


def forecast(
    facts: Facts, account: Account | None, signed_in: Sequence[SignedIn], now: datetime
) -> list[Finding]:
    """Return the findings, the worst first."""
    found = [finding for name, finding in _FLAGS if getattr(facts, name)]
    found += _password(facts, now)
    found += _hours(facts, now)
    found += _people(account, signed_in)
    order = {"stops": 0, "warns": 1, "notes": 2}
    return sorted(found, key=lambda finding: order[finding.severity])


def _password(facts: Facts, now: datetime) -> Iterator[Finding]:
    expires = facts.password_expires_at
    if expires is None or expires - now > SOON:
        return
    severity: Literal["stops", "warns"] = "stops" if expires <= now else "warns"
    evidence = f"The password expires {expires.isoformat(timespec='minutes')}."
    yield Finding(
        "password_expires", severity, evidence, "Let the customer change the password, then ask again."
    )


def _hours(facts: Facts, now: datetime) -> Iterator[Finding]:
    shut = shut_hours(facts.logon_hours, now)
    if not shut:
        return
    severity: Literal["stops", "warns"] = "stops" if len(shut) == DAY else "warns"
    evidence = f"In the next 24 hours Windows does not let this account sign in from {spans(shut)}."
    yield Finding(
        "logon_hours",
        severity,
        evidence,
        "Restart at another time, or have the account's logon hours changed.",
    )


def _people(account: Account | None, signed_in: Sequence[SignedIn]) -> Iterator[Finding]:
    if account is None:
        advice = "Ask while the customer is at the PC, or name the account."
        yield Finding("nobody_signed_in", "notes", "The PC has no signed-in account.", advice)
        return
    if strangers := others(signed_in, account):
        evidence = f"Others are signed in too: {', '.join(strangers)}."
        advice = "They have not agreed to a restart: the PC restarts only after they have signed out."
        yield Finding("others_signed_in", "warns", evidence, advice)
    mine = [s for s in signed_in if s.account.sid == account.sid]
    if mine and not any(s.console for s in mine):
        advice = "After a restart the sign-in is at the PC's own screen, not in the remote session."
        yield Finding("remote_only", "warns", f"{account.qualified} is signed in remotely only.", advice)
