# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reads WinRS command lines: each runs a PowerShell script, or a program by its path."""

from __future__ import annotations

import base64
import binascii
import ntpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.wsman.powershell.native import COMMAND_LINE_LIMIT, split_command_line

if TYPE_CHECKING:
    from lab.wsman.shell_operations import CommandLine

POWERSHELL_NAMES = frozenset({"powershell", "powershell.exe"})
CMD_SIGNS = frozenset('&|<>^%"')
"""Characters with a meaning in cmd.exe; the lab runs no line that contains one."""


@dataclass(frozen=True, slots=True)
class Script:
    """Run this text in PowerShell."""

    text: str


@dataclass(frozen=True, slots=True)
class Program:
    """Run a program with these arguments; `through_cmd` as cmd.exe would."""

    path: str
    arguments: tuple[str, ...]
    through_cmd: bool


@dataclass(frozen=True, slots=True)
class TooLong:
    """cmd.exe refuses the line."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """The lab does not understand the line."""

    reason: str


Task = Script | Program | TooLong | Unsupported


def read_command_line(line: CommandLine, *, through_cmd: bool) -> Task:
    """Read the task of a command line.

    Without cmd.exe (`WINRS_SKIP_CMD_SHELL`) the program is the line's first part as it is.
    """
    whole = f"{line.program} {line.arguments}".strip()
    if through_cmd and len(whole) > COMMAND_LINE_LIMIT:
        return TooLong()
    words = split_command_line(whole)
    if not words:
        return Unsupported("the command is empty")
    if ntpath.basename(words[0]).casefold() in POWERSHELL_NAMES:
        return _script(words[1:])
    if not through_cmd:
        return Program(line.program, tuple(split_command_line(line.arguments)), through_cmd=False)
    if CMD_SIGNS & set(whole.replace('"', "")):
        return Unsupported("a command line for cmd.exe")
    return Program(words[0], tuple(words[1:]), through_cmd=True)


def _script(options: list[str]) -> Task:
    """Read powershell.exe's options; each known option has at most one value."""
    rest = iter(options)
    for option in rest:
        match option.casefold():
            case "-noprofile" | "-noninteractive":
                continue
            case "-executionpolicy":
                next(rest, None)
            case "-encodedcommand":
                return _decode(next(rest, ""))
            case _:
                break
    return Unsupported("powershell without -EncodedCommand, or with an option that the lab lacks")


def _decode(text: str) -> Task:
    try:
        return Script(base64.b64decode(text, validate=True).decode("utf-16-le"))
    except (binascii.Error, UnicodeDecodeError):
        return Unsupported("-EncodedCommand is not base64 of UTF-16")
