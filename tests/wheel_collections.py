# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections of others, out of the pinned wheels of the package `ansible`.

The wheel is the smallest source of them that pip gets. It is downloaded once for a checkout; nothing of it is
installed, and nothing of it is part of this repository.
"""

from __future__ import annotations

import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.packaging.artefacts import pins
from agent.packaging.workshop import WorkError
from tools import setup


@dataclass(frozen=True)
class WheelCollection:
    """A collection: its name, and the group of `pyproject.toml` that pins the wheel."""

    name: str
    group: str

    @property
    def folder(self) -> Path:
        """The folder of the downloaded and unpacked files."""
        return setup.ROOT / "build" / self.name

    @property
    def collections(self) -> Path:
        """The folder to give to Ansible."""
        return self.folder / "collections"

    def prepare(self) -> Path:
        """Return the folder of collections with the pinned release.

        Raises:
            SetupError: the wheel cannot be downloaded.
            WorkError: the wheel is not pinned.
        """
        wanted = pins(self.group)
        stamp = self.collections / "latchkey.stamp"
        with setup.alone():
            if not (stamp.exists() and stamp.read_text(encoding="utf-8") == wanted):
                self._unpack(self._download(wanted))
                stamp.write_text(wanted, encoding="utf-8")
        return self.collections

    def require(self) -> Path:
        """Return the folder of collections; leave the test out where the wheel cannot be had."""
        __tracebackhide__ = True
        try:
            return self.prepare()
        except (setup.SetupError, WorkError) as error:
            reason = str(error).partition("\n")[0]
            pytest.skip(f"the wheel of ansible, which has {self.name}, cannot be downloaded ({reason})")

    def _download(self, pinned: str) -> Path:
        setup.say("fetching the wheel of ansible")
        pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "download")
        # Only its files are needed: ignore its dependencies and its required Python.
        only = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes")
        listed = self.folder / "pins.txt"
        listed.parent.mkdir(parents=True, exist_ok=True)
        listed.write_text(pinned, encoding="utf-8")
        setup.run(*pip, *only, f"--requirement={listed}", f"--dest={self.folder}")
        return max(self.folder.glob("ansible-*.whl"), key=lambda wheel: wheel.stat().st_mtime)

    def _unpack(self, wheel: Path) -> None:
        prefix = f"ansible_collections/{self.name.replace('.', '/')}/"
        with zipfile.ZipFile(wheel) as files:
            files.extractall(self.collections, [name for name in files.namelist() if name.startswith(prefix)])
        wheel.unlink()
