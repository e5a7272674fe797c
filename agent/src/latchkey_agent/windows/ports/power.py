# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots, restarts, and what Windows waits for a restart for."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING

import winerror

from latchkey_agent.ports import RENAME, PortError
from latchkey_agent.windows.win32 import registry
from latchkey_agent.windows.win32.api import InitiateShutdownW
from latchkey_agent.windows.win32.failures import refused
from latchkey_agent.windows.win32.registry import boot_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from latchkey_agent.ports import SignIn

SHUTDOWN_FORCE_OTHERS = 0x1
SHUTDOWN_FORCE_SELF = 0x2
SHUTDOWN_RESTART = 0x4
SHTDN_REASON_PLANNED_MAINTENANCE = 0x80040001
"""SHTDN_REASON_FLAG_PLANNED, SHTDN_REASON_MAJOR_APPLICATION, SHTDN_REASON_MINOR_MAINTENANCE (reason.h)."""

BEGUN = "RestartBegun"
"""In the volatile key: the agent has asked Windows to restart in this boot."""
UNDER_WAY = frozenset({winerror.ERROR_SHUTDOWN_IN_PROGRESS, winerror.ERROR_SHUTDOWN_IS_SCHEDULED})

_CBS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Component Based Servicing"
_UPDATE = r"SOFTWARE\Microsoft\Windows\CurrentVersion\WindowsUpdate\Auto Update"
_SESSION_MANAGER = r"SYSTEM\CurrentControlSet\Control\Session Manager"
_NAMES = r"SYSTEM\CurrentControlSet\Control\ComputerName"
_NETLOGON = r"SYSTEM\CurrentControlSet\Services\Netlogon"


class WindowsPower:
    """ports.Power; `signed_in` says whom a restart signs out."""

    def __init__(self, signed_in: Callable[[], list[SignIn]]) -> None:
        self._signed_in = signed_in

    def boot_id(self) -> str:
        """Return the random id of this boot, made when it is first asked for.

        Raises:
            PortError: the registry cannot be read or written.
        """
        key = boot_key()
        kept = key.load("Id")
        if not isinstance(kept, str):
            kept = os.urandom(16).hex()
            key.save("Id", kept)
        return kept

    def restart(self, *, message: str, grace: float) -> None:
        """Start a planned restart after `grace` seconds, in which everybody sees `message`.

        The service is signed in nowhere, so for Windows the customer is one of
        the "others" whom only SHUTDOWN_FORCE_OTHERS signs out. It is set only
        where one account at most is signed in.

        Windows refuses where a restart is under way. After one that was begun
        here in this boot that is no fault: the agent asks again after a crash.

        Raises:
            PortError: further people are signed in, or who is, is not known, or the registry
                cannot be read or written, or Windows refuses.
        """
        people = sorted({s.account.qualified for s in self._signed_in()})
        if len(people) > 1:
            msg = f"more than one person is signed in ({', '.join(people)}), and not all were asked"
            raise PortError(msg)
        flags = SHUTDOWN_RESTART | SHUTDOWN_FORCE_SELF | SHUTDOWN_FORCE_OTHERS
        key = boot_key()
        begun_before = key.load(BEGUN) == "yes"
        # Before Windows is asked: a crash right after it would leave nobody who knows.
        key.save(BEGUN, "yes")
        code = InitiateShutdownW(None, message, math.ceil(grace), flags, SHTDN_REASON_PLANNED_MAINTENANCE)
        if not code or (begun_before and code in UNDER_WAY):
            return
        key.save(BEGUN, "yes" if begun_before else "")
        raise refused("restarting", code)

    def pending_reasons(self) -> list[str]:
        """Return why Windows waits for a restart; empty if it does not."""
        return [reason for reason, waits in _REASONS.items() if waits()]


def _renamed() -> bool:
    return registry.value(rf"{_NAMES}\ActiveComputerName", "ComputerName") != registry.value(
        rf"{_NAMES}\ComputerName", "ComputerName"
    )


def _joining() -> bool:
    return any(registry.value(_NETLOGON, name) is not None for name in ("JoinDomain", "AvoidSpnSet"))


_REASONS: dict[str, Callable[[], bool]] = {
    "component servicing": lambda: registry.exists(rf"{_CBS}\RebootPending"),
    "windows update": lambda: registry.exists(rf"{_UPDATE}\RebootRequired"),
    "file renames": lambda: bool(registry.value(_SESSION_MANAGER, "PendingFileRenameOperations")),
    RENAME: _renamed,
    "domain join": _joining,
}
