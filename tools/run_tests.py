# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests, then check the branch coverage of domain, journal and vault.

The unit tests compute; the others mostly wait for PCs that restart. So the
two run beside each other, and the waiting ones several files at a time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import hidden_packages

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "agent/src/latchkey_agent"
# What decides, what remembers and what seals: every branch is tested.
WHOLE = (f"{PACKAGE}/domain/*", f"{PACKAGE}/storage/journal.py", f"{PACKAGE}/storage/vault.py")
PYTEST = (sys.executable, "-m", "pytest")
WAITING_AT_ONCE = "4"
ON_WINE = ("--pc", "wine")
END_TO_END = "tests/lab"
WINE_AT_ONCE = "3"
WITHOUT = "--without"
# In the order of tests/sharing.py, which says what stays together, too.
SHARED = ("--dist", "loadscope", "--no-loadscope-reorder")


def coverage(*arguments: str) -> int:
    """Run coverage.py with these arguments; return its exit code."""
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT, check=False).returncode


def waiting_folders() -> list[str]:
    """Return the test folders that are not unit tests."""
    folders = (path for path in (ROOT / "tests").iterdir() if path.name not in {"unit", "sanity", "matrix"})
    return sorted(f"tests/{path.name}" for path in folders if any(path.rglob("test_*.py")))


def run_all() -> int:
    """Run everything, the unit tests in sight and the others beside them; return the exit code."""
    print("The tests with PCs run beside the unit tests; their report follows below.", flush=True)
    report = ROOT / "build" / "tests-with-pcs.txt"
    report.parent.mkdir(exist_ok=True)
    with report.open("w", encoding="utf-8") as stream:
        options = ("-n", WAITING_AT_ONCE, *SHARED, "--durations=40", *waiting_folders())
        beside = subprocess.Popen([*PYTEST, *options], cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT)
        units = coverage("run", "-m", "pytest", "tests/unit")
        print("waiting for the tests with PCs", flush=True)
        others = beside.wait()
    print(report.read_text(encoding="utf-8"), flush=True)
    if units or others:
        return units or others
    print("branch coverage of the domain, the journal and the vault (100 % is required):", flush=True)
    return coverage("report", f"--include={','.join(WHOLE)}", "--fail-under=100")


def run_without(words: str, selection: list[str]) -> int:
    """Run tests as on a computer without some packages of tools/system-packages.txt; return the exit code.

    Args:
        words: the packages (`hidden_packages.named`).
        selection: as `main` takes it.
    """
    try:
        packages = hidden_packages.with_dependants(hidden_packages.named(words))
        programs = hidden_packages.programs_of(packages, os.environ["PATH"])
    except hidden_packages.HidingError as error:
        print(f"WITHOUT: {error}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="latchkey-without-") as folder:
        os.environ["PATH"] = hidden_packages.hide(programs, os.environ["PATH"], Path(folder))
        print(f"hidden: {' '.join(sorted(packages))}", flush=True)
        return main(selection)


def main(selection: list[str]) -> int:
    """Run the selected tests, or all and the coverage gate, or all that a Wine PC can play; return the exit code."""
    if selection[:1] == [WITHOUT]:
        return run_without(selection[1], selection[2:])
    if not selection:
        return run_all()
    if selection == [*ON_WINE]:
        selection += ["-n", WINE_AT_ONCE, *SHARED, "--durations=15", END_TO_END]
    failed = subprocess.run([*PYTEST, *selection], cwd=ROOT, check=False).returncode
    print("left out: the coverage gate, since only some tests were selected")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
