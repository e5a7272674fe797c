# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides which keys and clicks count as the customer's decision (rule 4). Pure.

A window that opens while the customer types receives keys that were meant for
another window. The guard therefore ignores all input for a moment. Enter and
Space do nothing until the customer has navigated in the window: with Tab, an
arrow key or the mouse. Alt and a letter may open a menu of the program in which
the customer was typing. Until then the focus is on the button that closes the
window. The guard does not affect assistive programs that press a button for the
customer.
"""

from __future__ import annotations

ARMED_AFTER = 1.0
"""Seconds until input counts: longer than a person needs to notice a new window."""

# winuser.h
WM_KEYDOWN, WM_KEYUP = 0x100, 0x101
WM_LBUTTONDOWN, WM_POINTERDOWN = 0x201, 0x246
VK_TAB, VK_RETURN, VK_SPACE = 0x09, 0x0D, 0x20
VK_ARROWS = frozenset(range(0x25, 0x29))
_PRESS = frozenset({VK_RETURN, VK_SPACE})


class Guard:
    """Filters the input of one window.

    Args:
        opened: the time at which the window opened, in seconds of a monotonic clock.
    """

    def __init__(self, opened: float) -> None:
        self._armed_at = opened + ARMED_AFTER
        self._navigated = False

    def allows_message(self, message: int, key: int, now: float) -> bool:
        """Return whether a message may reach the window, and note navigation.

        Args:
            message: the number of the Windows message.
            key: the virtual key code of a keyboard message.
            now: the current time, of the same clock as `opened`.
        """
        if message in {WM_KEYDOWN, WM_KEYUP} and key in _PRESS:
            return self._navigated and now >= self._armed_at
        if now >= self._armed_at and _is_navigation(message, key):
            self._navigated = True
        return True

    def allows_answer(self, now: float) -> bool:
        """Return whether a pressed button counts.

        Args:
            now: the current time, of the same clock as `opened`.
        """
        return now >= self._armed_at


def _is_navigation(message: int, key: int) -> bool:
    if message == WM_KEYDOWN:
        return key == VK_TAB or key in VK_ARROWS
    return message in {WM_LBUTTONDOWN, WM_POINTERDOWN}
