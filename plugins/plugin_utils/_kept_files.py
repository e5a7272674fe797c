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
import time
from typing import TYPE_CHECKING

from ._failure import failure
from ._whole_files import beside, flush_folder, write_new

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ._failure import Failure

NEW_MODE = 0o644
"""The mode of a new file: everybody may read public keys and journal heads, their owner writes them."""


LOCK_WAIT = 60.0
"""Seconds to wait for other tasks. Each of them holds the lock while it writes one file."""
_PAUSE = 0.05
"""Seconds between two looks at the lock: flock(2) has no time-out."""


@contextlib.contextmanager
def locked(lock: Path, wait: float = LOCK_WAIT) -> Iterator[None]:
    """Let no other task on this controller read and write the kept files meanwhile.

    Args:
        lock: an empty file, made for it with its folder. It stays, because another task may wait for it.
        wait: seconds to wait for other tasks at most.

    Raises:
        Failure: `known_pcs_unusable`: the file cannot be made or locked, or another program holds the lock.
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
        _lock(lock, number, wait)
        yield
    finally:
        os.close(number)


def _lock(lock: Path, number: int, wait: float) -> None:
    until = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                raise failure(
                    "known_pcs_unusable",
                    detail=f"another program has locked {lock} for {wait:.0f} s; fuser(1) names it",
                ) from None
            time.sleep(_PAUSE)
        except OSError as fault:
            raise unusable(lock, fault) from None
        else:
            return


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

    An earlier file's mode stays, and so do owner and group as far as the system allows: root's job leaves the file
    to its owner. A link stays, and the file that it leads to is replaced.

    Raises:
        Failure: `known_pcs_unusable`: the file was not written. An earlier one is as it was.
    """
    try:
        target = path.resolve()
        waiting = beside(target)
        try:
            before = _state_of(target)
            mode = NEW_MODE if before is None else stat.S_IMODE(before.st_mode)
            write_new(waiting, content, mode, before)
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


def _state_of(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
