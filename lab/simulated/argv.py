# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Splits a command line as Windows' programs do. Pure.

The rules of the page "Parsing C command-line arguments" (Microsoft Learn), written independently of the agent's own
quoting.
"""

from __future__ import annotations

BLANKS = " \t"


def split(line: str) -> list[str]:
    """Return the program's name and its arguments."""
    program, rest = _program(line)
    return [program, *_arguments(rest)]


def _program(line: str) -> tuple[str, str]:
    """Return the first part, in which a backslash is never special, and the rest."""
    if line.startswith('"'):
        name, _, rest = line[1:].partition('"')
        return name, rest
    end = next((place for place, character in enumerate(line) if character in BLANKS), len(line))
    return line[:end], line[end:]


def _arguments(text: str) -> list[str]:
    found: list[str] = []
    current: str | None = None
    quoted, place = False, 0
    while place < len(text):
        if text[place] in BLANKS and not quoted:
            if current is not None:
                found.append(current)
            current, place = None, place + 1
            continue
        current = current or ""
        slashes = len(text) - place - len(text[place:].lstrip("\\"))
        place += slashes
        if text[place : place + 1] != '"':
            current += "\\" * slashes
            if not slashes:
                current, place = current + text[place], place + 1
            continue
        current += "\\" * (slashes // 2)
        if slashes % 2:
            current += '"'
        elif quoted and text[place + 1 : place + 2] == '"':
            current, place = current + '"', place + 1
        else:
            quoted = not quoted
        place += 1
    return found if current is None else [*found, current]
