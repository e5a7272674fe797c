# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows' own sign-in after a restart on a simulated PC: AutoAdminLogon, or ARSO.

Sources: "Configure Windows to automate logon" and "Winlogon automatic restart sign-on (ARSO)", Microsoft Learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.simulated.machine import Machine


class AutoLogon:
    """Signs the customer's account in by itself, at the event that the settings name. Runs on the lab's loop."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._is_armed = False
        self._show(is_armed=machine.settings.auto_logon == "admin")
        machine.on_event.append(self._at)

    def booted(self) -> None:
        """Sign in before any service runs, if the settings say so."""
        if self._machine.settings.auto_logon_at == "boot":
            self._sign_in()

    def _at(self, what: str) -> None:
        if what == "going_down":
            self._arm()
        elif what == self._machine.settings.auto_logon_at:
            self._sign_in()

    def _arm(self) -> None:
        kind, machine = self._machine.settings.auto_logon, self._machine
        was_signed_in = machine.windows.sessions.of(machine.customer.account.sid) is not None
        self._is_armed = kind == "admin" or (kind == "arso" and was_signed_in)
        self._show(is_armed=self._is_armed)

    def _sign_in(self) -> None:
        """Sign in unless the account already is; ARSO locks at once and is disarmed."""
        sessions, account = self._machine.windows.sessions, self._machine.customer.account
        if not self._is_armed or sessions.of(account.sid) is not None:
            return
        self._is_armed = False
        session = sessions.sign_in(account, attended=False)
        if self._machine.settings.auto_logon == "arso":
            sessions.lock(session.id)
            self._show(is_armed=False)

    def _show(self, *, is_armed: bool) -> None:
        """Set the fact that the agent reads: AutoAdminLogon, or the ForceAutoLockOnLogon that ARSO sets."""
        windows = self._machine.windows
        windows.facts = windows.facts._replace(auto_logon=is_armed)
