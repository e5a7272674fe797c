# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""DPAPI as LocalSystem: what is protected here, only this account on this PC can open.

User scope, not CRYPTPROTECT_LOCAL_MACHINE, with which every user of the PC
could ("CryptProtectData", Microsoft Learn). The secret passes through ctypes,
never through bytes or str, which cannot be overwritten.
"""

from __future__ import annotations

import ctypes

from latchkey_agent.windows.win32.api import Blob, CryptProtectData, CryptUnprotectData, Function, LocalFree
from latchkey_agent.windows.win32.failures import check

CRYPTPROTECT_UI_FORBIDDEN = 0x1


class SystemKeys:
    """ports.KeyProtection."""

    def protect(self, secret: bytearray, entropy: bytes) -> bytes:
        """Return `secret` sealed.

        Raises:
            PortError: Windows refuses.
        """
        return bytes(_crypt(CryptProtectData, secret, entropy))

    def unprotect(self, blob: bytes, entropy: bytes) -> bytearray:
        """Open what `protect` made; the caller overwrites the result.

        Raises:
            PortError: another account or PC made it, it was changed, or the entropy is another.
        """
        return _crypt(CryptUnprotectData, bytearray(blob), entropy)


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
        held = (ctypes.c_char * len(data)).from_buffer(data)
        blob.data = ctypes.addressof(held)
        # As long as the blob lives, so does what it points to.
        blob.held = held
    return blob
