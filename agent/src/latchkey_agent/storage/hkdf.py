# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HKDF-SHA256 (RFC 5869) for keys of one block, with buffers that are overwritten.

The HKDF of `cryptography` writes into a buffer too (`derive_into`), and leaves a copy of the derived key in the memory
that it frees. Its HMAC leaves none: `test_second_party_memory` searches for both. The tests compare the results.
"""

from __future__ import annotations

import ctypes

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

BLOCK = 32
"""Bytes of a hash (HashLen), which is the longest key here."""
_CONTENT_AT = bytes.__basicsize__ - 1
"""The place of the content in a bytes object of CPython: behind it stands one zero (Include/cpython/bytesobject.h)."""


def extract(salt: bytes | bytearray, *material: bytes | bytearray) -> bytearray:
    """Return the pseudorandom key of some material, in parts (section 2.2); the caller overwrites it.

    Args:
        salt: empty for none.
        material: the parts, which the caller overwrites.
    """
    return _hmac(salt or bytes(BLOCK), *material)


def expand(key: bytearray, info: bytes, length: int = BLOCK) -> bytearray:
    """Return that many bytes of key material (section 2.3), at most one block; the caller overwrites them.

    Args:
        key: a pseudorandom key.
        info: what the result is for.
        length: the number of bytes.
    """
    if length > BLOCK:
        msg = f"a key of {length} bytes is longer than one block"
        raise ValueError(msg)
    block = _hmac(key, info, b"\x01")
    part = bytearray(length)
    # Copy from view to view: a slice of a bytearray makes a copy that is never overwritten.
    memoryview(part)[:] = memoryview(block)[:length]
    block[:] = bytes(BLOCK)
    return part


def taken(secret: bytes) -> bytearray:
    """Return a library's bytes in a buffer; the bytes are overwritten, so nothing else may refer to them."""
    buffer = bytearray(secret)
    overwrite(secret)
    return buffer


def overwrite(secret: bytes) -> None:
    """Overwrite the content of a bytes object that a library has made, and that nothing else refers to.

    Give it a longer one only: CPython keeps one object for each single byte.
    """
    ctypes.memset(id(secret) + _CONTENT_AT, 0, len(secret))


def _hmac(key: bytes | bytearray, *parts: bytes | bytearray) -> bytearray:
    mac = HMAC(key, SHA256())
    for part in parts:
        mac.update(part)
    return taken(mac.finalize())
