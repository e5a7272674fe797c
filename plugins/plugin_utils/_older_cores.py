# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Differences between ansible-core 2.16, which Ansible Automation Platform 2.5 and 2.6 run, and newer lines."""

from __future__ import annotations

from ansible.release import __version__

from ._powershell_command import script_in

_PASSES_LINES_ON = {"winrm": (2, 19), "ssh": (2, 18)}
"""The first line of ansible-core whose connection plugin passes a PowerShell command line on as it is.

Source: `exec_command` of plugins/connection/winrm.py and ssh.py. Older plugins take each command for a script, and send
a command line of their own with it.
"""


def core_line(version: str) -> tuple[int, int]:
    """Return the major and minor number of a version of ansible-core."""
    major, minor, *_rest = version.split(".")
    return int(major), int(minor)


_CORE = core_line(__version__)


def command_for(transport: str, line: str, core: tuple[int, int] = _CORE) -> str:
    """Return the command that lets a connection plugin send this command line: the line, or the script in it.

    An older plugin would put the line into a second one. That starts PowerShell twice, reduces the exit code to 0 or 1,
    and a long script would not fit.
    """
    return script_in(line) if core < _PASSES_LINES_ON.get(transport, core) else line
