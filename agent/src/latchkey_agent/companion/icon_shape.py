# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the tray icon, a key, in any size. Pure."""

from __future__ import annotations

from typing import NamedTuple


class Masks(NamedTuple):
    """The two bitmaps of an icon ("CreateIcon function", Microsoft Learn).

    Each pixel has one bit. Each row is padded to 16 bits.

    Attributes:
        keep: 1 where the icon is transparent.
        ink: 1 where the icon is white.
    """

    keep: bytes
    ink: bytes


def key_masks(size: int) -> Masks:
    """Return a white key on a dark disc, `size` pixels wide and high."""
    rows = [[_pixel((x + 0.5) / size, (y + 0.5) / size) for x in range(size)] for y in range(size)]
    return Masks(_packed(rows, " "), _packed(rows, "#"))


def _pixel(x: float, y: float) -> str:
    if (x - 0.5) ** 2 + (y - 0.5) ** 2 > 0.25:
        return " "
    ring = (x - 0.5) ** 2 + (y - 0.32) ** 2
    shaft = abs(x - 0.5) < 0.06 and 0.4 < y < 0.86
    bits = 0.5 < x < 0.7 and (0.62 < y < 0.7 or 0.77 < y < 0.86)
    return "#" if 0.006 < ring < 0.034 or shaft or bits else "."


def _packed(rows: list[list[str]], symbol: str) -> bytes:
    packed = bytearray()
    for row in rows:
        padded = row + [""] * (-len(row) % 16)
        number = int("".join("1" if pixel == symbol else "0" for pixel in padded), 2)
        packed += number.to_bytes(len(padded) // 8, "big")
    return bytes(packed)
