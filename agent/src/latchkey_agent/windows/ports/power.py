# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts the PC, and reads its boot id and its pending restarts."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import winerror

from latchkey_agent.ports import PortError
from latchkey_agent.windows.win32.api import InitiateShutdownW
from latchkey_agent.windows.win32.failures import refused
from latchkey_agent.windows.win32.registry import boot_key

from . import pending_restart

if TYPE_CHECKING:
    from collections.abc import Callable

    from latchkey_agent.ports import SignIn

SHUTDOWN_FORCE_OTHERS = 0x1
SHUTDOWN_FORCE_SELF = 0x2
SHUTDOWN_RESTART = 0x4
SHUTDOWN_ARSO = 0x2000
"""Sign the last interactive user in again and lock the desktop (winreg.h; "InitiateShutdownW", Microsoft Learn)."""
SHTDN_REASON_PLANNED_MAINTENANCE = 0x80040001
"""SHTDN_REASON_FLAG_PLANNED, SHTDN_REASON_MAJOR_APPLICATION, SHTDN_REASON_MINOR_MAINTENANCE (reason.h)."""

RESTART_BEGUN = "RestartBegun"
"""A value in the volatile key: the agent has started a restart in this boot."""
RESTART_PENDING_ERRORS = frozenset(
    {winerror.ERROR_SHUTDOWN_IN_PROGRESS, winerror.ERROR_SHUTDOWN_IS_SCHEDULED}
)


class WindowsPower:
    """Implements ports.Power.

    Args:
        signed_in: returns the sign-ins that a restart would end.
    """

    def __init__(self, signed_in: Callable[[], list[SignIn]]) -> None:
        self._signed_in = signed_in

    def boot_id(self) -> str:
        """Return the random id of this boot. The first call in a boot creates it.

        Raises:
            PortError: the registry cannot be read or written.
        """
        key = boot_key()
        boot_id_value = key.load("Id")
        if not isinstance(boot_id_value, str):
            pending_restart.note_new_boot()
            boot_id_value = os.urandom(16).hex()
            key.save("Id", boot_id_value)
        return boot_id_value

    def prepare_restart(self) -> None:
        """Check who is signed in, and remember the reasons for a restart.

        Both may wait for a domain controller or a slow disk.

        Raises:
            PortError: more than one account is signed in, or the sign-ins cannot be read.
        """
        # The same account may have its name in one session and not in another.
        accounts = {s.account.sid: s.account.qualified for s in self._signed_in()}
        if len(accounts) > 1:
            who = ", ".join(sorted(accounts.values()))
            msg = f"more than one person is signed in ({who}), and not all were asked"
            raise PortError(msg)
        pending_restart.note_before_restart()

    def restart(self, *, message: str, grace: float, sign_on: bool) -> None:
        """Start a planned restart, after `prepare_restart`.

        The service has no session of its own, so Windows counts the customer
        among the "others", whom only SHUTDOWN_FORCE_OTHERS signs out. The agent
        uses that flag only if at most one account is signed in.

        Windows refuses if a restart is already pending. This is no error if the
        agent started that restart in this boot: after a crash it tries again.

        Args:
            message: the text that Windows shows to the signed-in users.
            grace: seconds until Windows restarts; rounded up.
            sign_on: ask Windows to sign the last user in again and to lock the desktop (ARSO).

        Raises:
            PortError: the registry cannot be read or written, or Windows refuses.
        """
        flags = SHUTDOWN_RESTART | SHUTDOWN_FORCE_SELF | SHUTDOWN_FORCE_OTHERS
        flags |= SHUTDOWN_ARSO if sign_on else 0
        key = boot_key()
        already_begun = key.load(RESTART_BEGUN) == "yes"
        # Write this before calling Windows: after a crash in between, the agent would not know of the restart.
        key.save(RESTART_BEGUN, "yes")
        code = InitiateShutdownW(None, message, math.ceil(grace), flags, SHTDN_REASON_PLANNED_MAINTENANCE)
        if not code or (already_begun and code in RESTART_PENDING_ERRORS):
            return
        key.save(RESTART_BEGUN, "yes" if already_begun else "")
        raise refused("restarting", code)

    def restart_begun(self) -> bool:
        """Tell whether the agent has started a restart in this boot.

        Raises:
            PortError: the registry cannot be read.
        """
        return boot_key().load(RESTART_BEGUN) == "yes"

    def pending_reasons(self) -> list[str]:
        """Return the reasons for a pending restart that a restart can settle; empty if there are none."""
        return pending_restart.reasons()
