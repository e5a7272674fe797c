# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ansible.windows collection for comparison, from the wheel of the `ansible` package."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

from agent.packaging.artefacts import pins
from tools import setup

FOLDER = setup.ROOT / "build/benchmarks"
COLLECTIONS = FOLDER / "collections"
_PREFIX = "ansible_collections/ansible/windows/"


def prepare() -> Path:
    """Return the folder of collections with the pinned release of ansible.windows.

    Raises:
        SetupError: the wheel cannot be downloaded.
        WorkError: the wheel is not pinned.
    """
    mark = COLLECTIONS / "latchkey.stamp"
    wanted = pins("bench")
    if not (mark.exists() and mark.read_text(encoding="utf-8") == wanted):
        _unpack(_download(wanted))
        mark.write_text(wanted, encoding="utf-8")
    return COLLECTIONS


def _download(pinned: str) -> Path:
    setup.say("fetching the ansible wheel for comparison")
    pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download")
    # Only its files are needed: ignore its dependencies and its required Python.
    only = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes")
    listed = FOLDER / "pins.txt"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text(pinned, encoding="utf-8")
    setup.run(*pip, *only, f"--requirement={listed}", f"--dest={FOLDER}")
    return max(FOLDER.glob("ansible-*.whl"), key=lambda wheel: wheel.stat().st_mtime)


def _unpack(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as files:
        files.extractall(COLLECTIONS, [name for name in files.namelist() if name.startswith(_PREFIX)])
    wheel.unlink()
