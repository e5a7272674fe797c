# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts programs in a customer's session under the customer's account ("Interactive Services", Microsoft Learn)."""

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
    """A program that was started in a session. The open handle prevents reuse of its process id."""

    def __init__(self, process: int) -> None:
        self._process = process

    @property
    def running(self) -> bool:
        """Whether the program still runs."""
        return win32process.GetExitCodeProcess(self._process) == win32con.STILL_ACTIVE


def in_session(session_id: int, command: Sequence[str]) -> Started:
    """Start a program on a session's desktop, with the rights and the environment of its user.

    Args:
        session_id: the session.
        command: the program and its arguments.

    Raises:
        PortError: no user is signed in to the session, or Windows cannot start the program.
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
