# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Enables privileges of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import win32api
import win32con
import win32security

from .win32.failures import doing

if TYPE_CHECKING:
    from collections.abc import Iterable


def enable(names: Iterable[str]) -> None:
    """Enable privileges of this process. Privileges that it does not hold stay disabled.

    Most privileges of LocalSystem are disabled until a process enables them
    ("Privilege Constants", Microsoft Learn).

    Args:
        names: the names of the privileges.

    Raises:
        PortError: Windows refuses.
    """
    with doing("enabling privileges"):
        token = win32security.OpenProcessToken(
            win32api.GetCurrentProcess(), win32con.TOKEN_ADJUST_PRIVILEGES | win32con.TOKEN_QUERY
        )
        luids = [win32security.LookupPrivilegeValue("", name) for name in names]
        changes: Any = [(luid, win32con.SE_PRIVILEGE_ENABLED) for luid in luids]
        win32security.AdjustTokenPrivileges(token, False, changes)  # noqa: FBT003 - positional in Windows
