# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which keys and clicks of a window count as the customer's will (rule 4). Pure.

A window that opens while somebody types gets the keys that were meant for
another one. So nothing counts in its first moments, and Enter and Space do
nothing until the person has moved in it: by Tab, an arrow, a letter with Alt,
or the mouse. Until then the focus lies on the button that closes the window.
Assistive programs that press a button for the person are not concerned.
"""

from __future__ import annotations

ARMED_AFTER = 1.0
"""Seconds: longer than it takes to see that there is a new window."""

# winuser.h
WM_KEYDOWN, WM_KEYUP, WM_SYSKEYDOWN = 0x100, 0x101, 0x104
WM_LBUTTONDOWN, WM_POINTERDOWN = 0x201, 0x246
VK_TAB, VK_RETURN, VK_MENU, VK_SPACE = 0x09, 0x0D, 0x12, 0x20
VK_ARROWS = frozenset(range(0x25, 0x29))
_PRESS = frozenset({VK_RETURN, VK_SPACE})


class Guard:
    """Watches over one window.

    Args:
        opened: when it opened, in seconds of any clock that does not jump.
    """

    def __init__(self, opened: float) -> None:
        self._armed_at = opened + ARMED_AFTER
        self._moved = False

    def lets_pass(self, message: int, key: int, now: float) -> bool:
        """Tell whether a message may reach the window, and learn from it.

        Args:
            message: its number.
            key: the virtual key, for messages of the keyboard.
            now: the same clock as `opened`.
        """
        if message in {WM_KEYDOWN, WM_KEYUP} and key in _PRESS:
            return self._moved and now >= self._armed_at
        if now >= self._armed_at and _moves(message, key):
            self._moved = True
        return True

    def lets_answer(self, now: float) -> bool:
        """Tell whether a button that was pressed counts."""
        return now >= self._armed_at


def _moves(message: int, key: int) -> bool:
    if message == WM_KEYDOWN:
        return key == VK_TAB or key in VK_ARROWS
    if message == WM_SYSKEYDOWN:
        return key != VK_MENU
    return message in {WM_LBUTTONDOWN, WM_POINTERDOWN}
