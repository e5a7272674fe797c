# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reaches the customer's companion and the logon screen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import win32event

from latchkey_agent.windows import names
from latchkey_agent.windows.win32 import access
from latchkey_agent.windows.win32.failures import doing
from latchkey_agent.windows.win32.launch import Started, in_session
from latchkey_agent.windows.win32.security import attributes

if TYPE_CHECKING:
    from collections.abc import Callable

    from latchkey_agent.domain import Account
    from latchkey_agent.ports import SignIn


class WindowsNotifier:
    """ports.Notifier; `signed_in` tells where an account has its sessions."""

    def __init__(self, signed_in: Callable[[], list[SignIn]], sddl: str = access.PERMIT_EVENT) -> None:
        """Make the event that the credential provider waits for; `sddl` says who may.

        Raises:
            PortError: another program made an object of its name that is not ours to open.
        """
        self._signed_in = signed_in
        self._companions: dict[int, Started] = {}
        with doing(f"making the event {names.PERMIT_EVENT}"):
            # Manual reset: it says that there is a permit, to every logon screen that asks.
            self._permit = win32event.CreateEvent(
                attributes(sddl), True, False, names.PERMIT_EVENT  # noqa: FBT003 - positional in Windows
            )  # fmt: skip

    def summon_companion(self, account: Account) -> None:
        """See that the account's companion runs in each session that it has on a screen.

        Raises:
            PortError: it could not be started.
        """
        for sign_in in self._signed_in():
            if sign_in.account.sid == account.sid and sign_in.active:
                self._summon_in(sign_in.session_id)

    def _summon_in(self, session_id: int) -> None:
        known = self._companions.get(session_id)
        if known is None or not known.running:
            program = str(Path(sys.executable).with_name("pythonw.exe"))
            self._companions[session_id] = in_session(
                session_id, [program, "-I", "-B", "-m", names.COMPANION_MODULE]
            )

    def announce_permit(self) -> None:
        """Set the event; raises PortError."""
        with doing("waking the logon screen"):
            win32event.SetEvent(self._permit)

    def retract_permit(self) -> None:
        """Reset the event: there is no permit to redeem; raises PortError."""
        with doing("calming the logon screen"):
            win32event.ResetEvent(self._permit)
