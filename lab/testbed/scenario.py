# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the molecule scenario of the collection: `python -m lab.testbed.scenario [STEP]`, by default `test`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "molecule"
"""The folder in which molecule keeps its state between two steps, such as `converge` and `verify`."""


def start(step: str, folder: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start a step of molecule, as `test` or `converge`, with its state in a folder; `options` are those of Popen."""
    # Molecule finds ansible-playbook on the search path.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": path,
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build" / "collections"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(folder),
    }
    command = [sys.executable, "-m", "molecule", step, "--scenario-name", "default"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, **options)


def main(step: str = "test") -> int:
    """Run a step; return molecule's exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with start(step, FOLDER) as process:
        return process.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
