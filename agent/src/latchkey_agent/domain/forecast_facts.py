# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts about a PC and an account that stop or pre-empt an unattended logon.

Each fact is None while it is unknown, which is the default: a port that does not set a fact claims nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

NEVER = datetime.max.replace(tzinfo=UTC)
"""The expiry of a password that does not expire."""
UNLIMITED = 1_000_000
"""More restarts than anybody asks for: no restart ends at a question of the disk's."""

OF_ACCOUNT = frozenset({
    "account_hidden", "not_last_user", "blank_password", "account_closed", "logon_denied", "password_expires_at",
    "logon_hours", "microsoft_or_entra", "needs_domain_controller",
})  # fmt: skip
"""The facts about the account; without one they are not asked for. All others are about the PC."""


class LogonFacts(NamedTuple):
    """Facts about the PC and one account, for the forecast; None is unknown.

    Attributes:
        auto_logon: Windows signs an account in by itself at the next start (AutoAdminLogon, or ARSO armed for it).
        restart_sign_on: Windows may sign the last user in after a restart by Windows Update (ARSO).
        logon_banner: a message must be confirmed before a sign-in.
        users_hidden: the logon screen shows no accounts, so it has no tile for a permit.
        account_hidden: the logon screen leaves this account out.
        not_last_user: the PC is joined, and another account signed in last.
        smart_card_required: Windows takes smart cards or Windows Hello for Business only.
        passwordless_only: Windows takes no passwords at the logon screen.
        provider_excluded: the logon screen does not load Latchkey's provider.
        other_processor: the processor is not the one that the provider is built for.
        credential_filter: another program's filter decides which providers the logon screen shows.
        restarts_without_pin: the restarts after which Windows starts without input before it; see UNLIMITED.
        blank_password: the account has no password.
        account_closed: the account is disabled, locked out or expired.
        logon_denied: the account may not sign in at this PC's screen.
        password_expires_at: the expiry of the password; NEVER if it does not expire.
        logon_hours: the hours in which the account may sign in (see `logon_hours`).
        microsoft_or_entra: the account is not one of this PC or its domain.
        needs_domain_controller: Windows asks a domain controller at each sign-in or unlock.
        locked_user_hidden: a locked screen does not show its account.
        lock_disabled: Windows does not lock desktops.
        locks_when_idle: Windows locks a desktop without input.
        device_lockout: wrong passwords put the PC into recovery.
        sleeps_when_idle: the PC goes to sleep on mains power.
        sleeps_on_battery: the PC has a battery and goes to sleep on it.
        on_battery: the PC has no mains power now.
        remote_view: a remote viewer watches the screen.
        ctrl_alt_del: the logon screen asks for Ctrl+Alt+Del first.
        fast_startup: a shutdown keeps Windows' kernel for the next start.
        places: for each fact the setting in which it was found or looked for, as (fact, setting).
    """

    auto_logon: bool | None = None
    restart_sign_on: bool | None = None
    logon_banner: bool | None = None
    users_hidden: bool | None = None
    account_hidden: bool | None = None
    not_last_user: bool | None = None
    smart_card_required: bool | None = None
    passwordless_only: bool | None = None
    provider_excluded: bool | None = None
    other_processor: bool | None = None
    credential_filter: bool | None = None
    restarts_without_pin: int | None = None
    blank_password: bool | None = None
    account_closed: bool | None = None
    logon_denied: bool | None = None
    password_expires_at: datetime | None = None
    logon_hours: bytes | None = None
    microsoft_or_entra: bool | None = None
    needs_domain_controller: bool | None = None
    locked_user_hidden: bool | None = None
    lock_disabled: bool | None = None
    locks_when_idle: bool | None = None
    device_lockout: bool | None = None
    sleeps_when_idle: bool | None = None
    sleeps_on_battery: bool | None = None
    on_battery: bool | None = None
    remote_view: bool | None = None
    ctrl_alt_del: bool | None = None
    fast_startup: bool | None = None
    places: tuple[tuple[str, str], ...] = ()
