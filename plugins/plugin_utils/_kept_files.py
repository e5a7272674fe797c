# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Files on the controller that many tasks read and write at once. A file is written whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from typing import TYPE_CHECKING

from ._failure import failure
from ._whole_files import beside, flush_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ._failure import Failure

NEW_MODE = 0o644
"""The mode of a new file: everybody may read public keys and journal heads, their owner writes them."""


@contextlib.contextmanager
def locked(lock: Path) -> Iterator[None]:
    """Let no other task on this controller read and write the kept files meanwhile.

    Args:
        lock: an empty file, made for it with its folder. It stays, because another task may wait for it.

    Raises:
        Failure: `known_pcs_unusable`: the file cannot be made or locked.
    """
    if not lock.parent.parent.is_dir():
        raise failure(
            "known_pcs_unusable", detail=f"there is no folder {lock.parent.parent} on the controller"
        )
    try:
        lock.parent.mkdir(exist_ok=True)
        number = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, NEW_MODE)
    except OSError as fault:
        raise unusable(lock, fault) from None
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
        except OSError as fault:
            raise unusable(lock, fault) from None
        yield
    finally:
        os.close(number)


def content_of(path: Path) -> bytes | None:
    """Return a file's content; None if there is no such file.

    Raises:
        Failure: `known_pcs_unusable`: the path is no file, or the file cannot be read.
    """
    try:
        # A pipe of this name would let the task wait for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "no regular file"
            raise failure("known_pcs_unusable", detail=f"{path} is {kind}")
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as fault:
        raise unusable(path, fault) from None


def replace(path: Path, content: bytes) -> None:
    """Write a file whole, and bring it to the disk before it takes the place of an earlier one.

    An earlier file's mode stays. A link stays, and the file that it leads to is replaced.

    Raises:
        Failure: `known_pcs_unusable`: the file was not written. An earlier one is as it was.
    """
    try:
        target = path.resolve()
        waiting = beside(target)
        try:
            write_new(waiting, content, _mode_of(target))
            waiting.replace(target)
            flush_folder(target.parent)
        finally:
            with contextlib.suppress(OSError):
                waiting.unlink()
    except OSError as fault:
        raise unusable(path, fault) from None


def unusable(path: Path, fault: OSError) -> Failure:
    """Return the failure of a file that cannot be used, with the system's reason."""
    return failure("known_pcs_unusable", detail=f"{path}: {fault.strerror or type(fault).__name__}")


def _mode_of(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return NEW_MODE
