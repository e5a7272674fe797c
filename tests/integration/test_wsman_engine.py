# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lab's PowerShell compared with the real engine, if it is available."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lab.wsman.host import LocalHost, Process
from lab.wsman.interpreter import run_script
from lab.wsman.streams import LineSplitter
from tests.integration.wsman_fixtures import PROGRAM

ROOT = Path(__file__).parents[2]
ARCHIVE = ROOT.parent / "shared" / "powershell" / "engine-7.6.9-linux-x64.tar.xz"
LEGACY = "$PSNativeCommandArgumentPassing = 'Legacy'\n"
"""Makes PowerShell 7 pass arguments as Windows PowerShell 5.1 does."""

ASCII = "$OutputEncoding = [Text.Encoding]::ASCII\n"


@pytest.fixture(scope="session")
def engine() -> Path:
    """The real engine, unpacked once below build/."""
    if not ARCHIVE.exists():
        pytest.skip("no PowerShell engine: ../shared/powershell is not beside the checkout")
    if platform.machine() != "x86_64":
        pytest.skip("the PowerShell engine is for x86_64 only")
    home = ROOT / "build" / ARCHIVE.name.removesuffix(".tar.xz")
    if not home.exists():
        home.parent.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=home.parent))
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(fresh, filter="data")
        # Another worker may have been faster; its copy then serves both.
        with suppress(OSError):
            fresh.rename(home)
        shutil.rmtree(fresh, ignore_errors=True)
    return home / "powershell"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """The test program as an executable file: the engine starts it by its path."""
    file = tmp_path / "report"
    file.write_text(f"#!{sys.executable} -IS\n{PROGRAM.read_text(encoding='utf-8')}", "utf-8")
    file.chmod(0o755)
    return file


@dataclass
class Collector:
    """A console that records; lines end as on Linux, where the engine runs."""

    given: bytes
    out: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _lines: LineSplitter = field(default_factory=LineSplitter)

    def lines(self) -> Iterator[str]:
        """Yield the input, split as from a pipe."""
        return iter(LineSplitter().feed(self.given, end=True))

    def stop_input(self) -> None:
        """Do nothing: no reader waits."""

    def output(self, text: str) -> None:
        """Record an output object."""
        self.out.append(text)

    def error(self, text: str, error_id: str) -> None:
        """Record an error record."""
        self.errors.append(f"{error_id}: {text}")

    def program_output(self, data: bytes) -> None:
        """Record a program's output, line by line."""
        self.out.extend(self._lines.feed(data))

    def program_error(self, data: bytes) -> None:
        """Record a program's error output."""
        self.errors.append(data.decode())

    def started(self, process: Process) -> None:
        """Do nothing: the program ends by itself."""

    def ended(self) -> None:
        """Record a last line without a newline."""
        self.out.extend(self._lines.feed(b"", end=True))


@dataclass(frozen=True)
class Result:
    """The result of a script: exit code, output lines, and whether an error was written."""

    code: int
    out: list[str]
    failed: bool


def ours(script: str, given: bytes, program: Path) -> Result:
    """Return the lab's result of a script."""
    start = (sys.executable, "-I", "-S", os.fspath(PROGRAM))
    host = LocalHost(
        root=program.parent, programs={os.fspath(program): start}, passwords={}, variables=VARIABLES
    )
    console = Collector(given)
    outcome = run_script(script, host, "operator", console)
    out = "\n".join(console.out).replace("\\r\\n", "\\n").split("\n") if console.out else []
    return Result(outcome.process_code, out, bool(console.errors))


def theirs(script: str, given: bytes, engine: Path) -> Result:
    """Return the engine's result of a script."""
    encoded = base64.b64encode((LEGACY + script).encode("utf-16-le")).decode("ascii")
    done = subprocess.run(
        [engine, "-NoProfile", "-NonInteractive", "-EncodedCommand", encoded],
        input=given,
        capture_output=True,
        timeout=150,
        check=False,
        env={**os.environ, **VARIABLES},
    )
    # Only LF: Python splits lines at more characters than PowerShell.
    out = done.stdout.decode().removesuffix("\n").split("\n") if done.stdout else []
    return Result(done.returncode, out, bool(done.stderr))


SCRIPT = """if (-not [IO.File]::Exists('{program}')) {{ 'no agent'; exit 127 }}
$input | & '{program}' 'report' 'x y'
exit $LASTEXITCODE"""

SCRIPTS = {
    "script of the collection": SCRIPT,
    "script without the program": SCRIPT.replace("{program}", "{program}-none"),
    "arguments": """& '{program}' report a 'b c' '' '{{"a": "b c"}}' 'x"y' 'c:\\dir\\'
& '{program}' report a=b -x --long-opt /y 1.0 007 C:\\x.y a:b a+b _ 'it''s' 10 -1
& '{program}' report 'p"q r"s t' '\\\\' 'a\\"b' '"' ' '
exit 0""",
    "quotes": """'it\u2019\u2018s'; \u2018a''b\u201a; \u201bc\u2019; 'd\u201b\u201be'
'two
lines'""",
    "code of the last program": "& '{program}' exit 42\nexit $LASTEXITCODE",
    "code that is printed": "& '{program}' exit 42\n$LASTEXITCODE",
    "code of no program": "$LASTEXITCODE\n'x'",
    "code of a missing program": "& '/none/such' | Out-Null\n$LASTEXITCODE\nexit 0",
    "failure without exit": "'x'\n& '{program}' exit 42",
    "exit before the end": "exit 3\n'never'",
    "exit without a code": "& '{program}' exit 42;exit",
    "exit without a program": "exit $LASTEXITCODE",
    "missing program": "'before'\n& '/none/such'\n'after'\nexit $LASTEXITCODE",
    "missing program at the end": "& '/none/such'",
    "variable after a failure": "$x = '1'\n& '{program}' exit 42\n$x",
    "assignment after a failure": "& '{program}' exit 42\n$x = '1'",
    "joined text after a failure": "& '{program}' exit 42\n$x = '1' + $env:LAB_PLACE",
    "guard after a failure": "& '{program}' exit 42\nif ($env:LAB_NONE) {{ 'wrong' }}",
    "place from the environment": """$place = $env:LAB_PLACE + '/x' + $env:LAB_NONE
if ($env:LAB_NONE) {{ 'wrong' }}
if (-not $env:LAB_NONE) {{ $Place = $place + 'y'; $place }}
if ($ENV:LAB_PLACE) {{ $place }}
if (-not $env:LAB_PLACE) {{ 'wrong' }}
$program = '{program}'
if (-not [IO.File]::Exists($place)) {{ 'no file' }}
& $program report 'a b'
& $program exit 42
exit $LASTEXITCODE""",
}
VARIABLES = {"LAB_PLACE": "/pl ace"}

INPUT = "plain\n\u00e4\u20ac\U0001f600|\r\ntab\tend\rlast without newline".encode()


def test_wsman_engine_agrees(engine: Path, program: Path) -> None:
    """The lab and the real engine agree on exit code, output, arguments and input of each script."""
    scripts = {name: ASCII + text.format(program=program) for name, text in SCRIPTS.items()}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        real = dict(zip(scripts, pool.map(lambda s: theirs(s, INPUT, engine), scripts.values()), strict=True))
    assert {name: ours(text, INPUT, program) for name, text in scripts.items()} == real


def test_wsman_engine_agrees_on_random_arguments(engine: Path, program: Path) -> None:
    """The lab and the real engine pass thirty lists of awkward arguments alike."""
    chance = random.Random(4711)  # noqa: S311 - the same in every run
    calls = []
    for _ in range(30):
        arguments = ["".join(chance.choices("ab \"'\\\\{}:,;|&$()", k=8)) for _ in range(3)]
        sound = [text.rstrip("\\") + "." for text in arguments]
        quoted = " ".join("'" + text.replace("'", "''") + "'" for text in sound)
        calls.append(f"& '{program}' report {quoted}")
    script = "\n".join([*calls, "exit 0"])
    mine, real = ours(script, b"", program), theirs(script, b"", engine)
    assert len(mine.out) == len(calls)
    pairs = zip(calls, map(json.loads, mine.out), map(json.loads, real.out), strict=True)
    assert [(call, a, b) for call, a, b in pairs if a != b] == []
