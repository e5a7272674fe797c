# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HPKE for tests, written from RFC 9180 alone (sections 4, 4.1, 5.1 and 5.2): its secrets, and what they open."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

KEM, SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"


class Secrets(NamedTuple):
    """The secrets of one message, by their names in the RFC; `exchanged` is `dh`."""

    exchanged: bytes
    eae_prk: bytes
    shared_secret: bytes
    secret: bytes
    key: bytes
    base_nonce: bytes


def extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    """Return LabeledExtract of section 4."""
    return HKDF.extract(SHA256(), salt or None, b"HPKE-v1" + suite + label + ikm)


def expand(suite: bytes, prk: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """Return LabeledExpand of section 4."""
    told = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context
    return HKDFExpand(SHA256(), length, told).derive(prk)


def secrets(own: X25519PrivateKey, other: bytes, enc: bytes, receiver: bytes, info: bytes) -> Secrets:
    """Return the secrets of one message, for its sender or its receiver.

    Args:
        own: the private key of one side.
        other: the public key of the other one.
        enc: the sender's public key.
        receiver: the receiver's public key.
        info: what the message is for.
    """
    exchanged = own.exchange(X25519PublicKey.from_public_bytes(other))
    prk = extract(KEM, b"", b"eae_prk", exchanged)
    shared = expand(KEM, prk, b"shared_secret", enc + receiver, 32)
    schedule = b"\0" + extract(SUITE, b"", b"psk_id_hash", b"") + extract(SUITE, b"", b"info_hash", info)
    secret = extract(SUITE, shared, b"secret", b"")
    key = expand(SUITE, secret, b"key", schedule, 32)
    return Secrets(exchanged, prk, shared, secret, key, expand(SUITE, secret, b"base_nonce", schedule, 12))


def secrets_of(sealed: bytes, private: bytes, info: bytes) -> Secrets:
    """Return the secrets of a sealed message for its receiver."""
    own = X25519PrivateKey.from_private_bytes(private)
    return secrets(own, sealed[:32], sealed[:32], own.public_key().public_bytes_raw(), info)


def opened(sealed: bytes, private: bytes, info: bytes, aad: bytes = b"") -> bytes:
    """Open a message in the base mode.

    Raises:
        InvalidTag: it does not open.
    """
    found = secrets_of(sealed, private, info)
    return ChaCha20Poly1305(found.key).decrypt(found.base_nonce, sealed[32:], aad)


def sealed_with(own: X25519PrivateKey, text: bytes, receiver: bytes, info: bytes) -> tuple[bytes, Secrets]:
    """Return a message that is sealed with this key of the sender, and its secrets."""
    enc = own.public_key().public_bytes_raw()
    found = secrets(own, receiver, enc, receiver, info)
    return enc + ChaCha20Poly1305(found.key).encrypt(found.base_nonce, text, b""), found
