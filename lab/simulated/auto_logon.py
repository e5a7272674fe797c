# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows' own sign-in after a restart on a simulated PC: AutoAdminLogon, or ARSO.

Sources: "Configure Windows to automate logon" and "Winlogon automatic restart sign-on (ARSO)", Microsoft Learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.simulated.machine import Machine
    from lab.simulated.power_model import Power


class AutoLogon:
    """Signs the customer's account in by itself, at the event that the settings name. Runs on the lab's loop."""

    def __init__(self, machine: Machine, power: Power) -> None:
        self._machine = machine
        self._power = power
        self._is_armed = False
        self._is_arso = False
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
        by_flag = self._power.signs_on and machine.settings.restart_sign_on == "allowed"
        self._is_arso = kind != "admin" and was_signed_in and (kind == "arso" or by_flag)
        self._is_armed = kind == "admin" or self._is_arso
        self._show(is_armed=self._is_armed)

    def _sign_in(self) -> None:
        """Sign in unless the account already is; ARSO locks at once and is disarmed."""
        sessions, account = self._machine.windows.sessions, self._machine.customer.account
        if not self._is_armed or sessions.of(account.sid) is not None:
            return
        self._is_armed = False
        session = sessions.sign_in(account, attended=False)
        if self._is_arso:
            sessions.lock(session.id)
            self._show(is_armed=False)

    def _show(self, *, is_armed: bool) -> None:
        """Set the facts that the agent reads: AutoAdminLogon or the value that ARSO sets, and whether ARSO may."""
        windows, may_sign_on = self._machine.windows, self._machine.settings.restart_sign_on != "forbidden"
        windows.facts = windows.facts._replace(auto_logon=is_armed, restart_sign_on=may_sign_on)
