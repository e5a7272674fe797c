# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The steps of writing a file whole or not at all: beside its place, to the disk, and then in its place."""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def beside(path: Path) -> Path:
    """Return a new path in the folder of a file, on the same file system."""
    return path.with_name(f".latchkey-{secrets.token_hex(8)}.tmp")


def write_new(
    path: Path, content: bytes, mode: int | None = None, like: os.stat_result | None = None
) -> None:
    """Write a new file and bring it to the disk.

    Args:
        path: the file; it must not exist.
        content: its content.
        mode: its mode. None: the umask decides who may read it.
        like: the state of an earlier file, whose owner and group it gets as far as the system allows.

    Raises:
        OSError: the file cannot be written.
    """
    created = 0o666 if mode is None else 0o600
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, created)
    with open(number, "wb") as file:  # noqa: PTH123 - of a number
        if like is not None:
            _keep_owner(number, like)
        if mode is not None:
            # The umask of the job would take rights from the mode.
            os.fchmod(number, mode)
        file.write(content)
        file.flush()
        os.fsync(number)


def _keep_owner(number: int, like: os.stat_result) -> None:
    """Give a file owner and group. Root may give both, an owner a group of their own (chown(2))."""
    for owner in (like.st_uid, -1):
        with contextlib.suppress(PermissionError):
            os.fchown(number, owner, like.st_gid)
            return


def flush_folder(folder: Path) -> None:
    """Bring the names of a folder's files to the disk; raises OSError."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(number)
    finally:
        os.close(number)
