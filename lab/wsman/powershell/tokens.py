# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Splits a PowerShell script into the tokens of the lab's grammar.

It refuses other PowerShell syntax (double quotes, back ticks, comments, redirections, here-strings,
splatting, arrays) and never guesses.

Source: about_Quoting_Rules and about_Special_Characters. PowerShell's CharTraits.cs (IsSingleQuote)
lists the five characters that count as a single quote; the real engine confirms it.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"

_SPACE = re.compile(r"[ \t]+")
_NEWLINE = re.compile(r"\r?\n")
_ENVIRONMENT = re.compile(r"(?i:\$env:)[A-Za-z_][A-Za-z0-9_]*")
_VARIABLE = re.compile(r"\$[A-Za-z_?][A-Za-z0-9_]*")
_TYPE = re.compile(r"\[[A-Za-z.]+\]::[A-Za-z]+")
_NUMBER = re.compile(r"-?[0-9]+(?![^\s;|(){}])")
_BARE = re.compile(r"(?:[A-Za-z0-9_\\/]|--?(?=[A-Za-z]))[A-Za-z0-9_.\\/:=+-]*")
_STRING = re.compile(f"[{SINGLE_QUOTES}]((?:[^{SINGLE_QUOTES}]|[{SINGLE_QUOTES}]{{2}})*)[{SINGLE_QUOTES}]")
_DOUBLED = re.compile(f"[{SINGLE_QUOTES}]([{SINGLE_QUOTES}])")
_SIGN = re.compile(r"[&|;(){}=+]")
_SPLIT_PARAMETER = re.compile(r"-[^-].*[.:]")


class UnsupportedScriptError(Exception):
    """The lab does not understand the script; the message names the part and the line."""


class Kind(enum.Enum):
    """The kind of a token."""

    STRING = "string"
    WORD = "word"
    NUMBER = "number"
    ENVIRONMENT = "environment variable"
    VARIABLE = "variable"
    TYPE = "type member"
    SIGN = "sign"
    SEPARATOR = "end of statement"
    END = "end of script"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the script; `text` is a string's value without quotes. Lines count from 1."""

    kind: Kind
    text: str
    line: int
    glued: bool
    """Whether it follows the token before it without any space."""

    def __str__(self) -> str:
        return f"{self.kind.value} {self.text!r} in line {self.line}"


_RULES = (
    (Kind.SEPARATOR, _NEWLINE),
    (Kind.STRING, _STRING),
    (Kind.ENVIRONMENT, _ENVIRONMENT),
    (Kind.VARIABLE, _VARIABLE),
    (Kind.TYPE, _TYPE),
    (Kind.NUMBER, _NUMBER),
    (Kind.WORD, _BARE),
    (Kind.SIGN, _SIGN),
)


def tokenize(script: str) -> Iterator[Token]:
    """Yield the tokens of a script; the last one has the kind END.

    Raises UnsupportedScriptError: a character starts no known token.
    """
    position, line, glued = 0, 1, False
    while position < len(script):
        if space := _SPACE.match(script, position):
            position, glued = space.end(), False
            continue
        kind, match = _match(script, position, line)
        yield _token(kind, match, line, glued=glued)
        line += match[0].count("\n")
        position, glued = match.end(), True
    yield Token(Kind.END, "", line, glued=False)


def _match(script: str, position: int, line: int) -> tuple[Kind, re.Match[str]]:
    for kind, rule in _RULES:
        if match := rule.match(script, position):
            return kind, match
    raise UnsupportedScriptError(
        f"line {line}: {script[position : position + 20]!r} is not part of the lab's PowerShell"
    )


def _token(kind: Kind, match: re.Match[str], line: int, *, glued: bool) -> Token:
    text = match[0]
    if kind is Kind.STRING:
        text = _DOUBLED.sub(r"\1", match[1])
    elif kind is Kind.SIGN and text == ";":
        kind = Kind.SEPARATOR
    elif kind is Kind.WORD and _SPLIT_PARAMETER.match(text):
        raise UnsupportedScriptError(f"line {line}: PowerShell may pass {text!r} as two arguments; quote it")
    return Token(kind, text, line, glued)
