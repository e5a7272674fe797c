# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device key of this PC: signs receipts and the journal's head with Ed25519, in OpenSSH's form."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from latchkey_agent.ports import KeyProtection, PortError
from latchkey_agent.protocol.frames import wipe

from . import ssh_signature
from .journal import Journal

RECEIPT, JOURNAL, DEVICE_KEY = "latchkey-receipt", "latchkey-journal", "latchkey-device-key"
"""The namespaces: the purposes of a signature."""
_KEY_NAME = "receipts"
_ENTROPY = b"latchkey receipt key 1"


class DeviceKey:
    """Signs with a key that never leaves this PC in the clear.

    Attributes:
        public_key: the public key as a line of OpenSSH.
        fingerprint: its fingerprint, as `ssh-keygen -l` prints it.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        raw = key.public_key().public_bytes_raw()
        self.public_key = ssh_signature.public_line(raw)
        self.fingerprint = ssh_signature.fingerprint(raw)

    @classmethod
    def load(cls, journal: Journal, keys: KeyProtection, random: Callable[[int], bytes]) -> DeviceKey:
        """Return this PC's key; make a new key if there is none, or if it does not open."""
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
    def _from(cls, seed: bytearray) -> DeviceKey:
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(seed))
        finally:
            wipe(seed)

    def sign(self, namespace: str, message: bytes) -> str:
        """Return the armored SSH signature of a message."""
        return ssh_signature.sign(self._key, namespace, message)


def canonical_json(document: dict[str, Any]) -> bytes:
    """Return the bytes of a document that are signed: sorted keys, no spaces, ASCII."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")
