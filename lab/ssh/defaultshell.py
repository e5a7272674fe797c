# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulates the account's default shell (registry value DefaultShell of OpenSSH for Windows).

sshd runs `cmd.exe /c COMMAND` or `powershell.exe -c COMMAND` (Microsoft, OpenSSH Server configuration for
Windows). PowerShell reduces its last command's exit code to 0 or 1, unless COMMAND
itself has an `exit` (about_PowerShell_exe, -Command).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from lab.wsman.commandline import POWERSHELL_NAMES, Script, Task, TooLong, Unsupported, read_command_line
from lab.wsman.powershell.native import COMMAND_LINE_LIMIT
from lab.wsman.powershell.tokens import Kind, UnsupportedScriptError, tokenize
from lab.wsman.shell_operations import CommandLine


class DefaultShell(enum.StrEnum):
    """The default shell of an account."""

    POWERSHELL = "powershell"
    CMD = "cmd"


_CODE_PAGE = {
    DefaultShell.POWERSHELL: "chcp.com 65001 > $null ; ",
    DefaultShell.CMD: "chcp.com 65001 >nul 2>&1 && ",
}
"""The command that ansible-core 2.16 and 2.17 put first, for output in UTF-8 (plugins/connection/ssh.py)."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The task to run, and whether the shell passes its exit code on."""

    task: Task
    keeps_code: bool

    def exit_code(self, code: int) -> int:
        """Return the exit code that the client gets."""
        return code & 0xFF if self.keeps_code else int(code != 0)


def read_command(command: str, shell: DefaultShell) -> Reading:
    """Return a shell's reading of a command."""
    if shell is DefaultShell.CMD and len(command) > COMMAND_LINE_LIMIT:
        return Reading(TooLong(), keeps_code=True)
    command = command.removeprefix(_CODE_PAGE[shell])
    if shell is DefaultShell.CMD:
        return Reading(read_command_line(_line(command), through_cmd=True), keeps_code=True)
    first = command.split(maxsplit=1)[:1]
    if first and first[0].casefold() in POWERSHELL_NAMES:
        return Reading(_second_powershell(command), keeps_code=False)
    return Reading(Script(command), keeps_code=True)


def _line(command: str) -> CommandLine:
    return CommandLine(command_id="", program=command, arguments="", encoded_arguments=())


def _second_powershell(command: str) -> Task:
    """Return the task of an inner powershell.exe; the outer one removes quotes from its command line."""
    try:
        words = [token.text for token in tokenize(command) if token.kind is not Kind.END]
    except UnsupportedScriptError as error:
        return Unsupported(str(error))
    return read_command_line(_line(" ".join(words)), through_cmd=False)
