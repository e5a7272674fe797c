# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The vault alone: which records open, which do not, and what scrubbing leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latchkey_agent.ports import PortError
from latchkey_agent.protocol import frames
from latchkey_agent.protocol.frames import MAX_SECRET
from latchkey_agent.storage import key_slots
from latchkey_agent.storage import vault as module
from latchkey_agent.storage.key_slots import KeySlots
from latchkey_agent.storage.operator_half import SEALED_BYTES, HalfError
from latchkey_agent.storage.quarantine import last_aside, scrub_files, set_aside
from latchkey_agent.storage.vault import (
    MAGIC,
    Vault,
    VaultError,
    WrongHalfError,
    scrub,
    sealed_half,
    tag_of,
    take_apart,
)
from tests.unit.agent.world import START, World

TERMS = b"terms"


@pytest.fixture
def world() -> World:
    """The PC whose machine key protects the key halves."""
    return World()


@pytest.fixture
def slots(world: World, place: Path) -> KeySlots:
    """The key slots on this PC."""
    made = KeySlots(place / key_slots.NAME, world.computer().disk, os.urandom)
    made.keep([])
    return made


@pytest.fixture
def vault(world: World, slots: KeySlots) -> Vault:
    """A vault on this PC."""
    return Vault(world.computer().keys, slots, os.urandom)


@pytest.mark.parametrize("length", [0, 2, 40, MAX_SECRET])
def test_a_record_returns_its_secret(vault: Vault, length: int) -> None:
    """A record returns its secret of any length and leaves the caller's buffer unchanged."""
    secret = bytearray(os.urandom(length))
    before = bytes(secret)
    assert vault.open(vault.seal("g", TERMS, secret), "g", TERMS) == before
    assert secret == before


def test_an_oversized_secret_is_not_sealed(vault: Vault) -> None:
    """The error of an oversized secret names its length and not its content."""
    with pytest.raises(ValueError, match="a secret of 1025 bytes is too long"):
        vault.seal("g", TERMS, bytearray(MAX_SECRET + 1))


def test_the_record_is_what_its_documentation_says(vault: Vault, world: World, slots: KeySlots) -> None:
    """A reader written from the documentation alone opens the record on the same PC."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    assert (record[:6], record[6], record[7]) == (b"LKSEAL", 1, 3)
    assert int.from_bytes(record[8:10], "little") == len(record)
    tag, nonce, half_length = record[10:26], record[26:38], int.from_bytes(record[38:40], "little")
    assert record[-16:] == tag
    half = world.computer().keys.unprotect(record[40 : 40 + half_length], b"g")
    slot = slots.path.read_bytes()[:4096]
    assert (slot[:16], slot[48:]) == (tag, bytes(4048))
    key = HKDF(SHA256(), 32, tag, b"latchkey seal 1 g").derive(bytes(half) + slot[16:48])
    associated = b"LKSEAL\x01\x03" + tag + TERMS
    padded = AESGCM(key).decrypt(nonce, record[40 + half_length : -16], associated)
    assert padded[2 : 2 + int.from_bytes(padded[:2], "little")] == b"secret"


def test_no_two_records_are_alike(vault: Vault) -> None:
    """Each record of the same secret and terms has its own key, nonce and tag."""
    records = [vault.seal("g", TERMS, bytearray(b"secret")) for _ in range(20)]
    parts = [take_apart(record) for record in records]
    for piece in zip(*parts, strict=True):
        # Without a second party no half of it is in the record.
        assert len(set(piece)) == 20 or set(piece) == {b""}


def test_no_bit_of_a_record_can_be_changed(vault: Vault) -> None:
    """A record with one changed bit does not open."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    for at in range(len(record)):
        changed = bytearray(record)
        changed[at] ^= 1
        with pytest.raises(VaultError):
            vault.open(bytes(changed), "g", TERMS)


class Halves:
    """Takes the operator's half of a record in the place of sealing it."""

    def __init__(self) -> None:
        self.half = b""
        self.given: bytearray = bytearray()

    def seal(self, half: bytearray) -> bytes:
        """Keep the half; return bytes in its place."""
        self.half, self.given = bytes(half), half
        return os.urandom(SEALED_BYTES)


def test_a_record_of_two_parties_opens_with_the_operators_half(vault: Vault) -> None:
    """A record of two parties names its three halves, opens with the operator's and not without."""
    theirs = Halves()
    record = vault.seal("g", TERMS, bytearray(b"secret"), theirs.seal)
    assert (record[6], record[7], len(sealed_half(record))) == (2, 7, SEALED_BYTES)
    assert theirs.given == bytes(32) != theirs.half
    assert vault.open(record, "g", TERMS, bytearray(theirs.half)) == b"secret"
    for wrong in (None, bytearray(32), bytearray(theirs.half[::-1])):
        with pytest.raises(WrongHalfError):
            vault.open(record, "g", TERMS, wrong)


def test_a_record_of_one_party_takes_no_half(vault: Vault) -> None:
    """A half for a record of one party is a mistake, and opens nothing."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    assert sealed_half(record) == b""
    with pytest.raises(WrongHalfError):
        vault.open(record, "g", TERMS, bytearray(32))


def test_no_bit_of_a_record_of_two_parties_can_be_changed(vault: Vault) -> None:
    """A record of two parties with one changed bit, also in the sealed half, does not open."""
    theirs = Halves()
    record = vault.seal("g", TERMS, bytearray(b"secret"), theirs.seal)
    for at in range(len(record)):
        changed = bytearray(record)
        changed[at] ^= 1
        with pytest.raises(VaultError):
            vault.open(bytes(changed), "g", TERMS, bytearray(theirs.half))


def test_a_half_that_cannot_be_sealed_leaves_nothing(vault: Vault, slots: KeySlots) -> None:
    """If the operator's half cannot be sealed, no key slot is used."""

    def fail(_half: bytearray) -> bytes:
        raise HalfError

    with pytest.raises(HalfError):
        vault.seal("g", TERMS, bytearray(b"secret"), fail)
    assert slots.tags() == set()


def test_no_part_of_a_record_can_be_cut_off(vault: Vault) -> None:
    """A record that is shortened at either end does not open."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    for at in range(len(record)):
        for part in (record[:at], record[at + 1 :]):
            with pytest.raises(VaultError):
                vault.open(part, "g", TERMS)


@pytest.mark.parametrize(("grant", "terms"), [("h", TERMS), ("g", b"other terms"), ("g", b"")])
def test_a_record_opens_for_its_grant_and_terms_only(vault: Vault, grant: str, terms: bytes) -> None:
    """A record does not open for another grant or other terms."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    with pytest.raises(VaultError):
        vault.open(record, grant, terms)


def test_a_record_opens_on_its_pc_only(vault: Vault, world: World, slots: KeySlots) -> None:
    """A record does not open with another machine key, and the error says why."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    other = Vault(World().computer().keys, slots, os.urandom)
    with pytest.raises(VaultError, match="does not belong to these terms"):
        other.open(record, "g", TERMS)
    world.broken.add("unprotect")
    with pytest.raises(VaultError, match="the PC's half of the key cannot be opened"):
        vault.open(record, "g", TERMS)


@pytest.mark.parametrize(
    ("at", "value", "named"), [(6, 2, "version 2 with key halves 3"), (7, 1, "version 1 with key halves 1")]
)
def test_a_record_of_another_version_is_named(vault: Vault, at: int, value: int, named: str) -> None:
    """The error names the version and the key halves of an unknown record."""
    record = bytearray(vault.seal("g", TERMS, bytearray(b"secret")))
    record[at] = value
    with pytest.raises(VaultError, match=rf"^a sealed record of {named} is not known here$"):
        vault.open(bytes(record), "g", TERMS)


def test_a_record_whose_key_slot_is_gone_says_so(vault: Vault, slots: KeySlots) -> None:
    """Nothing of it can be opened any more."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    slots.overwrite(tag_of(record))
    with pytest.raises(VaultError, match=r"^the erasable half of its key is gone$"):
        vault.open(record, "g", TERMS)


@pytest.mark.parametrize(("at", "value"), [(8, 0), (9, 0), (38, 33), (38, 31), (39, 1)])
def test_a_record_whose_lengths_do_not_fit_is_known_before_it_is_opened(
    vault: Vault, at: int, value: int
) -> None:
    """Neither the length of the record nor that of the protected half can be changed alone."""
    record = bytearray(vault.seal("g", TERMS, bytearray(b"secret")))
    assert record[at] != value
    record[at] = value
    with pytest.raises(VaultError, match=r"^the sealed record is cut off or was changed$"):
        take_apart(bytes(record))


@pytest.mark.parametrize(
    ("left", "problem"),
    [
        (0, "not a sealed record"),
        (40 + 15, "not a sealed record"),
        (40 + 16, "the sealed record is cut off or was changed"),
        (-1, "the sealed record is cut off or was changed"),
    ],
)
def test_a_record_that_is_cut_off_says_so_if_its_head_is_whole(vault: Vault, left: int, problem: str) -> None:
    """What is shorter than the head and the closing tag is no record."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    with pytest.raises(VaultError, match=f"^{problem}$"):
        take_apart(record[:left])
    with pytest.raises(VaultError, match=r"^not a sealed record$"):
        take_apart(b"X" + record[1:])


def test_a_record_has_the_same_length_for_every_secret(vault: Vault) -> None:
    """Its size says nothing about the password."""
    lengths = {len(vault.seal("g", TERMS, bytearray(size))) for size in (0, 1, 40, MAX_SECRET)}
    assert lengths == {40 + 32 + MAX_SECRET + 2 + 16 + 16}


def test_everything_secret_is_overwritten(
    vault: Vault, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Key, key halves and padded secret are zeros after sealing and opening, also after a failure."""
    seen: list[bytearray] = []
    wipe = frames.wipe

    def watched(buffer: bytearray) -> None:
        seen.append(buffer)
        wipe(buffer)

    monkeypatch.setattr(module, "wipe", watched)
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    assert len(seen) == 8
    vault.open(record, "g", TERMS)
    with pytest.raises(VaultError):
        vault.open(record, "g", b"other")
    world.broken.add("protect")
    with pytest.raises(PortError):
        vault.seal("g", TERMS, bytearray(b"secret"))
    assert len(seen) == 28
    assert not any(any(buffer) for buffer in seen)


# --- scrubbing -----------------------------------------------------------------------------------


def test_scrubbing_leaves_nothing_of_a_record(vault: Vault) -> None:
    """Scrubbing overwrites whole records and keeps the bytes around them."""
    records = [vault.seal("g", TERMS, bytearray(b"secret")) for _ in range(3)]
    content = bytearray(b"before" + records[0] + b"between" + records[1] + records[2] + b"after")
    size = len(content)
    assert scrub(content) == 3
    assert content.replace(b"\0", b"") == b"beforebetweenafter"
    assert len(content) == size
    assert scrub(content) == 0


SHORTEST = 40 + MAX_SECRET + 2 + 16 + 16
"""Head, padded secret, its GCM tag and the seal tag."""


@pytest.mark.parametrize(
    ("length", "scrubbed"),
    [
        (0, 4096),
        (SHORTEST - 1, 4096),
        (SHORTEST, SHORTEST),
        (SHORTEST + 256, SHORTEST + 256),
        (4095, 4095),
        (4096, 4096),
        (4097, 4096),
        (65_535, 4096),
    ],
)
def test_scrubbing_takes_a_length_that_a_record_can_have_or_a_page(length: int, scrubbed: int) -> None:
    """Not a byte more or less is overwritten, wherever the record begins."""
    for before in (b"", b"b" * 9):
        content = bytearray(before + MAGIC + b"xx" + length.to_bytes(2, "little")).ljust(9000, b"x")
        assert scrub(content) == 1
        assert content == (before + bytes(scrubbed)).ljust(9000, b"x")


@pytest.mark.parametrize("length", [b"\0\0", b"\x10\0", b"\xff\xff"])
def test_scrubbing_trusts_no_length(vault: Vault, length: bytes) -> None:
    """A record with an impossible length is scrubbed for one database page."""
    record = bytearray(vault.seal("g", TERMS, bytearray(b"secret")))
    tag = tag_of(bytes(record))
    record[8:10] = length
    content = record + b"after" * 1000
    assert scrub(content) == 1
    assert tag not in content
    assert content.endswith(b"after")


def test_scrubbing_takes_a_record_that_is_cut_off(vault: Vault) -> None:
    """Scrubbing overwrites a record that is cut off at the end of a file."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    for part in (record[:100], MAGIC):
        content = bytearray(part)
        assert scrub(content) == 1
        assert not any(content)


def test_scrubbing_writes_only_to_files_with_a_record(vault: Vault, place: Path) -> None:
    """Scrubbing writes only to a file that holds a record."""
    record = vault.seal("g", TERMS, bytearray(b"secret"))
    (place / "journal.db").write_bytes(b"nothing")
    (place / "journal.db-wal").write_bytes(b"x" + record + record)
    before = (place / "journal.db").stat().st_mtime_ns
    assert scrub_files(place / "journal.db") == 2
    assert (place / "journal.db-wal").read_bytes().strip(b"\0") == b"x"
    assert (place / "journal.db").stat().st_mtime_ns == before


def test_setting_aside_overwrites_no_older_file(place: Path) -> None:
    """Two journals set aside within one second keep their own names."""
    names = []
    for content in (b"first", b"second"):
        (place / "journal.db").write_bytes(content)
        (place / "journal.db-wal").write_bytes(content + b" log")
        names.append(set_aside(place / "journal.db", START))
    assert [name.read_bytes() for name in names] == [b"first", b"second"]
    assert [name.with_name(name.name + "-wal").read_bytes() for name in names] == [
        b"first log",
        b"second log",
    ]
    assert last_aside(place / "journal.db") == names[-1].name
