# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Switches on what the service manager left to the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import win32api
import win32con
import win32security

from .win32.failures import doing

if TYPE_CHECKING:
    from collections.abc import Iterable


def enable(wanted: Iterable[str]) -> None:
    """Enable privileges of this process; those that it does not have stay off.

    LocalSystem has most of its privileges switched off until they are asked for
    ("Privilege Constants", Microsoft Learn).

    Raises:
        PortError: Windows refuses.
    """
    with doing("enabling privileges"):
        token = win32security.OpenProcessToken(
            win32api.GetCurrentProcess(), win32con.TOKEN_ADJUST_PRIVILEGES | win32con.TOKEN_QUERY
        )
        known = [win32security.LookupPrivilegeValue("", name) for name in wanted]
        changes: Any = [(luid, win32con.SE_PRIVILEGE_ENABLED) for luid in known]
        win32security.AdjustTokenPrivileges(token, False, changes)  # noqa: FBT003 - positional in Windows
