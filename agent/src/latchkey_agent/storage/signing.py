# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's signature of receipts: Ed25519 (RFC 8032) over canonical JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from latchkey_agent.ports import KeyProtection, PortError
from latchkey_agent.protocol.frames import wipe

from .journal import Journal

_KEY_NAME = "receipts"
_ENTROPY = b"latchkey receipt key 1"


class ReceiptSigner:
    """Signs receipts with a key that never leaves this PC in the clear."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes_raw().hex()

    @classmethod
    def load(cls, journal: Journal, keys: KeyProtection, random: Callable[[int], bytes]) -> ReceiptSigner:
        """Return the signer with this PC's key; make a new key if there is none, or if it does not open."""
        kept = journal.key(_KEY_NAME)
        if kept is not None:
            try:
                return cls._from(keys.unprotect(kept, _ENTROPY))
            except PortError:
                pass  # After a restore on another PC or account the old key does not open: begin a new one.
        seed = bytearray(random(32))
        journal.keep_key(_KEY_NAME, keys.protect(seed, _ENTROPY))
        return cls._from(seed)

    @classmethod
    def _from(cls, seed: bytearray) -> ReceiptSigner:
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(seed))
        finally:
            wipe(seed)

    def sign(self, document: dict[str, Any]) -> str:
        """Return the signature of a document, in hexadecimal."""
        return self._key.sign(canonical_json(document)).hex()


def canonical_json(document: dict[str, Any]) -> bytes:
    """Return the bytes that are signed: sorted keys, no spaces, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def check(document: dict[str, Any], signature: str, public_key: str) -> bool:
    """Tell whether a receipt was signed with this key and not changed since."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), canonical_json(document))
    except (InvalidSignature, ValueError):
        return False
    return True
