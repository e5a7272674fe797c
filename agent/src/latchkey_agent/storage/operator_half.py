# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's half of a record's key: sealed to the grant's public key, opened from an operator's delivery.

Both ways use HPKE in its base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305. A
sealed half is the encapsulated key (32 bytes) and the ciphertext with its tag (48 bytes). The `info` of each one says
what it is for (section 5.1), so it opens for nothing else.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from latchkey_agent.domain import Sealing

from .key_slots import HALF_BYTES
from .signed_json import canonical_json

KEY_BYTES = 32
SEALED_BYTES = KEY_BYTES + HALF_BYTES + 16
"""Bytes of a sealed half: Nenc, the half, and Nt (RFC 9180, section 7)."""
_CONTENT_AT = bytes.__basicsize__ - 1
"""The place of the content in a bytes object of CPython: behind it stands one zero (Include/cpython/bytesobject.h)."""


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class HalfError(Exception):
    """A key cannot serve, or a half does not open with it."""


class Delivery(NamedTuple):
    """What a delivered half is for: the grant, and the permit of a use that has begun, else nothing.

    `nonce` is the agent's, and used once. `device` is the fingerprint of the PC's device key.
    """

    device: str
    grant: str
    permit: str
    nonce: str

    @property
    def info(self) -> bytes:
        """The `info` of its HPKE context."""
        return canonical_json({"purpose": "latchkey-delivered-half-1", **self._asdict()})


def stored_info(sealing: Sealing, session: str, grant: str) -> bytes:
    """Return the `info` of the half in a sealed record. `session` is the name of the support session."""
    return canonical_json(
        {
            "purpose": "latchkey-stored-half-1",
            "device": sealing.device,
            "session": session,
            "nonce": sealing.nonce,
            "grant": grant,
        }
    )


def require_usable(public_key: str) -> None:
    """Raise HalfError if nothing can be sealed to a public key (hexadecimal): RFC 7748, section 6.1, has such points.

    The grant would fail at the moment at which the customer enters the password.
    """
    seal(bytearray(HALF_BYTES), bytes.fromhex(public_key), b"")


def seal(half: bytearray, public_key: bytes, info: bytes) -> bytes:
    """Return a half sealed to a public key; the caller overwrites `half`.

    Raises:
        HalfError: nothing can be sealed to this key.
    """
    try:
        return _suite().encrypt(half, X25519PublicKey.from_public_bytes(public_key), info)
    except ValueError:
        msg = "it is no usable X25519 key"
        raise HalfError(msg) from None


def sealer(sealing: Sealing, session: str, grant: str) -> Callable[[bytearray], bytes]:
    """Return the function that seals a half for the record of a grant; the function raises HalfError."""
    info, public_key = stored_info(sealing, session, grant), bytes.fromhex(sealing.public_key)
    return lambda half: seal(half, public_key, info)


class DeliveryKey:
    """A key pair for one delivery. The private key is in this object only, and gone with it.

    Args:
        seed: 32 random bytes.
    """

    def __init__(self, seed: bytes) -> None:
        self._key = X25519PrivateKey.from_private_bytes(seed)

    @property
    def public_key(self) -> str:
        """The public key in hexadecimal."""
        return self._key.public_key().public_bytes_raw().hex()

    def open(self, sealed: bytes, delivery: Delivery) -> bytearray:
        """Return the half; the caller overwrites it.

        Raises:
            HalfError: it was not sealed to this key for this delivery, or is none.
        """
        try:
            clear = _suite().decrypt(sealed, self._key, delivery.info)
        except (InvalidTag, ValueError):
            msg = "it does not open with the key of this delivery"
            raise HalfError(msg) from None
        if len(clear) != HALF_BYTES:
            msg = f"it has {len(clear)} bytes instead of {HALF_BYTES}"
            raise HalfError(msg)
        half = bytearray(clear)
        overwrite(clear)
        return half


def forget(half: bytearray) -> None:
    """Overwrite a half, in place."""
    half[:] = bytes(len(half))


def overwrite(secret: bytes) -> None:
    """Overwrite the content of a bytes object that a library has made, and that nothing else refers to.

    Give it a longer one only: CPython keeps one object for each single byte.
    """
    ctypes.memset(id(secret) + _CONTENT_AT, 0, len(secret))
