# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs in the customer's session: the product's own port.

Wine has one account, whose token is elevated. So the choice of the token is tested with stand-ins for the answers of
Windows, and the programs run with Wine's own token.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import win32api
import win32con
import win32process
import win32security
import win32ts

from latchkey_agent import command_line
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import MOST_OUTPUT, PortError, ProgramOrder
from latchkey_agent.windows.ports import customer_programs
from latchkey_agent.windows.win32 import limited_token

from .conftest import needs_system

ANNA = Account("S-1-5-21-0-0-0-1000", "anna", "PC", "local")
NASTY = [
    "",
    "a b",
    'say "hello"',
    "back\\",
    'a\\"b\\\\" c\\\\',
    "%PATH%",
    "| & < >",
    "Grüße Łódź",
    "tab\t",
    "x" * 8000,
]


def order(code: str, *arguments: str, folder: str = "") -> ProgramOrder:
    """Return the order to run this Python code."""
    program = str(Path(sys.executable).with_name("python.exe"))
    line = command_line.written(program, ["-I", "-B", "-c", code, *arguments])
    return ProgramOrder(1, ANNA, program, line, folder)


def wines_token(session_id: int, _sid: str) -> int:
    """Return the one token that Wine has."""
    return win32ts.WTSQueryUserToken(session_id)


@pytest.fixture
def prepare() -> Iterator[Callable[..., customer_programs.RunningProgram]]:
    """Prepare programs, and end them with the test."""
    needs_system("get the token of a session")
    made: list[customer_programs.RunningProgram] = []

    def one(*arguments: Any, **options: Any) -> customer_programs.RunningProgram:
        port = customer_programs.WindowsPrograms(wines_token)
        made.append(port.prepare(order(*arguments, **options)))
        return made[-1]

    yield one
    for program in made:
        program.close()


def test_arguments_streams_and_exit_code(prepare: Callable[..., Any]) -> None:
    """The program gets each argument as it is, prints to both streams, and its exit code is unsigned."""
    code = (
        "import json, os, sys; sys.stdout.write(json.dumps(sys.argv[1:]) + sys.stdin.read());"
        "sys.stderr.write('fault'); sys.stdout.flush(); sys.stderr.flush(); os._exit(-1)"
    )
    program = prepare(code, *NASTY)
    program.resume()
    assert program.wait(60) == 0xFFFFFFFF
    output = program.output()
    assert json.loads(output.stdout) == NASTY
    assert (output.stderr, output.stdout_cut, output.stderr_cut) == ("fault", False, False)


def test_windows_splits_the_line_as_it_was_written() -> None:
    """Windows' own CommandLineToArgvW reads the arguments back."""
    shell, kernel = ctypes.WinDLL("shell32"), ctypes.WinDLL("kernel32")
    shell.CommandLineToArgvW.restype = ctypes.POINTER(ctypes.c_wchar_p)
    kernel.LocalFree.argtypes = (ctypes.c_void_p,)
    count = ctypes.c_int()
    line = command_line.written(r"C:\a b\c.exe", NASTY)
    parts = shell.CommandLineToArgvW(ctypes.c_wchar_p(line), ctypes.byref(count))
    assert [parts[place] for place in range(count.value)] == [r"C:\a b\c.exe", *NASTY]
    kernel.LocalFree(parts)


def test_nothing_runs_before_it_is_resumed(prepare: Callable[..., Any], tmp_path: Path) -> None:
    """A program that is revoked meanwhile has run no line of its code."""
    mark = tmp_path / "ran"
    program = prepare("import sys; open(sys.argv[1], 'w').close()", str(mark))
    assert program.wait(0.5) is None
    program.kill()
    assert program.wait(20) == customer_programs.ENDED_BY_US
    assert not mark.exists()


def test_the_limit_is_over_while_a_child_runs(prepare: Callable[..., Any]) -> None:
    """The end is that of the whole tree. To kill it ends the child, which holds the streams, too."""
    code = (
        "import subprocess, sys; print('parent', flush=True);"
        "subprocess.Popen([sys.executable, '-I', '-c', 'import time; time.sleep(600)'])"
    )
    program = prepare(code)
    program.resume()
    assert program.wait(8) is None
    program.kill()
    assert program.wait(20) is not None
    assert program.output().stdout.strip() == "parent"


def test_closing_ends_what_still_runs(prepare: Callable[..., Any]) -> None:
    """So does the end of the agent, which closes its handles (JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)."""
    program = prepare("import time; time.sleep(600)")
    program.resume()
    watched = win32api.OpenProcess(
        win32con.PROCESS_QUERY_INFORMATION,
        False,  # noqa: FBT003 - positional in Windows
        win32process.GetProcessId(program._process),
    )
    program.close()
    until = time.monotonic() + 20
    while win32process.GetExitCodeProcess(watched) == win32con.STILL_ACTIVE and time.monotonic() < until:
        time.sleep(0.1)
    assert win32process.GetExitCodeProcess(watched) != win32con.STILL_ACTIVE


def test_a_flood_is_read_to_its_end_and_cut(prepare: Callable[..., Any]) -> None:
    """The program is never blocked by a full pipe."""
    program = prepare("import sys; [sys.stdout.write('x' * 100000) for _ in range(20)]")
    program.resume()
    assert program.wait(60) == 0
    output = program.output()
    assert (len(output.stdout), output.stdout_cut) == (MOST_OUTPUT, True)


def test_the_working_folder_and_the_environment_are_the_accounts(prepare: Callable[..., Any]) -> None:
    """By default it works in the account's profile; the agent's own variables are not there."""
    code = "import os; print(os.getcwd()); print(os.environ['USERPROFILE'])"
    program = prepare(code)
    program.resume()
    assert program.wait(60) == 0
    folder, profile = program.output().stdout.split("\n")[:2]
    assert folder.strip().lower() == profile.strip().lower()
    chosen = prepare(code, folder="C:\\windows")
    chosen.resume()
    assert chosen.wait(60) == 0
    assert chosen.output().stdout.lower().startswith("c:\\windows")


def test_windows_reason_is_told(prepare: Callable[..., Any]) -> None:
    """A missing program has Windows' own words and number."""
    missing = order("")._replace(program="C:\\none.exe", command_line='"C:\\none.exe"')
    needs_system("get the token of a session")
    with pytest.raises(PortError, match=r"starting C:\\none.exe failed: .+ \(Windows error 2\)"):
        customer_programs.WindowsPrograms(wines_token).prepare(missing)
    with pytest.raises(PortError, match="Windows error"):
        prepare("", folder="C:\\none\\at all")


@pytest.mark.parametrize(
    ("elevation", "elevated", "sid", "wrong"),
    [
        (3, False, ANNA.sid, ""),
        (1, False, ANNA.sid, ""),
        (2, False, ANNA.sid, ""),
        (2, True, ANNA.sid, "without administrator rights"),
        (1, True, ANNA.sid, "without administrator rights"),
        (3, False, "S-1-5-21-1-2-3-4", "another account"),
    ],
)
def test_only_a_token_without_administrator_rights_is_used(
    monkeypatch: pytest.MonkeyPatch, elevation: int, elevated: bool, sid: str, wrong: str  # noqa: FBT001
) -> None:  # fmt: skip
    """Of an administrator's two tokens the limited one; of an account that has elevated ones only, none.

    The answers are those of the pages "TOKEN_ELEVATION_TYPE" and "TOKEN_LINKED_TOKEN" (Microsoft Learn).
    """
    answers = {
        win32security.TokenUser: (win32security.ConvertStringSidToSid(sid), 0),
        win32security.TokenElevationType: elevation,
        win32security.TokenElevation: int(elevated),
        win32security.TokenLinkedToken: "linked",
    }
    monkeypatch.setattr(win32ts, "WTSQueryUserToken", lambda _session: "of the session")
    monkeypatch.setattr(win32security, "GetTokenInformation", lambda _token, what: answers[what])
    monkeypatch.setattr(win32security, "DuplicateTokenEx", lambda token, *_: f"{token} as primary")
    if wrong:
        with pytest.raises(PortError, match=wrong):
            limited_token.of_session(1, ANNA.sid)
    else:
        expected: Any = "linked as primary" if elevation == limited_token.FULL else "of the session"
        assert limited_token.of_session(1, ANNA.sid) == expected
