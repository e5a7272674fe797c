# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk space that is kept for revoking, which must work on a full disk (rule 7)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

SIZE = 256 * 1024
"""Bytes; ending all grants and erasing them takes a tenth of it."""


class Reserve:
    """A file beside the journal that is deleted when the disk is full."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Make the file if it is missing or incomplete, and the disk has space for it."""
        try:
            if not self._path.exists() or self._path.stat().st_size != SIZE:
                # Random bytes: a file system that compresses keeps no space for zeros.
                self._path.write_bytes(os.urandom(SIZE))
        except OSError:
            # An incomplete file would use up space that the next write needs.
            with suppress(OSError):
                self._path.unlink()

    def exists(self) -> bool:
        """Tell whether there is the file."""
        return self._path.exists()

    def give_up(self) -> bool:
        """Delete the file; tell whether there was one."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
