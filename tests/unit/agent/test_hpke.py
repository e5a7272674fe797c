# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's HPKE: held against the vector of RFC 9180 and against `cryptography`, and what it leaves in memory."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from latchkey_agent.storage import hkdf, hpke
from tests.unit.agent import hpke_reader
from tests.unit.agent.second_party import SUITE

# RFC 9180, appendix A.2.1.
EPHEMERAL = bytes.fromhex("f4ec9b33b792c372c1d2c2063507b684ef925b8c75a42dbcbf57d63ccd381600")
ENC = bytes.fromhex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a")
RECEIVER = bytes.fromhex("8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb")
INFO = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
SHARED = "0bbe78490412b4bbea4812666f7916932b828bba79942424abb65244930d69a7"
KEY = "ad2744de8e17f4ebba575b3f5f5a8fa1f69c2a07f6e7500bc60ca6e3e3ec1c91"
NONCE = "5c4d98150661b848853b547f"
CIPHERTEXT = bytes.fromhex(
    "1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28"
)
TEXT = b"Beauty is truth, truth beauty"


def test_the_first_message_of_the_rfc_is_sealed() -> None:
    """With the sender's key of the vector, the message has the vector's encapsulated key and ciphertext."""
    public = X25519PrivateKey.from_private_bytes(RECEIVER).public_key()
    own = X25519PrivateKey.from_private_bytes(EPHEMERAL)
    assert hpke.seal(bytearray(TEXT), public, INFO, b"Count-0", own) == ENC + CIPHERTEXT


def test_the_first_message_of_the_rfc_opens() -> None:
    """The vector's message opens with the receiver's key, and with no other associated data."""
    key = X25519PrivateKey.from_private_bytes(RECEIVER)
    assert hpke.open_sealed(ENC + CIPHERTEXT, key, INFO, b"Count-0") == TEXT
    with pytest.raises(InvalidTag):
        hpke.open_sealed(ENC + CIPHERTEXT, key, INFO, b"Count-1")


def test_the_reader_of_the_tests_has_the_secrets_of_the_rfc() -> None:
    """The reader, by which the memory is searched, finds the vector's secrets, and opens its message."""
    found = hpke_reader.secrets_of(ENC + CIPHERTEXT, RECEIVER, INFO)
    assert (found.shared_secret.hex(), found.key.hex(), found.base_nonce.hex()) == (SHARED, KEY, NONCE)
    assert hpke_reader.opened(ENC + CIPHERTEXT, RECEIVER, INFO, b"Count-0") == TEXT


@pytest.mark.parametrize("size", [0, 1, 32, 33, 1000])
def test_it_is_the_hpke_of_cryptography(size: int) -> None:
    """What the agent seals opens with `cryptography`, and the other way round."""
    key, text, info = X25519PrivateKey.generate(), os.urandom(size), os.urandom(size)
    assert SUITE.decrypt(hpke.seal(bytearray(text), key.public_key(), info), key, info) == text
    assert hpke.open_sealed(SUITE.encrypt(text, key.public_key(), info), key, info) == text


def test_each_message_has_a_key_of_its_own() -> None:
    """The same text sealed twice has two encapsulated keys."""
    public = X25519PrivateKey.generate().public_key()
    assert hpke.seal(bytearray(TEXT), public, b"")[:32] != hpke.seal(bytearray(TEXT), public, b"")[:32]


def test_a_key_of_low_order_is_refused() -> None:
    """Neither side takes a public key of low order (RFC 9180, section 7.1.4)."""
    own = X25519PrivateKey.generate()
    with pytest.raises(ValueError, match="shared key"):
        hpke.seal(bytearray(TEXT), X25519PublicKey.from_public_bytes(bytes(32)), b"")
    with pytest.raises(ValueError, match="shared key"):
        hpke.open_sealed(bytes(80), own, b"")


@pytest.mark.parametrize("end", [0, 31, 32, 47])
def test_what_is_too_short_is_refused(end: int) -> None:
    """A message without a whole tag does not reach the cipher."""
    with pytest.raises(ValueError, match=r"too short|32 bytes"):
        hpke.open_sealed((ENC + CIPHERTEXT)[:end], X25519PrivateKey.generate(), b"")


def test_each_buffer_of_a_message_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """After sealing and opening, each secret of the message was in a buffer that is zeros now."""
    buffers: list[bytearray] = []
    values: list[bytes] = []
    for name in ("taken", "expand"):
        made = getattr(hkdf, name)

        def keep(*args: object, made: Callable[..., bytearray] = made) -> bytearray:
            buffer = made(*args)
            buffers.append(buffer)
            values.append(bytes(buffer))
            return buffer

        monkeypatch.setattr(hkdf, name, keep)
    key = X25519PrivateKey.generate()
    sealed = hpke.seal(bytearray(TEXT), key.public_key(), INFO)
    hpke.open_sealed(sealed, key, INFO)
    # The hashes of `info` and of no psk are public: two of them for each side.
    public = {hpke_reader.extract(hpke_reader.SUITE, b"", b"info_hash", INFO)}
    public.add(hpke_reader.extract(hpke_reader.SUITE, b"", b"psk_id_hash", b""))
    kept = [value for value, buffer in zip(values, buffers, strict=True) if any(buffer)]
    assert set(kept) == public
    assert set(hpke_reader.secrets_of(sealed, key.private_bytes_raw(), INFO)) <= set(values)


def test_a_text_that_does_not_open_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the cipher fails, the buffer that it may have written into is zeros."""
    seen: list[bytearray] = []

    class Spoiling:
        """A cipher that writes the text before it looks at the tag."""

        def __init__(self, key: object) -> None:
            pass

        def decrypt_into(self, _nonce: object, _text: object, _associated: object, buffer: bytearray) -> int:
            """Write, and fail."""
            buffer[:] = bytes([7]) * len(buffer)
            seen.append(buffer)
            raise InvalidTag

    key = X25519PrivateKey.generate()
    sealed = hpke.seal(bytearray(TEXT), key.public_key(), INFO)
    monkeypatch.setattr(hpke, "ChaCha20Poly1305", Spoiling)
    with pytest.raises(InvalidTag):
        hpke.open_sealed(sealed, key, INFO)
    assert [bytes(one) for one in seen] == [bytes(len(TEXT))]
