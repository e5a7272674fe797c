# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns off random memory addresses for Wine's programs.

Every Windows program maps a shared page at 0x7ffe0000. Linux places a program's own memory at random
addresses; about once in 2,000 starts they cover that page, and Wine 8.0 ends the program at once with exit code 1,
silently unless its errors are enabled ("failed to map the shared user data: c0000018").
"""

from __future__ import annotations

import ctypes

ADDR_NO_RANDOMIZE = 0x0040000
"""personality(2)"""
_ASK = 0xFFFFFFFF


def keep_in_place() -> None:
    """Turn off random addresses for the programs that this process starts from now on.

    In a sandbox that forbids this, it has no effect.
    """
    personality = ctypes.CDLL(None).personality
    personality(ctypes.c_ulong(personality(ctypes.c_ulong(_ASK)) | ADDR_NO_RANDOMIZE))
