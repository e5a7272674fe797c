# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The erasable halves of the keys, in a file of fixed size that is only ever overwritten in place.

`keys.slots` has `COUNT` slots of `SLOT_BYTES` bytes, and a last block of that size. A slot in use
holds the seal tag of its record (16 bytes), the half (32 bytes) and zeros. A free slot holds zeros.
The last block holds a magic number, the file's random id (8 bytes) and zeros. The file is made whole
from random bytes and flushed before it gets its id, so overwriting a slot needs no space on the disk.
Reads and writes go past the cache of the operating system (`ports.Disk`).

A seal tag begins with the id of the file that its half stands in. So a file without a slot of that
tag tells by itself whether the slot was overwritten or the file was lost and made anew.

The file system decides where the bytes of a file stand. One that copies on write, and the
controller of a flash disk, may keep the old bytes elsewhere (docs/security.md, "Erasing").
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from mmap import mmap
from pathlib import Path
from typing import BinaryIO

from latchkey_agent.ports import Disk, PortError

from .journal import JournalUnavailableError

log = logging.getLogger(__name__)
NAME = "keys.slots"
COUNT = 64
"""The most grants that can be live at once."""
SLOT_BYTES = 4096
"""A whole sector of every usual disk, so overwriting a slot rewrites no other."""
HALF_BYTES = 32
TAG_BYTES = 16
ID_BYTES = 8
"""The bytes of a file's id, and of the beginning of each tag in it."""
SIZE = (COUNT + 1) * SLOT_BYTES
"""The size of the whole file in bytes."""
_END = TAG_BYTES + HALF_BYTES
_LAST = COUNT
"""The number of the block behind the slots."""
_MAGIC = b"LKSLOTS1"
_ID_END = len(_MAGIC) + ID_BYTES
_ZEROS = bytes(SLOT_BYTES)
LOST = "its file was missing or damaged"
"""The problem of a half that is not there to be overwritten; a copy of the file may hold it."""
UNEQUAL = "something else is read back"
"""The problem of a slot that does not hold what was written."""


class KeySlots:
    """The slots in the file at `path`.

    Args:
        path: the file; `keep` makes it.
        disk: opens it.
        random: returns that many random bytes.

    Every method raises `JournalUnavailableError` if the disk refuses to read or write.
    """

    def __init__(self, path: Path, disk: Disk, random: Callable[[int], bytes]) -> None:
        self.path = path
        self._disk = disk
        self._random = random

    def keep(self, tags: Collection[bytes]) -> None:
        """Overwrite each slot of a tag that is not among `tags`; make the file if it is missing or damaged.

        A full disk is no error: erasing needs no slot. `put` tries again.
        """
        if self._id() is None:
            try:
                self._make()
            except JournalUnavailableError as fault:
                log.warning("no grant can be given: %s", fault)
            return
        with self._opened() as (file, block):
            for number, tag in _used(file, block):
                if tag not in tags:
                    self._clear(file, block, number)

    def tags(self) -> set[bytes]:
        """Return the tags of all slots in use; none if the file is missing or damaged."""
        if self._id() is None:
            return set()
        with self._opened() as (file, block):
            return {tag for _, tag in _used(file, block)}

    def new_tag(self) -> bytes:
        """Return a new seal tag for a half in this file, which is made if it is missing or damaged."""
        return (self._id() or self._make()) + self._random(TAG_BYTES - ID_BYTES)

    def put(self, tag: bytes, half: bytearray) -> None:
        """Write a half to a free slot; return when it is on the disk. The tag is from `new_tag`."""
        with self._opened() as (file, block):
            used = [number for number, _ in _used(file, block)]
            free = next((number for number in range(COUNT) if number not in used), None)
            if free is None:
                msg = f"all {COUNT} slots of {NAME} are in use"
                raise JournalUnavailableError(msg)
            block[:TAG_BYTES] = tag
            with memoryview(block) as view:
                view[TAG_BYTES:_END] = half
                view[_END:] = bytes(SLOT_BYTES - _END)
            _write(file, block, free)

    def half(self, tag: bytes) -> bytearray | None:
        """Return the half of a record; the caller overwrites it. None: it is gone, or the file is damaged."""
        if self._id() is None:
            return None
        with self._opened() as (file, block):
            if all(found != tag for _, found in _used(file, block)):
                return None
            half = bytearray(HALF_BYTES)
            with memoryview(block) as view, memoryview(half) as target:
                target[:] = view[TAG_BYTES:_END]
            return half

    def overwrite(self, tag: bytes) -> str:
        """Overwrite the slot of a record in place and read the file back.

        Returns:
            The problem, empty if the half is gone: `UNEQUAL`, which may pass, or `LOST`, which no further try mends.
            A file without its own tag has no problem, since a crash may have followed the overwriting.
        """
        if (file_id := self._id()) is None:
            self.overwrite_all()
            return LOST
        with self._opened() as (file, block):
            slots = [number for number, found in _used(file, block) if found == tag]
            if not all(self._clear(file, block, number) for number in slots):
                return UNEQUAL
            if any(found == tag for _, found in _used(file, block)):
                return UNEQUAL
        return "" if slots or tag.startswith(file_id) else LOST

    def overwrite_all(self) -> None:
        """Overwrite the whole file, of whatever size it is; a missing one is no error."""
        with _faults():
            if self.path.exists():
                size = self.path.stat().st_size
                with self.path.open("r+b") as file:
                    for content in (self._random(size), bytes(size)):
                        _write_whole(file, content)

    def _id(self) -> bytes | None:
        """Return the file's id, None if the file is missing or damaged."""
        with _faults():
            if not (self.path.is_file() and self.path.stat().st_size == SIZE):
                return None
        with self._opened() as (file, block):
            _read(file, block, _LAST)
            file_id = block[len(_MAGIC) : _ID_END]
            return file_id if block[:] == _last_block(file_id) else None

    def _make(self) -> bytes:
        """Make the file with every block of its own; return its id.

        Random bytes come first, since no file system leaves them out. The id comes last: with it all slots are free on
        the disk. A power cut or a fault before that leaves a file without an id, which is made again.
        """
        self.overwrite_all()
        file_id = self._random(ID_BYTES)
        slots = bytes(SIZE - SLOT_BYTES)
        try:
            with _faults(), self.path.open("wb") as file:
                for content in (self._random(SIZE), slots + _ZEROS, slots + _last_block(file_id)):
                    _write_whole(file, content)
        except JournalUnavailableError:
            with suppress(OSError):
                self.path.unlink()
            raise
        return file_id

    def _clear(self, file: FileIO, block: mmap, number: int) -> bool:
        """Overwrite one slot, first with random bytes, then with zeros; tell whether zeros are read back."""
        for content in (self._random(SLOT_BYTES), _ZEROS):
            block[:] = content
            _write(file, block, number)
        block[:] = self._random(SLOT_BYTES)
        _read(file, block, number)
        return _is_zeros(block)

    @contextmanager
    def _opened(self) -> Iterator[tuple[FileIO, mmap]]:
        """Open the file, with a block for one slot: memory of its own pages, as unbuffered access needs it."""
        block = mmap(-1, SLOT_BYTES)
        try:
            with _faults(), self._disk.open_unbuffered(self.path) as file:
                yield file, block
        finally:
            block[:] = _ZEROS
            block.close()


def _used(file: FileIO, block: mmap) -> Iterator[tuple[int, bytes]]:
    """Yield number and tag of each slot in use; meanwhile `block` holds the whole slot."""
    for number in range(COUNT):
        _read(file, block, number)
        if not _is_zeros(block):
            yield number, block[:TAG_BYTES]


def _last_block(file_id: bytes) -> bytes:
    return (_MAGIC + file_id).ljust(SLOT_BYTES, b"\0")


def _is_zeros(block: mmap) -> bool:
    # Compare in place: a slice would be a copy that is never overwritten.
    with memoryview(block) as view:
        return view == _ZEROS


def _read(file: FileIO, block: mmap, number: int) -> None:
    file.seek(number * SLOT_BYTES)
    if file.readinto(block) != SLOT_BYTES:
        raise OSError(errno.EIO, "it ends too early")


def _write(file: FileIO, block: mmap, number: int) -> None:
    file.seek(number * SLOT_BYTES)
    if file.write(block) != SLOT_BYTES:
        raise OSError(errno.EIO, "a slot was not written whole")
    os.fsync(file.fileno())


def _write_whole(file: BinaryIO, content: bytes) -> None:
    file.seek(0)
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except (OSError, PortError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else fault
        raise JournalUnavailableError(f"{NAME} cannot be read or written ({reason})") from None
