# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

r"""The lab's subset of PowerShell, as a grammar and as values.

    script      = [strict] {separator} [statement {separator {separator} statement}] {separator}
    strict      = "Set-StrictMode" "-Version" "Latest"
    statement   = encoding | assignment | guard | call | exit | removal | propagate | STRING | VARIABLE
    encoding    = "$OutputEncoding" "=" "[Text.Encoding]::ASCII"
    assignment  = VARIABLE "=" term {"+" term}
    term        = STRING | VARIABLE | ENVIRONMENT
    guard       = "if" "(" (["-not"] ENVIRONMENT | "-not" exists) ")" "{" statements "}"
    exists      = "[IO.File]::Exists" "(" place ")"
    call        = ["$input" "|"] "&" place {argument} ["|" "Out-Null"]
    place       = STRING | VARIABLE
    argument    = STRING | WORD | NUMBER
    exit        = "exit" [NUMBER | "$LASTEXITCODE"]
    removal     = "Remove-Item" argument {"-Force" | "-Recurse"}
    propagate   = the line that ansible-core 2.19 appends to keep a failed command's code
    separator   = newline | ";"

Keywords and names are compared without regard to case. Two tokens without a space between them are
refused if PowerShell might join or split them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.wsman.powershell.tokens import Kind, Token, UnsupportedScriptError, tokenize

if TYPE_CHECKING:
    from collections.abc import Sequence

PROPAGATE_EXIT = (
    "if ( -not $? ) { if ( get-variable lastexitcode -erroraction silentlycontinue )"
    " { exit $lastexitcode } else { exit 1 } }"
)
"""The tokens, in lower case and spaced, of ansible-core 2.19's suffix (plugins/shell/powershell.py)."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the script; the text that was assigned to it, or none."""

    name: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A variable of the process's environment; no text if there is none of this name."""

    name: str


Place = str | Variable
Term = str | Variable | Environment


@dataclass(frozen=True, slots=True)
class Assignment:
    """Join the terms and assign the text to a variable."""

    name: str
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class IfSet:
    """Run the statements if a variable of the environment is set, or with `negated` if it is not."""

    name: str
    statements: tuple[Statement, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Literal:
    """A string statement: its value goes to the output."""

    value: str


@dataclass(frozen=True, slots=True)
class LastCode:
    """A variable as a statement: the last program's exit code goes to the output."""


@dataclass(frozen=True, slots=True)
class AsciiEncoding:
    """Programs get their input in ASCII, as Windows PowerShell does by default."""


@dataclass(frozen=True, slots=True)
class Exit:
    """End with a code; None stands for the last program's code."""

    code: int | None


@dataclass(frozen=True, slots=True)
class Call:
    """Run a program; `with_input` feeds it the script's input, `silent` drops its output."""

    program: Place
    arguments: tuple[str, ...]
    with_input: bool
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Unless:
    """Run the statements if a file does not exist."""

    path: Place
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """Remove a file or folder."""

    path: str


@dataclass(frozen=True, slots=True)
class PropagateExit:
    """If the last statement failed, end with the last program's code, or 1."""


Statement = (
    Literal
    | LastCode
    | Variable
    | AsciiEncoding
    | Assignment
    | Exit
    | Call
    | Unless
    | IfSet
    | Removal
    | PropagateExit
)
_OWN_VARIABLES = frozenset({"$input", "$lastexitcode", "$outputencoding"})
"""Variables with a meaning of their own in PowerShell, in lower case: no script of the lab assigns or prints them."""


def parse(script: str) -> tuple[Statement, ...]:
    """Read a whole script.

    Raises UnsupportedScriptError: it is not of this grammar; no part of it has run.
    """
    return _Parser(list(tokenize(script))).script()


class _Parser:
    """Reads tokens from left to right; each method reads the part that it is named after."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self, kind: Kind, text: str | None = None) -> Token:
        token = self._next
        if not self._is(kind, text):
            wanted = kind.value if text is None else repr(text)
            raise UnsupportedScriptError(f"{token} where {wanted} was expected")
        self._at += 1
        return token

    def _is(self, kind: Kind, text: str | None = None) -> bool:
        token = self._next
        return token.kind is kind and (text is None or token.text.casefold() == text.casefold())

    def _skip(self, kind: Kind, text: str | None = None) -> bool:
        if self._is(kind, text):
            self._at += 1
            return True
        return False

    def script(self) -> tuple[Statement, ...]:
        self._strict_mode()
        statements = self._statements()
        self._take(Kind.END)
        return statements

    def _strict_mode(self) -> None:
        if self._skip(Kind.WORD, "Set-StrictMode"):
            self._take(Kind.WORD, "-Version")
            self._take(Kind.WORD, "Latest")

    def _statements(self) -> tuple[Statement, ...]:
        statements: list[Statement] = []
        while True:
            while self._skip(Kind.SEPARATOR):
                pass
            if self._is(Kind.END) or self._is(Kind.SIGN, "}"):
                return tuple(statements)
            statements.append(self._statement())
            if not (self._is(Kind.SEPARATOR) or self._is(Kind.END) or self._is(Kind.SIGN, "}")):
                raise UnsupportedScriptError(f"{self._next} where a statement should end")

    def _statement(self) -> Statement:
        if self._skip_propagate_exit():
            return PropagateExit()
        if self._is(Kind.STRING):
            return Literal(self._take(Kind.STRING).text)
        if self._skip(Kind.VARIABLE, "$LASTEXITCODE"):
            return LastCode()
        if self._is(Kind.VARIABLE, "$OutputEncoding"):
            return self._encoding()
        if self._is(Kind.VARIABLE, "$input") or self._is(Kind.SIGN, "&"):
            return self._call()
        if self._is(Kind.VARIABLE):
            return self._variable_statement()
        for word, rule in (("exit", self._exit), ("if", self._guard), ("Remove-Item", self._removal)):
            if self._skip(Kind.WORD, word):
                return rule()
        raise UnsupportedScriptError(f"{self._next} starts a statement that the lab does not know")

    def _skip_propagate_exit(self) -> bool:
        wanted = PROPAGATE_EXIT.split(" ")
        found = [token.text.casefold() for token in self._tokens[self._at : self._at + len(wanted)]]
        if found == wanted:
            self._at += len(wanted)
        return found == wanted

    def _encoding(self) -> Statement:
        self._take(Kind.VARIABLE)
        self._take(Kind.SIGN, "=")
        self._take(Kind.TYPE, "[Text.Encoding]::ASCII")
        return AsciiEncoding()

    def _variable_statement(self) -> Statement:
        """Read an assignment, or a variable that goes to the output."""
        variable = self._variable()
        if not self._skip(Kind.SIGN, "="):
            return variable
        terms = [self._term()]
        while self._skip(Kind.SIGN, "+"):
            terms.append(self._term())
        return Assignment(variable.name, tuple(terms))

    def _variable(self) -> Variable:
        token = self._take(Kind.VARIABLE)
        if token.text.casefold() in _OWN_VARIABLES:
            raise UnsupportedScriptError(f"{token} is PowerShell's own")
        return Variable(token.text.casefold())

    def _term(self) -> Term:
        return self._environment() if self._is(Kind.ENVIRONMENT) else self._place()

    def _environment(self) -> Environment:
        return Environment(self._take(Kind.ENVIRONMENT).text.partition(":")[2])

    def _place(self) -> Place:
        return self._variable() if self._is(Kind.VARIABLE) else self._take(Kind.STRING).text

    def _guard(self) -> Statement:
        self._take(Kind.SIGN, "(")
        negated = self._skip(Kind.WORD, "-not")
        if self._is(Kind.ENVIRONMENT):
            name = self._environment().name
            self._take(Kind.SIGN, ")")
            return IfSet(name, self._block(), negated)
        if not negated:
            raise UnsupportedScriptError(f"{self._next} where a condition should begin")
        self._take(Kind.TYPE, "[IO.File]::Exists")
        self._take(Kind.SIGN, "(")
        path = self._place()
        self._take(Kind.SIGN, ")")
        self._take(Kind.SIGN, ")")
        return Unless(path, self._block())

    def _block(self) -> tuple[Statement, ...]:
        self._take(Kind.SIGN, "{")
        statements = self._statements()
        self._take(Kind.SIGN, "}")
        return statements

    def _call(self) -> Statement:
        with_input = self._skip(Kind.VARIABLE, "$input")
        if with_input:
            self._take(Kind.SIGN, "|")
        self._take(Kind.SIGN, "&")
        program = self._place()
        arguments: list[str] = []
        while self._is_argument():
            arguments.append(self._argument())
        silent = self._skip(Kind.SIGN, "|")
        if silent:
            self._take(Kind.WORD, "Out-Null")
        return Call(program, tuple(arguments), with_input, silent)

    def _is_argument(self) -> bool:
        return self._next.kind in {Kind.STRING, Kind.WORD, Kind.NUMBER}

    def _argument(self) -> str:
        token = self._next
        if not self._is_argument():
            raise UnsupportedScriptError(f"{token} where an argument was expected")
        if token.glued:
            raise UnsupportedScriptError(f"{token} follows another one without a space")
        self._at += 1
        return token.text

    def _exit(self) -> Statement:
        if self._is(Kind.NUMBER):
            return Exit(int(self._take(Kind.NUMBER).text))
        return Exit(None if self._skip(Kind.VARIABLE, "$LASTEXITCODE") else 0)

    def _removal(self) -> Statement:
        path = self._argument()
        while self._skip(Kind.WORD, "-Force") or self._skip(Kind.WORD, "-Recurse"):
            pass
        return Removal(path)
