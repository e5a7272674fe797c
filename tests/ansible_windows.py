# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection ansible.windows, to compare with and to use in a step, from the pinned wheel of the package `ansible`.

The wheel is the smallest source of it that pip gets. It is downloaded once for a checkout; nothing of it is installed,
and nothing of it is part of this repository.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from agent.packaging.artefacts import pins
from agent.packaging.workshop import WorkError
from tools import setup

FOLDER = setup.ROOT / "build/ansible.windows"
COLLECTIONS = FOLDER / "collections"
_PREFIX = "ansible_collections/ansible/windows/"
_MARK = COLLECTIONS / "latchkey.stamp"


def prepare() -> Path:
    """Return the folder of collections with the pinned release of ansible.windows.

    Raises:
        SetupError: the wheel cannot be downloaded.
        WorkError: the wheel is not pinned.
    """
    wanted = pins("bench")
    with setup.alone():
        if not (_MARK.exists() and _MARK.read_text(encoding="utf-8") == wanted):
            _unpack(_download(wanted))
            _MARK.write_text(wanted, encoding="utf-8")
    return COLLECTIONS


def require() -> Path:
    """Return the folder of collections; leave the test out where the wheel cannot be had."""
    __tracebackhide__ = True
    try:
        return prepare()
    except (setup.SetupError, WorkError) as error:
        reason = str(error).partition("\n")[0]
        pytest.skip(f"the wheel of ansible, which has ansible.windows, cannot be downloaded ({reason})")


def _download(pinned: str) -> Path:
    setup.say("fetching the wheel of ansible")
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
