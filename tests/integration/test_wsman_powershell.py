# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's subset of PowerShell: supported scripts run, others are refused."""

from __future__ import annotations

import pytest

from lab.wsman.commandline import (
    Program,
    Script,
    TooLong,
    Unsupported,
    read_command_line,
)
from lab.wsman.powershell.grammar import (
    AsciiEncoding,
    Assignment,
    Call,
    Environment,
    Exit,
    IfSet,
    LastCode,
    Literal,
    PropagateExit,
    Removal,
    Unless,
    Variable,
    parse,
)
from lab.wsman.powershell.native import legacy_arguments, split_command_line
from lab.wsman.powershell.tokens import UnsupportedScriptError
from lab.wsman.shell_operations import CommandLine
from lab.wsman.streams import LineSplitter
from tests.integration.wsman_fixtures import POWERSHELL, encoded

SCRIPT = r"""$OutputEncoding = [Text.Encoding]::ASCII
if (-not [IO.File]::Exists('C:\a''b.exe')) { 'no agent'; exit 127 }
$input | & 'C:\a''b.exe' 'session' 'x y'
exit $LASTEXITCODE"""
PLACES = r"""$program = $env:ProgramW6432 + '\a.exe'
if (-not $ENV:ProgramW6432) { $Program = $env:ProgramFiles + '\a.exe' + $program }
if ($env:X) { $program }
if (-not [IO.File]::Exists($program)) { exit 1 }
& $program 'x'"""


ANSIBLE_SUFFIX = (
    "If (-not $?) { If (Get-Variable LASTEXITCODE -ErrorAction SilentlyContinue)"
    " { exit $LASTEXITCODE } Else { exit 1 } }"
)


def test_wsman_the_collections_script_is_understood() -> None:
    """The lab understands the collection's exact script."""
    assert parse(SCRIPT) == (
        AsciiEncoding(),
        Unless("C:\\a'b.exe", (Literal("no agent"), Exit(127))),
        Call("C:\\a'b.exe", ("session", "x y"), with_input=True),
        Exit(None),
    )


def test_wsman_places_are_read_from_the_environment() -> None:
    """A script may join a place from the environment's variables, and run the program there."""
    program = Variable("$program")
    joined = (Environment("ProgramFiles"), "\\a.exe", program)
    assert parse(PLACES) == (
        Assignment("$program", (Environment("ProgramW6432"), "\\a.exe")),
        IfSet("ProgramW6432", (Assignment("$program", joined),), negated=True),
        IfSet("X", (program,)),
        Unless(program, (Exit(1),)),
        Call(program, ("x",), with_input=False),
    )


@pytest.mark.parametrize(
    ("script", "statements"),
    [
        ("", ()),
        ("\r\n ; \n", ()),
        ("'it''s'", (Literal("it's"),)),
        ("'two\nlines'", (Literal("two\nlines"),)),
        ("exit", (Exit(0),)),
        ("exit 7; 'never'", (Exit(7), Literal("never"))),
        ("EXIT $lastexitcode", (Exit(None),)),
        ("& 'a'", (Call("a", (), with_input=False),)),
        (
            "&'a' b -c --d-e /f g=h C:\\i.j 8 'k''l' ''",
            (
                Call(
                    "a",
                    ("b", "-c", "--d-e", "/f", "g=h", "C:\\i.j", "8", "k'l", ""),
                    with_input=False,
                ),
            ),
        ),
        ("& 'a' b | Out-Null", (Call("a", ("b",), with_input=False, silent=True),)),
        ("& 'a'\n$LastExitCode", (Call("a", (), with_input=False), LastCode())),
        ("$INPUT|& 'a';exit 1", (Call("a", (), with_input=True), Exit(1))),
        ("Remove-Item 'C:\\x y' -Force -Recurse;", (Removal("C:\\x y"),)),
        ("Remove-Item C:\\x -Force", (Removal("C:\\x"),)),
        ("Set-StrictMode -Version Latest\n'x'", (Literal("x"),)),
        (
            f"'x'\n{ANSIBLE_SUFFIX}",
            (Literal("x"), PropagateExit()),
        ),
    ],
)
def test_wsman_scripts_are_understood(script: str, statements: object) -> None:
    """The lab understands each form of the grammar."""
    assert parse(script) == statements


@pytest.mark.parametrize("opening", "'\u2018\u2019\u201a\u201b")
@pytest.mark.parametrize("closing", "'\u2018\u2019\u201a\u201b")
def test_wsman_five_characters_are_single_quotes(opening: str, closing: str) -> None:
    """Any of five characters opens and closes a string; two in a row stand for the second one."""
    assert parse(f"{opening}a{opening}{closing}b{closing}") == (Literal(f"a{closing}b"),)


@pytest.mark.parametrize(
    "script",
    [
        "Get-Process",
        "'a' | & 'b'",
        "& 'a' | & 'b'",
        "& a",
        "& $env:PROGRAM",
        "& $LASTEXITCODE",
        "$input = 'x'",
        "$x + 'y'",
        "'x' + $y",
        "if ($x) { 'y' }",
        "'C:\\x.exe' status",
        '"double"',
        "'a'b",
        "& 'a' 'b'c",
        "& 'a' b'c'",
        "& 'a' b;c",
        "& 'a' > b",
        "& 'a' 2>&1",
        "& 'a' $b",
        "& 'a' $(b)",
        "& 'a' (b)",
        "& 'a' b,c",
        "& 'a' @b",
        "& 'a' `b",
        "& 'a' --%",
        "& 'a' -b.c",
        "& 'a' -b:c",
        "& 'a' *",
        "& 'a' ~",
        "& 'a' # comment",
        "& 'a' && & 'b'",
        "'open",
        "@'\nhere\n'@",
        "exit 'x'",
        "exit 1 2",
        "exit $x",
        "exit 0x10",
        "$x = 1",
        "$OutputEncoding = [Text.Encoding]::UTF8",
        "if (-not [IO.File]::Exists('a')) { 'b'",
        "if (-not [IO.File]::Exists('a')) { 'b' } else { 'c' }",
        "if ([IO.File]::Exists('a')) { 'b' }",
        "if (-not [IO.Directory]::Exists('a')) { 'b' }",
        "}",
        "{ 'a' }",
        "'a' 'b'",
        "Remove-Item",
        "Remove-Item 'a' 'b'",
        "Remove-Item 'a' -Confirm",
        "Set-StrictMode -Version 2",
        "'a'; Set-StrictMode -Version Latest",
    ],
)
def test_wsman_other_scripts_are_refused(script: str) -> None:
    """The lab refuses every script outside its grammar."""
    with pytest.raises(UnsupportedScriptError):
        parse(script)


@pytest.mark.parametrize(
    ("arguments", "received"),
    [
        (["a", "b c"], ["a", "b c"]),
        (['{"a": "b c"}'], ["{a: b", "c}"]),
        (["", "x"], ["x"]),
        (["C:\\dir\\"], ["C:\\dir\\"]),
        (['x"y', "z"], ["xy z"]),
        (['a"b c"'], ["ab c"]),
        (["a\tb"], ["a\tb"]),
    ],
)
def test_wsman_windows_powershell_passes_arguments(arguments: list[str], received: list[str]) -> None:
    """Windows PowerShell 5.1 loses inner double quotes and empty arguments."""
    assert legacy_arguments(arguments) == received


def test_wsman_arguments_that_versions_pass_differently_are_refused() -> None:
    """An argument with white space and a final backslash is refused: PowerShell versions differ."""
    with pytest.raises(UnsupportedScriptError):
        legacy_arguments(["a b\\"])


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ('"a b c" d e', ["a b c", "d", "e"]),
        (r'"ab\"c" "\\" d', ['ab"c', "\\", "d"]),
        (r'a\\\b d"e f"g h', [r"a\\\b", "de fg", "h"]),
        (r"a\\\"b c d", [r"a\"b", "c", "d"]),
        (r'a\\\\"b c" d e', [r"a\\b c", "d", "e"]),
        ('a"b"" c d', ['ab" c d']),
        ("", []),
        ('""', [""]),
    ],
)
def test_wsman_command_lines_are_split_as_by_the_c_runtime(line: str, arguments: list[str]) -> None:
    """The examples of Microsoft's documentation ("Parsing C command-line arguments") split as it says."""
    assert split_command_line(line) == arguments


def test_wsman_lines_are_split_as_by_dotnet() -> None:
    """CR, LF and CR LF end a line, also across pieces; invalid UTF-8 is replaced."""
    text = "a\nb\r\nc\rd\r\n\r\nü😀\n\xff".encode() + b"\xff\nlast"
    expected = ["a", "b", "c", "d", "", "ü😀", "ÿ\ufffd", "last"]
    for size in (1, 2, 3, 100):
        splitter = LineSplitter()
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        lines = [line for piece in pieces for line in splitter.feed(piece)]
        assert [*lines, *splitter.feed(b"", end=True)] == expected


def line(program: str, *arguments: str) -> CommandLine:
    """Return a WinRS command line."""
    return CommandLine("", program, " ".join(arguments), arguments)


@pytest.mark.parametrize("name", ["PowerShell", "powershell", "powershell.exe"])
def test_wsman_encoded_commands_are_decoded(name: str) -> None:
    """The command lines of ansible-core 2.19 and 2.21 are decoded, in one part or in several."""
    words = (name, *POWERSHELL, encoded("'x'"))
    assert read_command_line(line(*words), through_cmd=True) == Script("'x'")
    assert read_command_line(line(" ".join(words)), through_cmd=True) == Script("'x'")
    assert read_command_line(line(*words), through_cmd=False) == Script("'x'")


@pytest.mark.parametrize(
    "words",
    [
        ("",),
        ("PowerShell",),
        ("PowerShell", "-Command", "-"),
        ("PowerShell", "-File", "x.ps1"),
        ("PowerShell", *POWERSHELL, "!!!"),
        ("PowerShell", *POWERSHELL, "QQ=="),
        ("PowerShell", *POWERSHELL, f"'{encoded('x')}'"),
        ("type", "x", "|", "PowerShell", *POWERSHELL, encoded("x")),
        ("a.exe", "&", "b.exe"),
    ],
)
def test_wsman_other_command_lines_are_refused(words: tuple[str, ...]) -> None:
    """The lab refuses every other command line for cmd.exe or powershell.exe."""
    assert isinstance(read_command_line(line(*words), through_cmd=True), Unsupported)


def test_wsman_programs_are_found_by_path() -> None:
    """A program's path is quoted for cmd.exe and literal without it."""
    assert read_command_line(line('"C:\\a b.exe"', "c"), through_cmd=True) == Program(
        "C:\\a b.exe", ("c",), through_cmd=True
    )
    assert read_command_line(line("C:\\a b.exe", "c"), through_cmd=False) == Program(
        "C:\\a b.exe", ("c",), through_cmd=False
    )
    assert read_command_line(line("x" * 8192), through_cmd=True) == TooLong()
