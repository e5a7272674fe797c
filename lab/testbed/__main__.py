# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run integration targets of the collection on a lab PC: `python -m lab.testbed [TARGET ...]`, by default all."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from lab.computer import LabError
from lab.testbed import bed
from lab.testbed.integration_targets import Tree, names
from tools.sanity import CheckoutError

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "integration"
WRONG_USE = 2
FAILED = 1


def main(targets: list[str]) -> int:
    """Run the targets with ansible-test; return its exit code."""
    if unknown := sorted(set(targets) - set(names())):
        print(f"integration: no target {', '.join(unknown)}. Targets: {', '.join(names())}", file=sys.stderr)
        return WRONG_USE
    shutil.rmtree(FOLDER / "pcs", ignore_errors=True)
    try:
        with bed.running(FOLDER / "pcs") as inventory:
            tree = Tree(FOLDER)
            tree.make(inventory)
            with tree.start(targets) as process:
                return process.wait()
    except (CheckoutError, LabError) as fault:
        print(f"integration: {fault}", file=sys.stderr)
        return FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
