# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests with PCs again and again on a busy machine; count those that fail by chance.

`python -m tools.soak RUNS [TEST ...]`. Each run is written to build/soak as it ends, so an interrupted soak keeps what
it has found.
"""

from __future__ import annotations

import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tools.run_tests import PYTEST, ROOT, SHARED, WAITING_AT_ONCE, waiting_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOLDER = ROOT / "build" / "soak"
BUSY = "while True: pass"
"""The load: one processor has nothing but this to do."""
USAGE = 2


class Run(NamedTuple):
    """One run: how many tests ran, the names of those that failed, the seconds."""

    tests: int
    failed: list[str]
    seconds: float


@contextmanager
def load() -> Iterator[None]:
    """Keep one processor busy."""
    busy = subprocess.Popen([sys.executable, "-c", BUSY], stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        busy.kill()
        busy.wait()


def read(report: Path) -> tuple[int, list[str]]:
    """Return the number of tests in a report in JUnit's format, and the names of those that failed."""
    cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314 - pytest has just written it
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    return len(cases), sorted({f"{case.get('classname')}::{case.get('name')}" for case in bad})


def once(number: int, tests: list[str]) -> Run:
    """Run the tests once; keep output and report in build/soak.

    Raises:
        OSError: pytest wrote no report; its output says why.
    """
    report, started = FOLDER / f"{number}.xml", time.monotonic()
    report.unlink(missing_ok=True)
    options = ("-q", "-n", WAITING_AT_ONCE, *SHARED, f"--junitxml={report}")
    with (FOLDER / f"{number}.txt").open("wb") as output, load():
        subprocess.run([*PYTEST, *options, *tests], cwd=ROOT, stdout=output, stderr=output, check=False)
    return Run(*read(report), time.monotonic() - started)


def main(arguments: list[str]) -> int:
    """Run all; return 0 only if no test failed in any run."""
    runs, tests = arguments[:1], arguments[1:] or waiting_folders()
    if not runs or not runs[0].isdigit() or int(runs[0]) < 1:
        print("soak: say how many runs, for example: make soak RUNS=20", file=sys.stderr)
        return USAGE
    FOLDER.mkdir(parents=True, exist_ok=True)
    failures: Counter[str] = Counter()
    for number in range(1, int(runs[0]) + 1):
        run = once(number, tests)
        failures.update(run.failed)
        told = ", ".join(run.failed) or "none failed"
        print(f"run {number} of {runs[0]}: {run.tests} tests in {run.seconds:.0f} s; {told}", flush=True)
    for name, count in failures.most_common():
        print(f"{count} of {runs[0]} runs: {name}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
