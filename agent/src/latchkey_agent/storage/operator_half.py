# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's half of a record's key: sealed to the grant's public key, opened from an operator's delivery.

Both ways use HPKE in its base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and ChaCha20Poly1305. A
sealed half is the encapsulated key (32 bytes) and the ciphertext with its tag (48 bytes). The `info` of each one says
what it is for (section 5.1), so it opens for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from latchkey_agent.domain import Sealing
from latchkey_agent.protocol.frames import wipe

from . import hpke
from .key_slots import HALF_BYTES
from .signed_json import canonical_json

SEALED_BYTES = hpke.ENC_BYTES + HALF_BYTES + hpke.TAG_BYTES
"""Bytes of a sealed half: the encapsulated key, the half, and the tag."""


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
        return hpke.seal(half, X25519PublicKey.from_public_bytes(public_key), info)
    except ValueError:
        msg = "it is no usable X25519 key"
        raise HalfError(msg) from None


def sealer(sealing: Sealing, session: str, grant: str) -> Callable[[bytearray], bytes]:
    """Return the function that seals a half for the record of a grant; the function raises HalfError."""
    info, public_key = stored_info(sealing, session, grant), bytes.fromhex(sealing.public_key)
    return lambda half: seal(half, public_key, info)


class DeliveryKey:
    """A new key pair for one delivery. The private key is in this object only: OpenSSL overwrites it with its end."""

    def __init__(self) -> None:
        self._key = X25519PrivateKey.generate()

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
            half = hpke.open_sealed(sealed, self._key, delivery.info)
        except (InvalidTag, ValueError):
            msg = "it does not open with the key of this delivery"
            raise HalfError(msg) from None
        if len(half) != HALF_BYTES:
            wipe(half)
            msg = f"it has {len(half)} bytes instead of {HALF_BYTES}"
            raise HalfError(msg)
        return half


def forget(half: bytearray) -> None:
    """Overwrite a half, in place."""
    wipe(half)
