# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""Collects the files that a Windows PC needs to run tests/wine/guest: `python -m tests.wine.take_along FOLDER`.

    FOLDER\runtime\python.exe -I -B FOLDER\tests\wine\guest\__main__.py test_pipes.py

The runtime is the delivered one, with the agent as source; the harness is the
lab's LogonUI (test_installed.py). The PC needs no other files.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from agent.packaging.runtime import runtime, unpack_wheels
from lab.wine.prefix import TEST_PINS
from lab.wine.program_builder import logon_screen
from lab.wine.wine_pc import AGENT_SOURCE

GUEST = Path(__file__).parent / "guest"
_NO_BYTE_CODE = shutil.ignore_patterns("__pycache__")


def take_along(target: Path) -> None:
    """Fill a new folder.

    Raises:
        WorkError: a part cannot be downloaded or made.
    """
    shutil.copytree(runtime(), target / "runtime")
    packages = target / "runtime" / "packages"
    shutil.copytree(AGENT_SOURCE, packages / AGENT_SOURCE.name, ignore=_NO_BYTE_CODE)
    unpack_wheels(TEST_PINS, target / "packages")
    shutil.copytree(GUEST, target / "tests" / "wine" / "guest", ignore=_NO_BYTE_CODE)
    (target / "harness").mkdir()
    shutil.copy2(logon_screen(), target / "harness")


if __name__ == "__main__":
    take_along(Path(sys.argv[1]))
