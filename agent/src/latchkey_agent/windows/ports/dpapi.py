# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals secrets with DPAPI as LocalSystem: only this account on this PC can open them.

The scope is the user, not CRYPTPROTECT_LOCAL_MACHINE, with which every user of
the PC could open them ("CryptProtectData", Microsoft Learn). The secret passes
through ctypes, never through bytes or str, which cannot be overwritten.
"""

from __future__ import annotations

import ctypes

from latchkey_agent.ports import ForeignKeyError, PortError
from latchkey_agent.windows.win32.api import Blob, CryptProtectData, CryptUnprotectData, Function, LocalFree
from latchkey_agent.windows.win32.failures import check

CRYPTPROTECT_UI_FORBIDDEN = 0x1
NTE_BAD_KEY_STATE = 0x8009000B
"""The error if the account lacks the master key of a blob: it is another PC's or another account's. A changed blob and
another entropy give ERROR_INVALID_DATA ("NTE_BAD_KEY_STATE" in winerror.h; W-76 lists the check on a real PC)."""


class SystemKeys:
    """Implements ports.KeyProtection."""

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Seal a secret.

        Args:
            secret: the secret; the caller overwrites it.
            entropy: must be given again to `unprotect`.

        Raises:
            PortError: Windows refuses.
        """
        return bytes(_crypt(CryptProtectData, secret, entropy))

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open a blob from `protect`. The caller overwrites the result.

        Raises:
            ForeignKeyError: another account or PC sealed the blob.
            PortError: Windows refuses for another reason; the blob was changed, or the entropy differs.
        """
        try:
            return _crypt(CryptUnprotectData, bytearray(blob), entropy)
        except PortError as fault:
            if fault.code & 0xFFFFFFFF == NTE_BAD_KEY_STATE:
                raise ForeignKeyError(str(fault)) from None
            raise


def _crypt(function: Function, data: bytearray, entropy: bytes) -> bytearray:
    source, salt, target = _blob(data), _blob(bytearray(entropy)), Blob()
    succeeded = function(
        ctypes.byref(source),
        None,
        ctypes.byref(salt),
        None,
        None,
        CRYPTPROTECT_UI_FORBIDDEN,
        ctypes.byref(target),
    )
    check(succeeded, "sealing or opening with DPAPI")
    try:
        made = (ctypes.c_char * target.size).from_address(target.data)
        return bytearray(memoryview(made).cast("B"))
    finally:
        ctypes.memset(target.data, 0, target.size)
        LocalFree(target.data)


def _blob(data: bytearray) -> Blob:
    blob = Blob(len(data), None)
    if data:
        buffer = (ctypes.c_char * len(data)).from_buffer(data)
        blob.data = ctypes.addressof(buffer)
        # Keep the buffer alive as long as the blob.
        blob.buffer = buffer
    return blob
