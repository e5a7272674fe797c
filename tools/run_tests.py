# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tests, then hold the core's branch coverage against what is promised for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "agent/src/latchkey_agent"
# What decides, what remembers and what seals: every branch is tested.
WHOLE = (f"{PACKAGE}/domain/*", f"{PACKAGE}/journal.py", f"{PACKAGE}/vault.py")


def coverage(*arguments: str) -> int:
    """Run coverage.py with these arguments; return its exit code."""
    return subprocess.run([sys.executable, "-m", "coverage", *arguments], cwd=ROOT, check=False).returncode


def main(selection: list[str]) -> int:
    """Run the selected tests, or all and the coverage gate; return the exit code."""
    failed = coverage("run", "-m", "pytest", *selection)
    if failed or selection:
        if selection:
            print("left out: the coverage gate, since only some tests were selected")
        return failed
    print("branch coverage of the domain, the journal and the vault (100 % is required):", flush=True)
    return coverage("report", f"--include={','.join(WHOLE)}", "--fail-under=100")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
