# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Windows PowerShell 5.1 hands arguments to a program, and how the program reads them.

PowerShell builds one command line out of the arguments: it puts quotes round an argument with
white space, does not escape quotes inside, and leaves empty arguments out. The program's C runtime
splits that line again. So inner double quotes get lost, as on Windows.

Sources: about_Parsing, "Passing arguments to native commands" (Legacy); Microsoft C documentation,
"Parsing C command-line arguments"; both compared with the real engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.wsman.powershell.tokens import UnsupportedScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

COMMAND_LINE_LIMIT = 8191
"""The most characters of a command line in cmd.exe (Microsoft support article 830473)."""

COMMAND_LINE_TOO_LONG = "The command line is too long.\r\n"


def legacy_arguments(arguments: Iterable[str]) -> list[str]:
    """Return the arguments that a program gets when Windows PowerShell 5.1 passes these.

    Raises UnsupportedScriptError: an argument has white space and a backslash at its end, which
    PowerShell versions pass differently.
    """
    return split_command_line(" ".join(_quote(argument) for argument in arguments if argument))


def _quote(argument: str) -> str:
    if not _needs_quotes(argument):
        return argument
    if argument.endswith("\\"):
        raise UnsupportedScriptError(
            f"the argument {argument!r} has white space and ends with a backslash: versions of "
            "PowerShell pass it differently"
        )
    return f'"{argument}"'


def _needs_quotes(argument: str) -> bool:
    inside, escaped = False, False
    for character in argument:
        if character == '"' and not escaped:
            inside = not inside
        elif character.isspace() and not inside:
            return True
        escaped = character == "\\"
    return False


def split_command_line(line: str) -> list[str]:
    """Cut a command line (without the program's name) as Microsoft's C runtime does."""
    return list(_split(line))


def _split(line: str) -> Iterator[str]:
    position = 0
    while (position := _skip_space(line, position)) < len(line):
        argument, position = _one(line, position)
        yield argument


def _skip_space(line: str, position: int) -> int:
    while position < len(line) and line[position] in " \t":
        position += 1
    return position


def _one(line: str, position: int) -> tuple[str, int]:
    argument: list[str] = []
    inside = False
    while position < len(line) and (inside or line[position] not in " \t"):
        slashes = len(line) - position - len(line[position:].lstrip("\\"))
        position += slashes
        if not line.startswith('"', position):
            argument.append("\\" * slashes or line[position])
            position += 0 if slashes else 1
            continue
        argument.append("\\" * (slashes // 2))
        if slashes % 2:
            argument.append('"')
        elif inside and line.startswith('""', position):
            argument.append('"')
            position += 1
        else:
            inside = not inside
        position += 1
    return "".join(argument), position
