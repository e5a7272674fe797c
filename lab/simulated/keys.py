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

MACHINE, NONCE = 8, 12
"""Bytes of the machine's id, with which a blob begins, and of the nonce behind it."""


class KeysError(Exception):
    """The blob does not open: it belongs to other entropy or another machine, or was changed."""


class ForeignKeysError(KeysError):
    """The blob belongs to another machine."""


class MachineKeys:
    """Seals and opens under one random machine key, bound to the caller's entropy.

    Attributes:
        blocked: whether nothing opens at the moment, as while Windows' key service does not answer.
    """

    def __init__(self) -> None:
        self.blocked = False
        self._machine = os.urandom(MACHINE)
        self._cipher = AESGCM(AESGCM.generate_key(bit_length=256))

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Return `secret` sealed; the caller overwrites it."""
        nonce = os.urandom(NONCE)
        return self._machine + nonce + self._cipher.encrypt(nonce, secret, entropy)

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open a blob that `protect` made; the caller overwrites the result.

        Raises:
            ForeignKeysError: wrong machine.
            KeysError: wrong entropy, a blob that `protect` did not make, or nothing opens at the moment.
        """
        if self.blocked:
            raise KeysError("The RPC server is unavailable.")
        machine, rest = blob[:MACHINE], blob[MACHINE:]
        if machine != self._machine:
            raise ForeignKeysError("The data was not sealed by this PC.")
        try:
            return bytearray(self._cipher.decrypt(rest[:NONCE], rest[NONCE:], entropy))
        except (InvalidTag, ValueError):
            msg = "The data was not sealed for this purpose, or it was changed."
            raise KeysError(msg) from None
