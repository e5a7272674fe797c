# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab at a time in a folder, and a private folder for it that a killed lab does not leave for ever."""

from __future__ import annotations

import fcntl
import multiprocessing.util
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from lab.computer import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "latchkey-lab-"
PREFIXES = (PREFIX, "pymp-")
"""Of the lab's private folder, and of the one in which multiprocessing keeps the fork server's socket."""


def lock_of(folder: Path) -> Path:
    """Return the file beside a folder that its lab holds locked."""
    return folder.with_name(f"{folder.name}.lock")


@contextmanager
def alone(folder: Path) -> Iterator[Path]:
    """Yield a private folder with a short path, for sockets; remove it afterwards, or at the next start.

    Args:
        folder: the player's folder. The file beside it names the private one, and is locked meanwhile.

    Raises:
        LabError: another lab runs in this folder.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lock_of(folder).open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"a lab runs already in {folder}. End it with Ctrl-C in its terminal"
            raise LabError(msg) from None
        file.seek(0)
        for name in file.read().splitlines():
            _remove(name)
        # multiprocessing removes its folder itself, at the very end.
        private, sockets = tempfile.mkdtemp(prefix=PREFIX), multiprocessing.util.get_temp_dir()
        file.truncate(0)
        file.write(f"{private}\n{sockets}\n")
        file.flush()
        # Sockets and the like of the PCs, too: a killed lab leaves them in this one folder.
        before, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), private
        tempfile.tempdir = private
        try:
            yield Path(private)
        finally:
            tempfile.tempdir = None
            if before is None:
                del os.environ["TMPDIR"]
            else:
                os.environ["TMPDIR"] = before
            shutil.rmtree(private, ignore_errors=True)
            file.truncate(0)


def _remove(name: str) -> None:
    """Remove a folder of a lab that was killed."""
    left = Path(name)
    if left.name.startswith(PREFIXES) and left.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(left, ignore_errors=True)
