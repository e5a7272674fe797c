# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's HKDF: held against the vectors of RFC 5869 and against `cryptography`."""

from __future__ import annotations

import os

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from latchkey_agent.storage import hkdf


def test_the_key_of_the_first_vector() -> None:
    """RFC 5869, appendix A.1: the pseudorandom key, and the first block of the output."""
    prk = hkdf.extract(bytes(range(13)), bytes([11]) * 22)
    assert prk.hex() == "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5"
    okm = hkdf.expand(prk, bytes(range(0xF0, 0xFA)))
    assert okm.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_without_a_salt_the_salt_is_zeros() -> None:
    """RFC 5869, appendix A.3: the pseudorandom key without a salt."""
    prk = hkdf.extract(b"", bytes([11]) * 22)
    assert prk.hex() == "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04"


@pytest.mark.parametrize("length", [1, 12, 32])
def test_it_is_the_hkdf_of_cryptography(length: int) -> None:
    """Each length up to one block has the same bytes, also with the material in parts."""
    salt, material, info = os.urandom(16), os.urandom(96), os.urandom(20)
    own = hkdf.expand(hkdf.extract(salt, material[:5], material[5:]), info, length)
    assert own == HKDF(SHA256(), length, salt, info).derive(material)


def test_more_than_one_block_is_refused() -> None:
    """A longer key would be cut off silently."""
    with pytest.raises(ValueError, match="33 bytes"):
        hkdf.expand(bytearray(32), b"", 33)


def test_the_bytes_of_a_library_are_overwritten() -> None:
    """The bytes object that a library returned holds zeros after it was taken, and the buffer its content."""
    secret = os.urandom(32)
    same, content = secret, secret.hex()
    assert hkdf.taken(secret).hex() == content
    assert same == bytes(32)
