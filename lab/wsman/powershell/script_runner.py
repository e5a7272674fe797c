# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a script of the lab's grammar against a computer."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from lab.wsman.host import Host, InvalidPathError, Process, ProgramNotFoundError
from lab.wsman.powershell import grammar
from lab.wsman.powershell.native import legacy_arguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PIECE = 65536
_logger = logging.getLogger("lab.wsman.scripts")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a script: the code of its `exit`, if it had one, and whether it succeeded."""

    exit_code: int | None
    succeeded: bool

    @property
    def process_code(self) -> int:
        """The exit code of powershell.exe: without `exit` it is 0 or 1."""
        return int(not self.succeeded) if self.exit_code is None else self.exit_code


class Console(Protocol):
    """The input and output of a running script; each kind of connection has its own."""

    def lines(self) -> Iterator[str]:
        """The script's input, line by line; waits for each."""
        ...

    def stop_input(self) -> None:
        """Release a reader that waits in `lines`: the rest of the input is not needed."""
        ...

    def output(self, text: str) -> None:
        """Write one string object to the output."""
        ...

    def error(self, text: str, error_id: str) -> None:
        """Write an error record's text."""
        ...

    def program_output(self, data: bytes) -> None:
        """Write a piece of a program's standard output."""
        ...

    def program_error(self, data: bytes) -> None:
        """Write a piece of a program's standard error output."""
        ...

    def started(self, process: Process) -> None:
        """Remember the running program, to kill it when the command is cancelled."""
        ...

    def ended(self) -> None:
        """Note the program's end; all its output has been passed on."""
        ...


class ScriptRun:
    """One run of a script; it remembers the last exit code, which `exit` and the script's end use."""

    def __init__(self, host: Host, console: Console) -> None:
        self._host = host
        self._console = console
        self._succeeded = True
        self._last_code: int | None = None
        self._variables: dict[str, str] = {}

    def run(self, statements: Iterable[grammar.Statement]) -> Outcome:
        """Run the statements, up to an `exit` or to the end.

        Raises UnsupportedScriptError: an argument cannot be passed as Windows would.
        """
        code = self._run(statements)
        return Outcome(code, self._succeeded)

    def _run(self, statements: Iterable[grammar.Statement]) -> int | None:
        for statement in statements:
            code = self._step(statement)
            if code is not None:
                return code
        return None

    def _step(self, statement: grammar.Statement) -> int | None:
        """Run one statement; a number ends the script with that code."""
        match statement:
            case grammar.Literal() | grammar.Variable() | grammar.LastCode():
                self._console.output(self._shown(statement))
                self._succeeded = self._succeeded or isinstance(statement, grammar.Literal)
            case grammar.Assignment(name, terms):
                self._variables[name] = "".join(map(self._text, terms))
            case grammar.Exit(code):
                return (self._last_code or 0) if code is None else code
            case grammar.Unless() | grammar.IfSet():
                return self._run(statement.statements) if self._applies(statement) else None
            case grammar.Call():
                self._call(statement)
            case grammar.Removal(path):
                self._remove(path)
            case grammar.PropagateExit():
                return self._kept_code()
            case grammar.AsciiEncoding():
                self._succeeded = True
        return None

    def _shown(self, statement: grammar.Literal | grammar.Variable | grammar.LastCode) -> str:
        match statement:
            case grammar.Literal(value):
                return value
            case grammar.LastCode():
                return "" if self._last_code is None else str(self._last_code)
        return self._text(statement)

    def _applies(self, guard: grammar.Unless | grammar.IfSet) -> bool:
        match guard:
            case grammar.Unless(path, _):
                return not self._host.is_file(self._text(path))
        return bool(self._host.variable(guard.name)) != guard.negated

    def _text(self, term: grammar.Term) -> str:
        match term:
            case grammar.Variable(name):
                return self._variables.get(name, "")
            case grammar.Environment(name):
                return self._host.variable(name)
        return term

    def _kept_code(self) -> int | None:
        if self._succeeded:
            return None
        return 1 if self._last_code is None else self._last_code

    def _remove(self, path: str) -> None:
        try:
            self._host.remove(path)
            self._succeeded = True
        except (OSError, InvalidPathError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            self._fail(f"Remove-Item : Cannot remove item {path}: {reason}", "RemoveItemError")

    def _fail(self, text: str, error_id: str) -> None:
        self._succeeded = False
        self._console.error(text, error_id)

    def _call(self, call: grammar.Call) -> None:
        arguments = legacy_arguments(call.arguments)
        program = self._text(call.program)
        try:
            process = self._host.start(program, arguments)
        except ProgramNotFoundError:
            self._fail(_not_recognized(program), "CommandNotFoundException")
            return
        lines = _encode(self._console.lines()) if call.with_input else ()
        output = _drop if call.silent else self._console.program_output
        self._last_code = run_process(process, lines, self._console, output)
        self._succeeded = self._last_code == 0


def _encode(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines as Windows PowerShell pipes them: ASCII, a question mark for anything else, CR LF.

    A character outside the Basic Multilingual Plane is two UTF-16 units and becomes two question marks.
    """
    for line in lines:
        doubled = "".join("??" if ord(character) > 0xFFFF else character for character in line)
        yield doubled.encode("ascii", errors="replace") + b"\r\n"


def _drop(data: bytes, /) -> None:
    """Discard the piece."""


def run_process(
    process: Process, pieces: Iterable[bytes], console: Console, output: Writer | None = None
) -> int:
    """Feed a program, pass its output on, and return its exit code as Windows shows it.

    `output` takes the output instead of the console.
    """
    console.started(process)
    errors = threading.Thread(target=_pump, args=(process.stderr, console.program_error), daemon=True)
    write = output or console.program_output
    outputs = threading.Thread(target=_pump_outputs, args=(process, console, write, errors), daemon=True)
    errors.start()
    outputs.start()
    _feed(process.stdin, pieces)
    outputs.join()
    code = process.wait()
    console.ended()
    if code < 0:
        _logger.warning("a program was ended by signal %d", -code)
    return code if code >= 0 else 1


def _pump_outputs(process: Process, console: Console, write: Writer, errors: threading.Thread) -> None:
    _pump(process.stdout, write)
    errors.join()
    # The program has closed its outputs: it needs no more input.
    console.stop_input()


def _pump(stream: IO[bytes] | None, write: Writer) -> None:
    if stream is None:
        return
    with stream:
        while data := stream.read(PIECE):
            write(data)


def _feed(stream: IO[bytes] | None, pieces: Iterable[bytes]) -> None:
    if stream is None:
        return
    try:
        for piece in pieces:
            _write_all(stream, piece)
    except BrokenPipeError:
        pass  # The program ended without reading all: PowerShell carries on, too.
    finally:
        stream.close()


def _write_all(stream: IO[bytes], piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[stream.write(left) :]


class Writer(Protocol):
    """Takes a piece of a program's output."""

    def __call__(self, data: bytes, /) -> None:
        """Take the piece."""
        ...


def _not_recognized(program: str) -> str:
    return (
        f"& : The term '{program}' is not recognized as the name of a cmdlet, function, script "
        "file, or operable program. Check the spelling of the name, or if a path was included, "
        "verify that the path is correct and try again."
    )
