# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of the key slots: its bytes, the order of its flushes, and faults of the disk."""

from __future__ import annotations

import errno
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from latchkey_agent.storage import key_slots as module
from latchkey_agent.storage.journal import JournalUnavailableError
from latchkey_agent.storage.key_slots import LOST, UNEQUAL, KeySlots
from tests.unit.agent.world import World

SIZE = 65 * 4096
ID = b"\xee" * 8
LAST = (b"LKSLOTS1" + ID).ljust(4096, b"\0")
"""The block behind the slots."""
TAGS = [ID + bytes([number]) * 8 for number in range(1, 70)]
FOREIGN = bytes(range(16))
"""The tag of a half in another file."""
OLD = b"what stood here before"
DAMAGED = {
    "cut off": OLD,
    "without an id": bytes(SIZE),
    "noise": b"\xdd" * SIZE,
    "of an unknown kind": bytes(64 * 4096) + LAST.replace(b"LKSLOTS1", b"LKSLOTS2"),
    "with something behind its id": bytes(64 * 4096) + LAST[:-1] + b"x",
    "with its id at another place": LAST + bytes(64 * 4096),
    "too long": bytes(64 * 4096) + LAST + b"\0",
    "too short": bytes(63 * 4096) + LAST,
}


class Random:
    """A source of bytes that are easily told from a secret and from zeros."""

    def __call__(self, size: int) -> bytes:
        """Return that many bytes."""
        return b"\xee" * size


def half(number: int) -> bytearray:
    """Return the half of a tag."""
    return bytearray([100 + number]) * 32


@pytest.fixture
def world() -> World:
    """The PC with the disk."""
    return World()


@pytest.fixture
def slots(world: World, place: Path) -> KeySlots:
    """The slots on this PC; their file is not made yet."""
    return KeySlots(place / "keys.slots", world.computer().disk, Random())


@pytest.fixture
def flushed(slots: KeySlots, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A list that gets the file's content each time that it is flushed to the disk."""
    seen: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(slots.path.read_bytes()))
    return seen


def test_the_file_is_what_its_documentation_says(slots: KeySlots) -> None:
    """It has 64 slots of 4096 bytes: tag, half and zeros. The last block has the id with which each tag begins."""
    assert (module.NAME, module.COUNT, module.SLOT_BYTES, module.SIZE) == ("keys.slots", 64, 4096, SIZE)
    assert slots.new_tag() == ID + b"\xee" * 8
    for number in range(2):
        slots.put(TAGS[number], half(number))
    used = b"".join((TAGS[number] + half(number)).ljust(4096, b"\0") for number in range(2))
    assert slots.path.read_bytes() == used.ljust(64 * 4096, b"\0") + LAST
    assert slots.tags() == set(TAGS[:2])
    assert [slots.half(tag) for tag in TAGS[:3]] == [half(0), half(1), None]


def test_every_slot_can_be_used_and_none_twice(slots: KeySlots) -> None:
    """One half more is refused; a slot that was given up takes the next one. The file's id stays."""
    slots.keep([])
    for number in range(64):
        slots.put(TAGS[number], half(number))
    with pytest.raises(JournalUnavailableError, match=r"^all 64 slots of keys.slots are in use$"):
        slots.put(TAGS[64], half(64))
    assert slots.overwrite(TAGS[5]) == ""
    slots.put(TAGS[64], half(64))
    assert slots.path.read_bytes()[5 * 4096 :][:48] == TAGS[64] + half(64)
    assert slots.tags() == {*TAGS[:5], *TAGS[6:65]}
    assert slots.half(TAGS[63]) == half(63)
    assert slots.path.read_bytes()[64 * 4096 :] == LAST


def test_a_tag_is_new_and_begins_with_the_id_of_its_file(world: World, place: Path) -> None:
    """Each file has an id of its own. One that is whole is not made again, neither for a tag nor at a start."""
    disk = world.computer().disk
    slots = KeySlots(place / "keys.slots", disk, os.urandom)
    tags = [slots.new_tag()]
    slots.put(tags[0], half(0))
    made = slots.path.read_bytes()
    again = KeySlots(slots.path, disk, os.urandom)
    again.keep(tags)
    tags += [slots.new_tag(), again.new_tag()]
    assert slots.path.read_bytes() == made
    assert {tag[:8] for tag in tags} == {made[64 * 4096 :][8:16]}
    slots.path.unlink()
    tags.append(slots.new_tag())
    assert tags[3][:8] != tags[0][:8]
    assert {len(tag) for tag in tags} == {16}
    assert len({tag[8:] for tag in tags}) == 4


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.parametrize("make", [lambda slots: slots.keep([]), KeySlots.new_tag], ids=["keep", "new_tag"])
def test_a_damaged_file_is_overwritten_in_place_before_a_new_one_is_made(
    slots: KeySlots, flushed: list[bytes], make: Any, content: bytes
) -> None:
    """Its blocks may hold halves; the new file has blocks of its own from its first moment, and its id last."""
    slots.path.write_bytes(content)
    place = slots.path.stat().st_ino
    make(slots)
    old = [b"\xee" * len(content), bytes(len(content))]
    assert flushed == [*old, b"\xee" * SIZE, bytes(SIZE), bytes(64 * 4096) + LAST]
    assert slots.path.stat().st_ino == place


def test_overwriting_everything_flushes_random_bytes_and_then_zeros(
    slots: KeySlots, flushed: list[bytes]
) -> None:
    """A missing file is not made for that."""
    slots.overwrite_all()
    assert not slots.path.exists()
    slots.path.write_bytes(OLD * 3)
    slots.overwrite_all()
    assert flushed == [b"\xee" * 3 * len(OLD), bytes(3 * len(OLD))]


def test_a_slot_is_flushed_when_it_is_written_and_when_it_is_overwritten(
    slots: KeySlots, flushed: list[bytes]
) -> None:
    """Nothing is only in a cache when the call returns."""
    slots.keep([])
    flushed.clear()
    slots.put(TAGS[0], half(0))
    slots.put(TAGS[1], half(1))
    first, second = (content[:8192] for content in flushed)
    assert first == (TAGS[0] + half(0)).ljust(8192, b"\0")
    assert second == first[:4096] + (TAGS[1] + half(1)).ljust(4096, b"\0")
    flushed.clear()
    slots.overwrite(TAGS[1])
    assert [content[:8192] for content in flushed] == [first[:4096] + b"\xee" * 4096, first]


def test_the_slots_of_other_tags_are_overwritten_at_the_start(slots: KeySlots) -> None:
    """A crash may have come between a slot and its grant. Those that are named stay."""
    slots.keep([])
    for number in range(3):
        slots.put(TAGS[number], half(number))
    slots.keep([TAGS[1]])
    assert slots.tags() == {TAGS[1]}
    assert slots.half(TAGS[1]) == half(1)
    assert slots.path.read_bytes().count(bytes(4096)) == 63
    assert slots.path.read_bytes().endswith(LAST)


@pytest.mark.parametrize("starts", range(3))
def test_a_half_is_lost_if_its_tag_is_not_of_this_file(slots: KeySlots, world: World, starts: int) -> None:
    """A slot that is not there was overwritten in the tag's own file, and lost in any other, after any start."""
    slots.keep([])
    for number in range(2):
        slots.put(TAGS[number], half(number))
    slots.keep([TAGS[1]])
    for _ in range(starts):
        slots = KeySlots(slots.path, world.computer().disk, Random())
        slots.keep([TAGS[1]])
    assert (slots.overwrite(TAGS[0]), slots.overwrite(TAGS[1])) == ("", "")
    assert (slots.overwrite(TAGS[0]), slots.overwrite(TAGS[1])) == ("", "")
    assert slots.overwrite(TAGS[2]) == ""
    assert [slots.overwrite(tag) for tag in (FOREIGN, FOREIGN[:8] + ID, b"\0" + TAGS[0][1:])] == [LOST] * 3


def test_a_slot_that_is_overwritten_now_is_not_lost_whatever_its_tag_is(slots: KeySlots) -> None:
    """The file may have been made anew between the tag and its half."""
    slots.keep([])
    slots.put(FOREIGN, half(0))
    assert slots.overwrite(FOREIGN) == ""
    assert slots.path.read_bytes() == bytes(64 * 4096) + LAST


@pytest.mark.parametrize("content", [None, *DAMAGED.values()], ids=["missing", *DAMAGED])
def test_a_half_whose_file_is_not_whole_is_lost(slots: KeySlots, content: bytes | None) -> None:
    """What is left of the file is overwritten; no slot of it counts."""
    if content is not None:
        slots.path.write_bytes((TAGS[0] + half(0) + content[48:])[: len(content)])
    assert (slots.tags(), slots.half(TAGS[0])) == (set(), None)
    assert slots.overwrite(TAGS[0]) == LOST
    assert not slots.path.exists() or not any(slots.path.read_bytes())


def test_a_folder_in_the_place_of_the_file_is_a_fault(slots: KeySlots) -> None:
    """It is not taken for the file, whatever its size is."""
    slots.path.mkdir()
    assert slots.tags() == set()
    for call in (slots.new_tag, lambda: slots.put(TAGS[0], half(0))):
        with pytest.raises(JournalUnavailableError, match=r"keys\.slots cannot be read or written"):
            call()


class Faulty(FileIO):
    """A file that loses writes or pretends not to, reads too little, or writes too little."""

    how = ""
    _pretends = False

    def __init__(self, path: Path) -> None:
        super().__init__(path, "r+")

    def write(self, content: Any, /) -> int:
        """Write, or only say so."""
        if self.how in {"loses", "pretends"}:
            self._pretends = self.how == "pretends"
            return len(content)
        return super().write(content) - (self.how == "writes")

    def readinto(self, content: Any, /) -> int:
        """Read; return the content of a lost write once."""
        if self._pretends:
            self._pretends = False
            content[:] = bytes(len(content))
            return len(content)
        return super().readinto(content) - (self.how == "reads")


@contextmanager
def faulty(slots: KeySlots, monkeypatch: pytest.MonkeyPatch, how: str) -> Iterator[None]:
    """Give the slots a file with this fault for a while."""
    with monkeypatch.context() as patch:
        patch.setattr(slots._disk, "open_unbuffered", Faulty)
        patch.setattr(Faulty, "how", how)
        yield


@pytest.mark.parametrize("how", ["loses", "pretends"])
def test_a_slot_that_keeps_its_content_is_not_overwritten(
    slots: KeySlots, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """A disk that loses writes is found out, also one that reads them back once; later the half is gone."""
    slots.keep([])
    slots.put(TAGS[0], half(0))
    with faulty(slots, monkeypatch, how):
        assert slots.overwrite(TAGS[0]) == UNEQUAL
    assert slots.half(TAGS[0]) == half(0)
    assert slots.overwrite(TAGS[0]) == ""


@pytest.mark.parametrize(
    ("how", "reason"), [("reads", "it ends too early"), ("writes", "a slot was not written whole")]
)
def test_half_a_slot_is_a_fault_of_the_disk(
    slots: KeySlots, monkeypatch: pytest.MonkeyPatch, how: str, reason: str
) -> None:
    """The error says what the disk did."""
    slots.keep([])
    expected = pytest.raises(
        JournalUnavailableError, match=rf"^keys\.slots cannot be read or written \({reason}\)$"
    )
    with faulty(slots, monkeypatch, how), expected:
        slots.put(TAGS[0], half(0))


def test_a_port_that_fails_is_named(slots: KeySlots, world: World) -> None:
    """Its own words are the reason."""
    slots.keep([])
    world.broken.add("disk")
    for call in (slots.tags, slots.new_tag, lambda: slots.keep([]), lambda: slots.half(TAGS[0])):
        with pytest.raises(JournalUnavailableError, match=r"\(the port disk is broken\)$"):
            call()


def test_a_file_that_could_not_be_made_whole_is_removed(
    slots: KeySlots, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A full disk gets its space back; the start goes on without slots, and a grant is refused."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        slots.keep([])
        assert "no grant can be given" in caplog.text
        assert not slots.path.exists()
        with pytest.raises(JournalUnavailableError, match="No space left on device"):
            slots.new_tag()
        assert not slots.path.exists()
    assert slots.new_tag().startswith(ID)
    slots.put(TAGS[0], half(0))
    assert slots.half(TAGS[0]) == half(0)


@pytest.mark.parametrize("flush", range(3))
@pytest.mark.parametrize("kept", [0, 4096, SIZE], ids=["nothing", "the end", "everything"])
def test_a_file_that_can_be_neither_made_whole_nor_removed_refuses_no_later_grant(
    slots: KeySlots, monkeypatch: pytest.MonkeyPatch, flush: int, kept: int
) -> None:
    """The error is that of making the file. Whatever the disk keeps of the last writing, every slot is free later."""
    contents = [b""]

    def fills_up(_: object) -> None:
        content = slots.path.read_bytes()
        if len(contents) > flush:
            slots.path.write_bytes(contents[-1][: SIZE - kept] + content[SIZE - kept :])
            raise OSError(errno.ENOSPC, "No space left on device")
        contents.append(content)

    def stays(_: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fills_up)
        patch.setattr(Path, "unlink", stays)
        with pytest.raises(JournalUnavailableError, match="No space left on device"):
            slots.new_tag()
    assert slots.path.exists()
    for number in range(64):
        slots.put(slots.new_tag()[:8] + TAGS[number][8:], half(number))
    assert slots.tags() == set(TAGS[:64])


def test_the_memory_of_a_slot_is_overwritten_and_given_back(
    slots: KeySlots, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each call, also after one that fails."""
    blocks: list[Block] = []

    class Block(mmap.mmap):
        left = b"never closed"

        def close(self) -> None:
            self.left = self[:]
            super().close()

    def made(number: int, size: int) -> Block:
        blocks.append(Block(number, size))
        return blocks[-1]

    monkeypatch.setattr(module, "mmap", made)
    slots.keep([])
    slots.put(TAGS[0], half(0))
    slots.half(TAGS[0])
    slots.tags()
    with faulty(slots, monkeypatch, "writes"), pytest.raises(JournalUnavailableError):
        slots.put(TAGS[1], half(1))
    slots.overwrite(TAGS[0])
    # Before all but `put` comes the block with the id.
    assert len(blocks) == 8
    assert {block.left for block in blocks} == {bytes(4096)}
