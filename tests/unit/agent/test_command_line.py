# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program reads exactly the arguments that the operator gave."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lab.simulated.argv import split
from latchkey_agent import command_line

PROGRAM = r"C:\Program Files\Lab\tool.exe"
NASTY = st.text(st.sampled_from("ab\\\" \t%^&|<>()!ä€\U0001f600\r\n'`$;,="), max_size=12)


@given(st.lists(NASTY, max_size=5))
@example([""])
@example(["a\\", 'b"c', "\\\\", '\\"', " ", "a b\\"])
def test_a_program_reads_the_arguments_that_were_given(arguments: list[str]) -> None:
    """Split by the documented rules, the line gives the program's path and each argument, letter by letter."""
    assert split(command_line.written(PROGRAM, arguments)) == [PROGRAM, *arguments]


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ('x "a b c" d e', ["a b c", "d", "e"]),
        ('x "ab\\"c" "\\\\" d', ['ab"c', "\\", "d"]),
        ('x a\\\\\\b d"e f"g h', ["a\\\\\\b", "de fg", "h"]),
        ('x a\\\\\\"b c d', ['a\\"b', "c", "d"]),
        ('x a\\\\\\\\"b c" d e', ["a\\\\b c", "d", "e"]),
        ('x a"b"" c d', ['ab" c d']),
    ],
)
def test_the_labs_splitter_follows_microsofts_examples(line: str, arguments: list[str]) -> None:
    """The examples are those of the page "Parsing C command-line arguments" (Microsoft Learn)."""
    assert split(line)[1:] == arguments


def test_a_percent_sign_stays_as_it_is() -> None:
    """No shell reads the line, so no variable is replaced."""
    assert command_line.written(r"C:\a.exe", ["%PATH%", "$env:x", "`x`"]) == r'"C:\a.exe" %PATH% $env:x `x`'


def test_windows_counts_in_utf_16() -> None:
    """A character beyond U+FFFF counts twice."""
    assert command_line.length("aä\U0001f600") == 4


@pytest.mark.parametrize(
    ("program", "is_batch"),
    [("C:\\a.bat", True), ("C:\\a.CMD ..", True), ("C:\\a.bat.exe", False), ("C:\\bat", False)],
)
def test_a_batch_file_is_known_by_its_name(program: str, is_batch: bool) -> None:  # noqa: FBT001
    """Windows ignores dots and spaces at the end of a name."""
    assert command_line.is_batch(program) is is_batch
