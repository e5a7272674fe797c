# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the eyes on a Wine PC (`guest.eyes`) tell the lab."""

from __future__ import annotations

from typing import NamedTuple


class Seen(NamedTuple):
    """A window: `texts` are those of its parts, `place` is left, top, right, bottom."""

    title: str
    kind: str
    texts: list[str]
    place: tuple[int, int, int, int]


class Focus(NamedTuple):
    """Where the next key goes.

    Attributes:
        window: the title of the window that has the keyboard.
        part: the text of the part of it that has; nothing of a password field.
        typed: how many characters a password field has; -1 where it is none.
    """

    window: str
    part: str
    typed: int
