# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts the customer's companion and notifies the logon screen."""

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
    """Implements ports.Notifier."""

    def __init__(self, signed_in: Callable[[], list[SignIn]], sddl: str = access.PERMIT_EVENT) -> None:
        """Create the event that the credential provider waits for.

        Args:
            signed_in: returns who is signed in to which session.
            sddl: the security descriptor of the event.

        Raises:
            PortError: another program created an object of that name, which the agent may not open.
        """
        self._signed_in = signed_in
        self._companions: dict[int, Started] = {}
        with doing(f"creating the event {names.PERMIT_EVENT}"):
            # Manual reset: every logon screen that waits must see the event.
            self._permit = win32event.CreateEvent(
                attributes(sddl), True, False, names.PERMIT_EVENT  # noqa: FBT003 - positional in Windows
            )  # fmt: skip

    def summon_companion(self, account: Account) -> None:
        """Start the account's companion in each of its active sessions where it does not run.

        Raises:
            PortError: Windows cannot start the companion.
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
        """Set the event: there is a permit. Raises PortError."""
        with doing("setting the permit event"):
            win32event.SetEvent(self._permit)

    def retract_permit(self) -> None:
        """Reset the event: there is no permit. Raises PortError."""
        with doing("resetting the permit event"):
            win32event.ResetEvent(self._permit)
