# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Linux puts things in the memory of Wine's programs: always at the same places.

Every program of Windows has a page that all share at 0x7ffe0000. Linux puts what is a program's own at random
places; about once in 2,000 starts something lies there already, and Wine 8.0 ends the program at once with 1,
without a word unless its errors are switched on ("failed to map the shared user data: c0000018").
"""

from __future__ import annotations

import ctypes

ADDR_NO_RANDOMIZE = 0x0040000
"""personality(2)"""
_ASK = 0xFFFFFFFF


def keep_in_place() -> None:
    """Let the programs that this process starts from now on have no random places.

    Where a sandbox forbids that, they go on having them.
    """
    personality = ctypes.CDLL(None).personality
    personality(ctypes.c_ulong(personality(ctypes.c_ulong(_ASK)) | ADDR_NO_RANDOMIZE))
