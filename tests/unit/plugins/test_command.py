# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _powershell_command as c
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import Failure
from hypothesis import example, given
from hypothesis import strategies as st

from lab.wsman.powershell import grammar
from tests.unit.plugins.fakes import PREFIX, script_of
from tests.unit.plugins.package_pc import program_of

# What Windows allows in a path or a person could write: no control characters.
TEXT = st.text(st.characters(exclude_categories=["C"]), max_size=60)


@given(TEXT)
@example("'\u2018\u2019\u201a\u201b")
@example('$(exit 1) `n "x" {0} %PATH% ^&|<>; # \u00fc\U0001f511')
def test_a_quoted_text_is_read_back_as_it_was(text: str) -> None:
    """PowerShell's five single quotes are doubled; nothing else is special between them."""
    assert grammar.parse(c.quoted(text)) == (grammar.Literal(text),)


PROGRAM = grammar.Variable("$program")


@given(TEXT.filter(bool))
def test_the_request_script_holds_the_path_as_data(path: str) -> None:
    """Whatever the path is, the script is the same five statements."""
    assert grammar.parse(c.request_script(path)) == (
        grammar.AsciiEncoding(),
        grammar.Assignment("$program", (path,)),
        grammar.Unless(PROGRAM, (grammar.Literal(c.AGENT_MISSING), PROGRAM, grammar.Exit(127))),
        grammar.Call(PROGRAM, ("request",), with_input=True),
        grammar.Exit(None),
    )


USUAL = {
    "SystemRoot": "C:\\Windows",
    "ProgramFiles": "C:\\Program Files",
    "ProgramW6432": "C:\\Program Files",
}
GERMAN = {"SystemRoot": "D:\\WINNT", "ProgramFiles": "E:\\Programme (x86)", "ProgramW6432": "E:\\Programme"}
BITS_32 = {**GERMAN, "PROCESSOR_ARCHITEW6432": "AMD64"}


@pytest.mark.parametrize(("variables", "system", "agent"), [
    (USUAL, "C:\\Windows\\System32", "C:\\Program Files"),
    (GERMAN, "D:\\WINNT\\System32", "E:\\Programme"),
    (BITS_32, "D:\\WINNT\\Sysnative", "E:\\Programme"),
    ({"ProgramFiles": "C:\\Program Files"}, "\\System32", "C:\\Program Files"),
])  # fmt: skip
def test_places_are_asked_of_windows(variables: dict[str, str], system: str, agent: str) -> None:
    """No drive, no folder's name and no bits are assumed: each place comes from the PC's environment."""
    script = c.program_script(c.of_windows("reg.exe"), "query")
    assert program_of(grammar.parse(script), variables) == rf"{system}\reg.exe"
    script = c.windowed_script(c.of_windows("msiexec.exe"), "/i")
    assert program_of(grammar.parse(script), variables) == rf"{system}\msiexec.exe"
    script = c.request_script(None)
    assert program_of(grammar.parse(script), variables) == rf"{agent}\Latchkey\latchkeyctl.exe"


@given(TEXT)
def test_the_command_line_carries_the_script_unchanged(script: str) -> None:
    """One fixed beginning and one Base64 word: nothing in it can mean anything to any shell."""
    line = c.command_line(script)
    assert re.fullmatch(re.escape(PREFIX) + r"[A-Za-z0-9+/]*=*", line)
    assert script_of(line) == script


def test_a_script_that_does_not_fit_is_refused() -> None:
    """cmd.exe cuts at 8191 characters, so that more is an error of the option and not of the PC."""
    longest = (c.MAX_COMMAND_LINE - len(PREFIX)) // 4 * 3 // 2
    assert len(c.command_line("x" * longest)) <= c.MAX_COMMAND_LINE
    with pytest.raises(Failure) as caught:
        c.command_line("x" * (longest + 1))
    assert caught.value.code == "bad_option"
    assert str(longest + 1) in caught.value.error.message


def test_a_test_command_ends_with_its_own_exit_code() -> None:
    """Behind the operator's text stands what passes its last program's exit code on."""
    call = grammar.Call("C:\\x.exe", (), with_input=False)
    assert grammar.parse(c.test_script("& 'C:\\x.exe'")) == (call, grammar.Exit(None))
