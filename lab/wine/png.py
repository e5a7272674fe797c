# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Converts the X server's picture (X11/XWDFile.h) to PNG (RFC 2083), with the standard library alone."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

_HEADER = struct.Struct(">25I")
"""The first 25 words: among them the header's size, width, height, bytes of a line and number of colours."""
_COLOR = 12


class Picture(NamedTuple):
    """Pixels row by row; one byte each for red, green and blue."""

    width: int
    height: int
    pixels: bytes

    def part(self, left: int, top: int, width: int, height: int) -> Picture:
        """Return a part, without its area outside the picture."""
        right, bottom = min(self.width, left + width), min(self.height, top + height)
        left, top = max(0, left), max(0, top)
        rows = (
            self.pixels[3 * (y * self.width + left) : 3 * (y * self.width + right)]
            for y in range(top, bottom)
        )
        return Picture(right - left, bottom - top, b"".join(rows))


def read_xwd(data: bytes) -> Picture:
    """Return the picture in Xvfb's dump: 24 bits a pixel in four bytes, blue first."""
    words = _HEADER.unpack_from(data)
    header, width, height, line, colors = words[0], words[4], words[5], words[12], words[19]
    start = header + _COLOR * colors
    rows = []
    for y in range(height):
        row = data[start + y * line : start + y * line + 4 * width]
        pixels = bytearray(3 * width)
        pixels[0::3], pixels[1::3], pixels[2::3] = row[2::4], row[1::4], row[0::4]
        rows.append(bytes(pixels))
    return Picture(width, height, b"".join(rows))


def png(picture: Picture) -> bytes:
    """Return a picture as a PNG file."""
    head = struct.pack(">2I5B", picture.width, picture.height, 8, 2, 0, 0, 0)
    line = 3 * picture.width
    rows = (picture.pixels[at : at + line] for at in range(0, len(picture.pixels), line))
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checked = kind + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))
