# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals a password under the terms of its grant, and opens it again.

A sealed record (all numbers little-endian):

    "LKSEAL" | u8 version | u8 halves | u16 length of the whole record
    tag (16) | nonce (12) | u16 length of the protected half | protected half
    in version 2: the operator's half, sealed (80)
    ciphertext with GCM tag | tag (16)

The data key is HKDF-SHA256 (RFC 5869) over the halves of the key, salted with
the tag. `halves` is the sum of their bits: 1 is the PC's own, kept by
`KeyProtection` with the grant id as entropy; 2 is the erasable one, which stands
in the key slot of this tag and nowhere else (`key_slots`); 4 is the operator's,
which is in the record alone, sealed to a key that this PC does not have
(`operator_half`). Version 1 has the halves 1 and 2, version 2 all three, and a
record needs all of its halves, in this order. The random seal tag is also in the
journal; the agent searches its files for it to confirm an erasure. The secret is
padded, so that the record's length does not depend on the password.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from latchkey_agent.ports import KeyProtection, PortError
from latchkey_agent.protocol.frames import MAX_SECRET, wipe

from . import hkdf
from .key_slots import HALF_BYTES, KeySlots
from .operator_half import SEALED_BYTES

MAGIC = b"LKSEAL"
PC_HALF = 1
SLOT_HALF = 2
OPERATOR_HALF = 4
ONE_PARTY = PC_HALF | SLOT_HALF
TWO_PARTIES = ONE_PARTY | OPERATOR_HALF
VERSIONS = {1: ONE_PARTY, 2: TWO_PARTIES}
"""The halves of each version's records."""
TAG_BYTES = 16
_NONCE_BYTES = 12
_HEAD = struct.Struct("<6sBBH16s12sH")
_PADDED = MAX_SECRET + 2
_GCM_TAG = 16
_SHORTEST = _HEAD.size + _PADDED + _GCM_TAG + TAG_BYTES
_PAGE = 4096
"""SQLite's page size; a record fits into one."""


class VaultError(Exception):
    """A sealed record does not open and is of no use any more; the text is the reason."""


class WrongHalfError(VaultError):
    """A record of two parties does not open with this operator's half, or was changed. It may open with another."""


class Record(NamedTuple):
    """The parts of a sealed record. `sealed` is the operator's half, empty in a record of one party."""

    tag: bytes
    nonce: bytes
    half: bytes
    sealed: bytes
    ciphertext: bytes

    @property
    def version(self) -> int:
        """The version of its form."""
        return 2 if self.sealed else 1


class Vault:
    """Seals and opens.

    Args:
        keys: protects the PC's half of each key.
        slots: keep the erasable half of each key.
        random: returns that many random bytes (`os.urandom`).
    """

    def __init__(self, keys: KeyProtection, slots: KeySlots, random: Callable[[int], bytes]) -> None:
        self._keys = keys
        self._slots = slots
        self._random = random

    def seal(
        self,
        grant: str,
        terms: bytes,
        secret: bytearray,
        seal_half: Callable[[bytearray], bytes] | None = None,
    ) -> bytes:
        """Return `secret` sealed for one grant under its canonical terms.

        The erasable half is on the disk when this returns. The caller overwrites
        `secret`; if it does not keep the record, it overwrites the key slot, too.

        Args:
            grant: the grant's id.
            terms: the canonical terms.
            secret: the password.
            seal_half: seals the operator's half to a key that is not on this PC; None for a record of one party.

        Raises:
            HalfError: the operator's half could not be sealed.
            JournalUnavailableError: the key slot could not be written.
            PortError: the PC's key protection failed.
        """
        padded = _pad(secret)
        tag, nonce = self._slots.new_tag(), self._random(_NONCE_BYTES)
        pc_half, slot_half = bytearray(self._random(HALF_BYTES)), bytearray(self._random(HALF_BYTES))
        theirs = bytearray() if seal_half is None else self._operator_half()
        halves, key = _joined(pc_half, slot_half, theirs), bytearray(32)
        try:
            protected = self._keys.protect(pc_half, grant.encode())
            sealed = b"" if seal_half is None else seal_half(theirs)
            parts = Record(tag, nonce, protected, sealed, b"")
            _derive(key, halves, parts, grant)
            ciphertext = AESGCM(key).encrypt(nonce, padded, _associated(parts, terms))
            self._slots.put(tag, slot_half)
        finally:
            for buffer in (pc_half, slot_half, theirs, halves, padded, key):
                wipe(buffer)
        return _pack(parts._replace(ciphertext=ciphertext))

    def open(self, record: bytes, grant: str, terms: bytes, theirs: bytearray | None = None) -> bytearray:
        """Return the secret; the caller overwrites it.

        Args:
            record: the sealed record.
            grant: the grant's id.
            terms: the canonical terms.
            theirs: the operator's half, which the caller overwrites; None for a record of one party.

        Raises:
            JournalUnavailableError: the key slots cannot be read.
            VaultError: it is no sealed record, belongs to another grant or other terms, was changed, or its
                key slot is gone.
            WrongHalfError: it is one of two parties, and does not open with this half.
        """
        parts = take_apart(record)
        if bool(parts.sealed) != (theirs is not None):
            msg = "the operator's half is missing, or the sealed record has none"
            raise WrongHalfError(msg)
        key, padded, halves = (
            bytearray(32),
            bytearray(_PADDED),
            self._halves(parts, grant, theirs or bytearray()),
        )
        try:
            _derive(key, halves, parts, grant)
            AESGCM(key).decrypt_into(parts.nonce, parts.ciphertext, _associated(parts, terms), padded)
            return _unpad(padded)
        except InvalidTag:
            if parts.sealed:
                msg = "the sealed record does not open with this half of the operator's, or was changed"
                raise WrongHalfError(msg) from None
            msg = "the sealed record does not belong to these terms, or was changed"
            raise VaultError(msg) from None
        finally:
            wipe(halves)
            wipe(key)
            wipe(padded)

    def _halves(self, parts: Record, grant: str, theirs: bytearray) -> bytearray:
        slot_half = self._slot_half(parts.tag)
        try:
            pc_half = self._pc_half(parts, grant)
            try:
                return _joined(pc_half, slot_half, theirs)
            finally:
                wipe(pc_half)
        finally:
            wipe(slot_half)

    def _operator_half(self) -> bytearray:
        """Return a new half. The operator alone keeps it, so not even its random bytes stay in memory."""
        drawn = self._random(HALF_BYTES)
        half = bytearray(drawn)
        hkdf.overwrite(drawn)
        return half

    def _slot_half(self, tag: bytes) -> bytearray:
        half = self._slots.half(tag)
        if half is None:
            msg = "the erasable half of its key is gone"
            raise VaultError(msg)
        return half

    def _pc_half(self, parts: Record, grant: str) -> bytearray:
        try:
            return self._keys.unprotect(parts.half, grant.encode())
        except PortError as fault:
            msg = f"the PC's half of the key cannot be opened: {fault}"
            raise VaultError(msg) from None


def tag_of(record: bytes) -> bytes:
    """Return the seal tag of a record."""
    return take_apart(record).tag


def sealed_half(record: bytes) -> bytes:
    """Return the operator's half of a record as it is sealed; empty in a record of one party."""
    return take_apart(record).sealed


def take_apart(record: bytes) -> Record:
    """Return a record's parts.

    Raises:
        VaultError: it is no sealed record, or of another version.
    """
    if len(record) < _HEAD.size + TAG_BYTES or record[: len(MAGIC)] != MAGIC:
        msg = "not a sealed record"
        raise VaultError(msg)
    _, version, halves, length, tag, nonce, half_length = _HEAD.unpack_from(record)
    if VERSIONS.get(version) != halves:
        msg = f"a sealed record of version {version} with key halves {halves} is not known here"
        raise VaultError(msg)
    end = len(record) - TAG_BYTES
    theirs = _HEAD.size + half_length
    middle = theirs + (SEALED_BYTES if halves & OPERATOR_HALF else 0)
    if length != len(record) or record[end:] != tag or end - middle != _PADDED + _GCM_TAG:
        msg = "the sealed record is cut off or was changed"
        raise VaultError(msg)
    return Record(tag, nonce, record[_HEAD.size : theirs], record[theirs:middle], record[middle:end])


def scrub(content: bytearray) -> int:
    """Overwrite every sealed record in a file's bytes; return how many there were.

    For files that no database can open any more: finds records by their magic
    bytes alone. A length that no record can have counts as one database page.
    """
    found, at = 0, content.find(MAGIC)
    while at >= 0:
        length = int.from_bytes(content[at + 8 : at + 10], "little")
        end = min(at + (length if _SHORTEST <= length <= _PAGE else _PAGE), len(content))
        content[at:end] = bytes(end - at)
        found, at = found + 1, content.find(MAGIC, end)
    return found


def _pack(parts: Record) -> bytes:
    middle = parts.half + parts.sealed + parts.ciphertext
    length = _HEAD.size + len(middle) + TAG_BYTES
    version = parts.version
    head = _HEAD.pack(MAGIC, version, VERSIONS[version], length, parts.tag, parts.nonce, len(parts.half))
    return head + middle + parts.tag


def _associated(parts: Record, terms: bytes) -> bytes:
    version = parts.version
    return MAGIC + bytes((version, VERSIONS[version])) + parts.tag + parts.sealed + terms


def _joined(*halves: bytearray) -> bytearray:
    """Return the halves in one buffer. Each + of more than two would leave a copy that is never overwritten."""
    joined, at = bytearray(sum(map(len, halves))), 0
    with memoryview(joined) as view:
        for half in halves:
            view[at : at + len(half)] = half
            at += len(half)
    return joined


def _derive(key: bytearray, halves: bytearray, parts: Record, grant: str) -> None:
    info = f"latchkey seal {parts.version} {grant}".encode()
    extracted = hkdf.extract(parts.tag, halves)
    derived = hkdf.expand(extracted, info, len(key))
    memoryview(key)[:] = derived
    wipe(extracted)
    wipe(derived)


def _pad(secret: bytearray) -> bytearray:
    if len(secret) > MAX_SECRET:
        msg = f"a secret of {len(secret)} bytes is too long to be a Windows password"
        raise ValueError(msg)
    padded = bytearray(_PADDED)
    padded[0:2] = len(secret).to_bytes(2, "little")
    memoryview(padded)[2 : 2 + len(secret)] = secret
    return padded


def _unpad(padded: bytearray) -> bytearray:
    length = int.from_bytes(padded[0:2], "little")
    secret = bytearray(length)
    # Copy from view to view: a slice of a bytearray makes a copy that is never overwritten.
    memoryview(secret)[:] = memoryview(padded)[2 : 2 + length]
    return secret
