# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""HPKE in its base mode (RFC 9180), for one message, with buffers that are overwritten.

The algorithms are DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305 (section 7). The HPKE of `cryptography`
is the same, but frees the shared secret and the key of the message without overwriting them. A copy of the memory, such
as a hibernation file, would then open a message whose private key was never there. The tests compare both.
"""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from latchkey_agent.protocol.frames import wipe

from . import hkdf

ENC_BYTES, TAG_BYTES = 32, 16
"""Nenc and Nt (RFC 9180, section 7)."""
_KEM, _SUITE = b"KEM\x00\x20", b"HPKE\x00\x20\x00\x01\x00\x03"
"""The `suite_id` of sections 4.1 and 5.1."""
_KEY_BYTES, _NONCE_BYTES = 32, 12
_BASE = b"\0"
"""The mode of section 5."""


class _Schedule(NamedTuple):
    """The key and the nonce of the first message."""

    key: bytearray
    nonce: bytearray


def seal(
    text: bytearray,
    public_key: X25519PublicKey,
    info: bytes,
    associated: bytes = b"",
    ephemeral: X25519PrivateKey | None = None,
) -> bytes:
    """Return the encapsulated key and the ciphertext of a message (`SealBase`, section 6.1).

    Args:
        text: the message, which the caller overwrites.
        public_key: the key of the receiver.
        info: what the message is for.
        associated: the associated data.
        ephemeral: the sender's key for a test vector; a new one otherwise.

    Raises:
        ValueError: the public key is of low order (section 7.1.4).
    """
    own = ephemeral or X25519PrivateKey.generate()
    enc = own.public_key().public_bytes_raw()
    schedule = _schedule(own, public_key, enc + public_key.public_bytes_raw(), info)
    ciphertext = bytearray(len(text) + TAG_BYTES)
    try:
        ChaCha20Poly1305(schedule.key).encrypt_into(schedule.nonce, text, associated, ciphertext)
    finally:
        _wipe(*schedule)
    return enc + bytes(ciphertext)


def open_sealed(
    sealed: bytes, private_key: X25519PrivateKey, info: bytes, associated: bytes = b""
) -> bytearray:
    """Return the message of an encapsulated key and a ciphertext (`OpenBase`, section 6.1); the caller overwrites it.

    Args:
        sealed: what `seal` has returned.
        private_key: the key of the receiver.
        info: what the message must be for.
        associated: the associated data.

    Raises:
        InvalidTag: it was sealed to another key or for something else, or was changed.
        ValueError: it is too short, or its encapsulated key is of low order.
    """
    enc, ciphertext = sealed[:ENC_BYTES], sealed[ENC_BYTES:]
    if len(ciphertext) < TAG_BYTES:
        msg = "it is too short"
        raise ValueError(msg)
    sender = X25519PublicKey.from_public_bytes(enc)
    context = enc + private_key.public_key().public_bytes_raw()
    schedule, text = _schedule(private_key, sender, context, info), bytearray(len(ciphertext) - TAG_BYTES)
    try:
        ChaCha20Poly1305(schedule.key).decrypt_into(schedule.nonce, ciphertext, associated, text)
    except BaseException:
        wipe(text)
        raise
    finally:
        _wipe(*schedule)
    return text


def _schedule(own: X25519PrivateKey, other: X25519PublicKey, kem_context: bytes, info: bytes) -> _Schedule:
    """Return what Encap or Decap (section 4.1) and KeySchedule (section 5.1) lead to; the caller overwrites it."""
    exchanged = hkdf.taken(own.exchange(other))
    extracted = _extract(_KEM, b"", b"eae_prk", exchanged)
    shared = _expand(_KEM, extracted, b"shared_secret", kem_context, hkdf.BLOCK)
    context = _BASE + _extract(_SUITE, b"", b"psk_id_hash", b"") + _extract(_SUITE, b"", b"info_hash", info)
    secret = _extract(_SUITE, shared, b"secret", b"")
    try:
        return _Schedule(
            _expand(_SUITE, secret, b"key", context, _KEY_BYTES),
            _expand(_SUITE, secret, b"base_nonce", context, _NONCE_BYTES),
        )
    finally:
        _wipe(exchanged, extracted, shared, secret)


def _extract(suite: bytes, salt: bytes | bytearray, label: bytes, material: bytes | bytearray) -> bytearray:
    """Return LabeledExtract of section 4."""
    return hkdf.extract(salt, b"HPKE-v1" + suite + label, material)


def _expand(suite: bytes, key: bytearray, label: bytes, context: bytes, length: int) -> bytearray:
    """Return LabeledExpand of section 4."""
    return hkdf.expand(key, length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + context, length)


def _wipe(*buffers: bytearray) -> None:
    for buffer in buffers:
        wipe(buffer)
