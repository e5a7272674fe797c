# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated PC's stand-in for DPAPI: seals small secrets under a key of the machine.

The key lives in the lab process, as DPAPI's key lives in the PC's LSA: the PC's disk
alone does not open anything.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12


class KeysError(Exception):
    """The blob belongs to another machine or other entropy, or was changed."""


class MachineKeys:
    """Seals and opens under one random machine key, bound to the caller's entropy."""

    def __init__(self) -> None:
        self._cipher = AESGCM(AESGCM.generate_key(bit_length=256))

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Return `secret` sealed; the caller overwrites it."""
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, secret, entropy)

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open a blob that `protect` made; the caller overwrites the result.

        Raises:
            KeysError: wrong machine, wrong entropy, or a blob that `protect` did not make.
        """
        try:
            return bytearray(self._cipher.decrypt(blob[:NONCE], blob[NONCE:], entropy))
        except (InvalidTag, ValueError):
            msg = "The data was not sealed by this PC for this purpose, or it was changed."
            raise KeysError(msg) from None
