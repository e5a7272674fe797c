# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quarantine for a damaged journal: its sealed records are overwritten, the rest is set aside."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from .journal import files
from .vault import scrub


def scrub_files(path: Path) -> int:
    """Overwrite all sealed records in the files of a damaged journal; return how many.

    Raises:
        OSError: a file cannot be read or written; what is sealed in it may still be there.
    """
    return sum(_scrub_file(file) for file in files(path))


def _scrub_file(file: Path) -> int:
    content = bytearray(file.read_bytes())
    found = scrub(content)
    if found:
        with file.open("r+b") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    return found


def set_aside(path: Path, now: datetime) -> Path:
    """Rename the files of a damaged journal to an unused name; return it.

    Raises:
        OSError: a file cannot be renamed.
    """
    aside = _free_name(path, now.strftime("%Y%m%d-%H%M%S"))
    # Rename the database last: as long as it keeps its name, this can be done again.
    for file in reversed(files(path)):
        file.replace(aside.with_name(file.name.replace(path.name, aside.name)))
    return aside


def _free_name(path: Path, stamp: str) -> Path:
    """Return a name that sorts after those of older damaged journals."""
    taken = 0
    while (name := path.with_name(f"{path.stem}.damaged-{stamp}-{taken}.db")).exists():
        taken += 1
    return name


def last_aside(path: Path) -> str:
    """Return the name of the journal that was set aside last, empty if there is none."""
    kept = sorted(path.parent.glob(f"{path.stem}.damaged-*.db"))
    return kept[-1].name if kept else ""
