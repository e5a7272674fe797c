# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of the screen reader on a Wine PC (`guest.screen_reader`) for the lab."""

from __future__ import annotations

from typing import NamedTuple


class ScreenWindow(NamedTuple):
    """A window on the screen: `texts` are those of its parts, `place` is left, top, right, bottom."""

    title: str
    kind: str
    texts: list[str]
    place: tuple[int, int, int, int]


class Focus(NamedTuple):
    """The keyboard focus.

    Attributes:
        window: the title of the window that has the keyboard.
        part: the text of the focused part; empty for a password field.
        typed: the number of characters in a password field; -1 for any other part.
    """

    window: str
    part: str
    typed: int
