# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The collection's exact command lines run in the real PowerShell engine, if it is available."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ansible_collections.latchkey.consent.plugins.plugin_utils._powershell_command import (
    AGENT_MISSING,
    at,
    command_line,
    of_windows,
    program_script,
    quoted,
    request_script,
    windowed_script,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._powershell_command import (
    test_script as script_of_test,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._remote_words import words

from tests.integration.test_wsman_engine import engine

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["engine"]

AWKWARD = [
    *("plain", "two words", "O'Neill\u2019s \u2018x\u201a \u201b", "$(throw) `n $x"),
    *('double "q"', "a;b|c&d{}()", "\u00fc\U0001f511"),
]
ECHO = """\
#!{python} -IS
import sys
sys.stdout.write(repr((sys.argv[1:], sys.stdin.read())))
sys.exit(7)
"""


def run(
    engine: Path, script: str, given: bytes = b"", variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a script by its command line; only the program's name is replaced by the engine's."""
    _name, *arguments = command_line(script).split(" ")
    # The engine's host has no option for the execution policy; on Windows it is part of the line.
    kept = [word for word in arguments if word not in {"-ExecutionPolicy", "Unrestricted"}]
    environment = {**os.environ, **(variables or {})}
    return subprocess.run(
        [engine, *kept], input=given, capture_output=True, timeout=60, check=False, env=environment
    )


def test_a_program_of_any_name_gets_the_request(engine: Path, tmp_path: Path) -> None:
    """The program gets one argument and the whole line, and the script returns its exit code."""
    line = b'{"verb":"info","session":"a \\u00fc \\"q\\" $x"}\n'
    for name in AWKWARD:
        (tmp_path / name).write_text(ECHO.format(python=sys.executable), encoding="utf-8")
        (tmp_path / name).chmod(0o755)

    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda name: run(engine, request_script(str(tmp_path / name)), line), AWKWARD)

    for name, done in zip(AWKWARD, runs, strict=True):
        assert (done.returncode, done.stderr) == (7, b""), name
        assert done.stdout.decode().strip() == repr((["request"], line.decode())), name


def test_a_missing_program_is_reported(engine: Path, tmp_path: Path) -> None:
    """For a missing program the script prints one word and ends with 127."""
    done = run(engine, request_script(str(tmp_path / "none")), b"{}\n")
    place = str(tmp_path / "none")
    assert (done.returncode, done.stdout.decode().split()) == (127, [AGENT_MISSING, place])


def test_places_come_from_the_environment(engine: Path) -> None:
    """The script asks Windows for the folder of 64-bit programs, and for Windows' own in a 32-bit process too."""
    usual = {
        "SystemRoot": "D:\\WINNT",
        "ProgramFiles": "E:\\Programme (x86)",
        "ProgramW6432": "E:\\Programme",
    }
    old = {"ProgramFiles": "E:\\Programme"}
    for variables, place in ((usual, "E:\\Programme"), (old, "E:\\Programme")):
        done = run(engine, request_script(None), b"{}\n", variables)
        assert done.stdout.decode().splitlines() == [AGENT_MISSING, rf"{place}\Latchkey\latchkeyctl.exe"]
    for variables, folder in (
        (usual, "System32"),
        ({**usual, "PROCESSOR_ARCHITEW6432": "AMD64"}, "Sysnative"),
    ):
        done = run(engine, program_script(of_windows("reg.exe"), "query"), b"", variables)
        said = words(done.stderr)
        assert done.stdout == b""
        assert rf"'D:\WINNT\{folder}\reg.exe' is not recognized" in said


def test_a_windowed_program_is_waited_for_and_its_exit_code_is_printed(engine: Path, tmp_path: Path) -> None:
    """The program gets each word as one argument; the script drops the program's own output."""
    program = tmp_path / "msiexec"
    report = tmp_path / "report"
    text = ECHO.replace("sys.stdout.write(", f"open({str(report)!r}, 'w').write(").format(
        python=sys.executable
    )
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    arguments = ("/i", "C:\\Users\\Anna Bell\\x.msi", "/qn", "KEEPRECEIPTS=1")
    done = run(engine, windowed_script(at(str(program)), *arguments))
    assert (done.returncode, done.stdout) == (0, b"7\n")
    assert report.read_text() == repr((list(arguments), ""))


def test_the_exit_code_of_a_test_command_is_returned(engine: Path, tmp_path: Path) -> None:
    """A test command returns the last program's exit code, 1 for a thrown error, or its explicit exit code."""
    program = tmp_path / "program"
    program.write_text(ECHO.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    call = f"& {quoted(str(program))}"
    texts = {"'fine'": 0, "throw 'not yet'": 1, "exit 5": 5, call: 7, f"{call}\n'fine'": 7}
    with ThreadPoolExecutor(2) as pool:
        codes = pool.map(lambda text: run(engine, script_of_test(text)).returncode, texts)
        assert dict(zip(texts, codes, strict=True)) == texts
