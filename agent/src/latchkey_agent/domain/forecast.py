# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forecast: whether an unattended logon will work on this PC, and the obstacles.

Each row of the table is a fact. A fact that is true is a finding. A fact that is unknown is a finding, too: its
code ends in `_unknown`. The page docs/forecast.md lists them, and the settings of Windows that do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from .arso import Obstacle
from .bystanders import SignedIn, others
from .forecast_facts import OF_ACCOUNT, LogonFacts
from .logon_hours import ALWAYS, DAY, shut_hours, spans
from .model import Account

SOON = timedelta(days=3)
Severity = Literal["stops", "unknown", "warns", "notes"]
_ORDER: tuple[Severity, ...] = ("stops", "unknown", "warns", "notes")
UNKNOWN = "_unknown"
"""The end of a code whose fact could not be found out."""


class Finding(NamedTuple):
    """One finding: its effect, its evidence, and advice.

    Attributes:
        severity: `stops` the logon; `unknown`: may stop it, which could not be found out; `warns`; `notes`.
    """

    code: str
    severity: Severity
    evidence: str
    advice: str


class Row(NamedTuple):
    """One fact of the forecast.

    Attributes:
        fact: the field of `LogonFacts`.
        code: the finding's code if the fact is true.
        severity: its severity.
        evidence: the fact as a sentence.
        advice: the advice if the fact is true.
        if_unknown: the severity if the fact is unknown; None: `unknown` for a fact that stops, else its own.
    """

    fact: str
    code: str
    severity: Severity
    evidence: str
    advice: str
    if_unknown: Severity | None = None


ROWS: tuple[Row, ...] = (
    Row(
        "auto_logon", "auto_logon", "stops",
        "Windows signs an account in by itself when it starts, before Latchkey can.",
        "Let the owner of the PC switch automatic sign-in off. Its desktop may be open to everybody at the screen.",
    ),
    Row(
        "logon_banner", "logon_banner", "stops",
        "A logon banner (legal notice) must be confirmed by hand before a sign-in.",
        "Confirm it at the PC, or let the owner of the policy remove it for this PC. Latchkey does not change it.",
    ),
    Row(
        "users_hidden", "users_hidden", "stops",
        "The logon screen does not show accounts, so Latchkey has no tile to sign in with.",
        "Let the owner of the policy 'Interactive logon: Don't display last signed-in' disable it for this PC.",
    ),
    Row(
        "account_hidden", "account_hidden", "stops",
        "The logon screen leaves this account out, so Latchkey has no tile to sign in with.",
        "Let the owner of the PC remove the account from the list of hidden accounts.",
    ),
    Row(
        "not_last_user", "not_last_user", "unknown",
        "Another account signed in last, and the logon screen of a joined PC may show only that one.",
        "Let the customer sign in once more, then ask again.",
    ),
    Row(
        "smart_card_required", "smart_card_required", "stops",
        "Windows requires a smart card or Windows Hello for Business for each sign-in.",
        "A password cannot be lent here. Restart only while a person is at the PC.",
    ),
    Row(
        "passwordless_only", "passwordless", "stops",
        "Windows allows sign-in without passwords only (Windows Hello).",
        "Let the customer allow password sign-in in the settings, then ask again.",
    ),
    Row(
        "provider_excluded", "provider_excluded", "stops",
        "The logon screen does not load Latchkey's credential provider.",
        "Correct the named setting, or repair the installation of the agent.",
    ),
    Row(
        "other_processor", "other_processor", "stops",
        "The logon screen of this processor (ARM64) cannot load Latchkey's credential provider, which is x64.",
        "Restart only while a person is at the PC.",
    ),
    Row(
        "credential_filter", "credential_filter", "unknown",
        "Another program's filter decides which credential providers the logon screen shows.",
        "Let the filter's owner allow Latchkey's provider. Try one restart while a person is at the PC.",
    ),
    Row(
        "blank_password", "blank_password", "stops",
        "The account has no password.",
        "Let the customer set a password; Windows does not sign in a blank one unattended.",
        if_unknown="notes",
    ),
    Row(
        "account_closed", "account_closed", "stops",
        "The account is disabled, locked out or expired.",
        "Have the account opened again, then ask again.",
        if_unknown="notes",
    ),
    Row(
        "logon_denied", "logon_denied", "stops",
        "The account may not sign in at this PC's own screen.",
        "Let the owner of the policy 'Deny log on locally' take the account or its group out.",
    ),
    Row(
        "microsoft_or_entra", "online_account", "warns",
        "The account is a Microsoft or Entra account.",
        "Its password must be set and known to this PC; a passwordless account cannot be lent.",
    ),
    Row(
        "needs_domain_controller", "domain_controller", "warns",
        "Windows asks a domain controller at each sign-in or unlock of this account.",
        "Restart while the PC reaches its domain, also before anybody has signed in.",
    ),
    Row(
        "locked_user_hidden", "locked_user_hidden", "warns",
        "A locked screen does not show its account, so an unlock may find no tile. Restarts are not affected.",
        "Lend restarts, or try one unlock while a person is at the PC.",
    ),
    Row(
        "lock_disabled", "lock_disabled", "warns",
        "Windows does not lock desktops on this PC.",
        "Latchkey disconnects the desktop instead. Let the owner of the setting allow locking.",
    ),
    Row(
        "device_lockout", "device_lockout", "warns",
        "After several wrong passwords Windows restarts into recovery and asks for the recovery key.",
        "Have the recovery key at hand. The agent tries each entry once, and stops after two.",
    ),
    Row(
        "sleeps_when_idle", "sleep", "warns",
        "The PC goes to sleep when it is idle.",
        "A sleeping PC cannot be reached: change the power plan, or wake it.",
    ),
    Row(
        "sleeps_on_battery", "sleep_on_battery", "warns",
        "The PC goes to sleep when it is idle without mains power.",
        "Ask the customer to leave it plugged in, or change the power plan.",
    ),
    Row(
        "on_battery", "on_battery", "warns",
        "The PC runs on its battery now.",
        "Ask the customer to plug it in. Windows installs no feature updates on an empty battery.",
    ),
    Row(
        "remote_view", "remote_view", "warns",
        "A remote viewer watches this PC's screen.",
        "The customer is asked for a password only after the remote view has ended.",
    ),
    Row(
        "ctrl_alt_del", "ctrl_alt_del", "warns",
        "The logon screen asks for Ctrl+Alt+Del before a sign-in.",
        "Try one restart while a person is at the PC; if it waits for the keys, let the owner lift the policy.",
    ),
    Row(
        "locks_when_idle", "locks_when_idle", "notes",
        "Windows locks a desktop that has no input for some time.",
        "No action for restarts. After an unlock Windows may lock before the agreed time is over.",
    ),
    Row(
        "fast_startup", "fast_startup", "notes",
        "Fast startup is on: shutting this PC down and starting it does not restart Windows.",
        "No action for restarts. Updates wait for a restart; a shutdown does not install them.",
    ),
)  # fmt: skip
_PIN = Row(
    "restarts_without_pin", "bitlocker_pin", "stops",
    "BitLocker asks for a PIN, a password or a key before Windows starts.",
    "Restart only while a person is at the PC, or use network unlock, or suspend BitLocker.",
)  # fmt: skip
_EXPIRY = Row(
    "password_expires_at", "password_expires", "stops", "The password has expired or expires soon.",
    "Let the customer change the password, then ask again.",
)  # fmt: skip
_HOURS = Row(
    "logon_hours", "logon_hours", "stops", "Windows does not let this account sign in at some hours.",
    "Restart at another time, or have the account's logon hours changed.",
)  # fmt: skip
_ARSO = Row(
    "restart_sign_on", "restart_sign_on", "warns",
    "After a restart by Windows Update, Windows may sign in another account that is signed in now.",
    "Let the others sign out before the night.",
)  # fmt: skip
EVERY_ROW = (*ROWS, _PIN, _EXPIRY, _HOURS, _ARSO)
"""All facts of the forecast."""
OF_PASSWORD = frozenset({
    "users_hidden", "account_hidden", "not_last_user", "smart_card_required", "passwordless", "provider_excluded",
    "other_processor", "credential_filter", "blank_password", "online_account", "domain_controller",
    "locked_user_hidden", "device_lockout", "remote_view", "ctrl_alt_del", "password_expires", "logon_hours",
})  # fmt: skip
"""The codes that concern a sign-in with a password only; Windows' own sign-in (ARSO) needs none."""
ARSO = "arso"
"""The code of a finding about Windows' own sign-in."""
OF_PEOPLE = ("nobody_signed_in", "others_signed_in", "remote_only")
"""The codes that come from the signed-in accounts and not from a fact."""


def forecast(
    facts: LogonFacts,
    account: Account | None,
    signed_in: Sequence[SignedIn],
    now: datetime,
    restarts: int = 1,
) -> list[Finding]:
    """Return the findings, the worst first.

    Args:
        facts: the facts about the PC and the account.
        account: the account; None if nobody is signed in and nobody is named.
        signed_in: the people who are signed in.
        now: the present moment.
        restarts: how many restarts are asked for or lent.
    """
    places = dict(facts.places)
    found = [_flag(row, places) for row in ROWS if getattr(facts, row.fact)]
    found += _pin(facts, places, restarts)
    found += _password(facts, now)
    found += _hours(facts, now)
    found += _people(account, signed_in)
    found += _sign_on(facts, account, signed_in, places)
    found += _unknown(facts, account, places)
    return sorted(found, key=lambda finding: _ORDER.index(finding.severity))


def forecast_sign_on(findings: Sequence[Finding], found: Sequence[Obstacle]) -> list[Finding]:
    """Return the findings for Windows' own sign-in (ARSO), the worst first.

    Args:
        findings: those of `forecast`.
        found: the reasons why Windows would not sign the account in by itself.
    """
    left = [one for one in findings if one.code.removesuffix(UNKNOWN) not in OF_PASSWORD]
    advice = "Ask for a grant with a password (means: grant), or let the owner of the setting change it."
    for one in found:
        severity: Severity = "stops" if one.stops else "unknown"
        left.append(
            Finding(ARSO, severity, f"Windows would not sign the customer in by itself: {one.text}.", advice)
        )
    return sorted(left, key=lambda finding: _ORDER.index(finding.severity))


def is_ready(findings: Iterable[Finding]) -> bool:
    """Return whether nothing stops the logon and nothing that may stop it is unknown."""
    return all(finding.severity not in {"stops", "unknown"} for finding in findings)


def _flag(row: Row, places: dict[str, str]) -> Finding:
    place = places.get(row.fact)
    where = f" Found in {place}." if place else ""
    return Finding(row.code, row.severity, row.evidence + where, row.advice)


def _unknown(facts: LogonFacts, account: Account | None, places: dict[str, str]) -> Iterator[Finding]:
    for row in EVERY_ROW:
        if getattr(facts, row.fact) is None and (account is not None or row.fact not in OF_ACCOUNT):
            place = places.get(row.fact)
            where = f" Looked in {place}." if place else ""
            yield Finding(
                row.code + UNKNOWN,
                row.if_unknown or ("unknown" if row.severity == "stops" else row.severity),
                f'Could not be found out whether this is so: "{row.evidence}"{where}',
                f"Check it at the PC. If it is so: {row.advice}",
            )


def _pin(facts: LogonFacts, places: dict[str, str], restarts: int) -> Iterator[Finding]:
    left = facts.restarts_without_pin
    if left is None or left >= restarts:
        return
    if not left:
        yield _flag(_PIN, places)
        return
    yield Finding(
        "bitlocker_resumes",
        "stops",
        f"BitLocker is suspended for {left} more restarts, and {restarts} are asked for. Then it asks for a PIN.",
        f"Suspend it for all restarts: manage-bde -protectors -disable C: -RebootCount {restarts}",
    )


def _password(facts: LogonFacts, now: datetime) -> Iterator[Finding]:
    expires = facts.password_expires_at
    if expires is None or expires - now > SOON:
        return
    severity: Severity = "stops" if expires <= now else "warns"
    evidence = f"The password expires {expires.isoformat(timespec='minutes')}."
    yield Finding(_EXPIRY.code, severity, evidence, _EXPIRY.advice)


def _hours(facts: LogonFacts, now: datetime) -> Iterator[Finding]:
    shut = shut_hours(facts.logon_hours or ALWAYS, now)
    if not shut:
        return
    severity: Severity = "stops" if len(shut) == DAY else "warns"
    evidence = f"In the next 24 hours Windows does not let this account sign in from {spans(shut)}."
    yield Finding(_HOURS.code, severity, evidence, _HOURS.advice)


def _people(account: Account | None, signed_in: Sequence[SignedIn]) -> Iterator[Finding]:
    if account is None:
        evidence = "The PC has no signed-in account, so the facts about the account could not be found out."
        advice = "Ask while the customer is at the PC, or name the account."
        yield Finding("nobody_signed_in", "unknown", evidence, advice)
        return
    if strangers := others(signed_in, account):
        evidence = f"Others are signed in too: {', '.join(strangers)}."
        advice = "They have not agreed to a restart: the PC restarts only after they have signed out."
        yield Finding("others_signed_in", "warns", evidence, advice)
    mine = [s for s in signed_in if s.account.sid == account.sid]
    if mine and not any(s.console for s in mine):
        advice = "After a restart the sign-in is at the PC's own screen, not in the remote session."
        yield Finding("remote_only", "warns", f"{account.qualified} is signed in remotely only.", advice)


def _sign_on(
    facts: LogonFacts, account: Account | None, signed_in: Sequence[SignedIn], places: dict[str, str]
) -> Iterator[Finding]:
    """Windows signs in the last user, so only another account that is signed in matters."""
    if facts.restart_sign_on and account is not None and others(signed_in, account):
        yield _flag(_ARSO, places)
