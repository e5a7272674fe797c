# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts programs in a customer's session, as that customer ("Interactive Services", Microsoft Learn)."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import win32con
import win32process
import win32profile
import win32ts

from .failures import doing

if TYPE_CHECKING:
    from collections.abc import Sequence

_DEFAULT: Any = None
DESKTOP = r"winsta0\default"


class Started:
    """A program that was started in a session; its handle keeps its process id from being reused."""

    def __init__(self, process: int) -> None:
        self._process = process

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return win32process.GetExitCodeProcess(self._process) == win32con.STILL_ACTIVE


def in_session(session_id: int, command: Sequence[str]) -> Started:
    """Start a program on the desktop of a session, with its user's rights and environment.

    Raises:
        PortError: nobody is signed in there, or Windows could not start it.
    """
    startup = win32process.STARTUPINFO()
    startup.lpDesktop = DESKTOP
    with doing(f"starting {command[0]} in session {session_id}"):
        token = win32ts.WTSQueryUserToken(session_id)
        environment = win32profile.CreateEnvironmentBlock(token, False)  # noqa: FBT003 - positional in Windows
        process, _thread, _, _ = win32process.CreateProcessAsUser(
            token,
            command[0],
            subprocess.list2cmdline(command),
            _DEFAULT,
            _DEFAULT,
            False,  # noqa: FBT003 - positional in Windows
            win32con.CREATE_UNICODE_ENVIRONMENT,
            environment,
            _DEFAULT,
            startup,
        )
    return Started(process)
