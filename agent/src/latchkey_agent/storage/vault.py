# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals a password under the terms of its grant, and opens it again.

A sealed record, version 1 (all numbers little-endian):

    "LKSEAL" | u8 version | u8 halves | u16 length of the whole record
    tag (16) | nonce (12) | u16 length of the protected half | protected half
    ciphertext with GCM tag | tag (16)

The data key is HKDF-SHA256 (RFC 5869) over the halves of the key, salted with
the tag. `halves` is the sum of their bits: 1 is the PC's own, kept by
`KeyProtection` with the grant id as entropy; 2 is the erasable one, which stands
in the key slot of this tag and nowhere else (`key_slots`). Every record needs
both, in this order. The random seal tag is also in the journal; the agent
searches its files for it to confirm an erasure. The secret is padded, so that
the record's length does not depend on the password.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latchkey_agent.ports import KeyProtection, PortError
from latchkey_agent.protocol.frames import MAX_SECRET, wipe

from .key_slots import HALF_BYTES, KeySlots

MAGIC = b"LKSEAL"
VERSION = 1
PC_HALF = 1
SLOT_HALF = 2
HALVES = PC_HALF | SLOT_HALF
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


class Record(NamedTuple):
    """The parts of a sealed record."""

    tag: bytes
    nonce: bytes
    half: bytes
    ciphertext: bytes


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

    def seal(self, grant: str, terms: bytes, secret: bytearray) -> bytes:
        """Return `secret` sealed for one grant under its canonical terms.

        The erasable half is on the disk when this returns. The caller overwrites
        `secret`; if it does not keep the record, it overwrites the key slot, too.

        Raises:
            JournalUnavailableError: the key slot could not be written.
            PortError: the PC's key protection failed.
        """
        padded = _pad(secret)
        tag, nonce = self._slots.new_tag(), self._random(_NONCE_BYTES)
        pc_half, slot_half = bytearray(self._random(HALF_BYTES)), bytearray(self._random(HALF_BYTES))
        halves, key = pc_half + slot_half, bytearray(32)
        try:
            protected = self._keys.protect(pc_half, grant.encode())
            _derive(key, halves, tag, grant)
            ciphertext = AESGCM(key).encrypt(nonce, padded, _associated(tag, terms))
            self._slots.put(tag, slot_half)
        finally:
            for buffer in (pc_half, slot_half, halves, padded, key):
                wipe(buffer)
        return _pack(Record(tag, nonce, protected, ciphertext))

    def open(self, record: bytes, grant: str, terms: bytes) -> bytearray:
        """Return the secret; the caller overwrites it.

        Raises:
            JournalUnavailableError: the key slots cannot be read.
            VaultError: it is no sealed record, belongs to another grant or other terms, was changed, or its
                key slot is gone.
        """
        parts = take_apart(record)
        key, padded, halves = bytearray(32), bytearray(_PADDED), self._halves(parts, grant)
        try:
            _derive(key, halves, parts.tag, grant)
            AESGCM(key).decrypt_into(parts.nonce, parts.ciphertext, _associated(parts.tag, terms), padded)
            return _unpad(padded)
        except InvalidTag:
            msg = "the sealed record does not belong to these terms, or was changed"
            raise VaultError(msg) from None
        finally:
            wipe(halves)
            wipe(key)
            wipe(padded)

    def _halves(self, parts: Record, grant: str) -> bytearray:
        slot_half = self._slot_half(parts.tag)
        try:
            pc_half = self._pc_half(parts, grant)
            try:
                return pc_half + slot_half
            finally:
                wipe(pc_half)
        finally:
            wipe(slot_half)

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


def take_apart(record: bytes) -> Record:
    """Return a record's parts.

    Raises:
        VaultError: it is no sealed record, or of another version.
    """
    if len(record) < _HEAD.size + TAG_BYTES or record[: len(MAGIC)] != MAGIC:
        msg = "not a sealed record"
        raise VaultError(msg)
    _, version, halves, length, tag, nonce, half_length = _HEAD.unpack_from(record)
    if version != VERSION or halves != HALVES:
        msg = f"a sealed record of version {version} with key halves {halves} is not known here"
        raise VaultError(msg)
    end = len(record) - TAG_BYTES
    sealed = end - _HEAD.size - half_length
    if length != len(record) or record[end:] != tag or sealed != _PADDED + _GCM_TAG:
        msg = "the sealed record is cut off or was changed"
        raise VaultError(msg)
    middle = _HEAD.size + half_length
    return Record(tag, nonce, record[_HEAD.size : middle], record[middle:end])


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
    length = _HEAD.size + len(parts.half) + len(parts.ciphertext) + TAG_BYTES
    head = _HEAD.pack(MAGIC, VERSION, HALVES, length, parts.tag, parts.nonce, len(parts.half))
    return head + parts.half + parts.ciphertext + parts.tag


def _associated(tag: bytes, terms: bytes) -> bytes:
    return MAGIC + bytes((VERSION, HALVES)) + tag + terms


def _derive(key: bytearray, halves: bytearray, tag: bytes, grant: str) -> None:
    hkdf = HKDF(algorithm=SHA256(), length=len(key), salt=tag, info=b"latchkey seal 1 " + grant.encode())
    hkdf.derive_into(halves, key)


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
