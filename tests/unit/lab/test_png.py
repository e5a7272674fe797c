# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import struct
import zlib

from lab.wine.png import Picture, png, read_xwd

RED, GREEN, BLUE, WHITE = b"\xff\0\0", b"\0\xff\0", b"\0\0\xff", b"\xff\xff\xff"
PICTURE = Picture(2, 2, RED + GREEN + BLUE + WHITE)


def test_a_dump_of_the_x_server_is_read() -> None:
    """A dump has four bytes for each pixel, blue first, and lines may be longer than the picture."""
    words = [0] * 25
    words[0], words[4], words[5], words[12], words[19] = 104, 2, 2, 12, 1
    lines = b"\0\0\xff\0" + b"\0\xff\0\0" + b"pad!" + b"\xff\0\0\0" + b"\xff\xff\xff\0" + b"pad!"
    assert read_xwd(struct.pack(">25I", *words) + b"\0" * 4 + b"c" * 12 + lines) == PICTURE


def test_a_part_of_a_picture_is_returned() -> None:
    """A part does not include an area outside of the picture."""
    assert PICTURE.part(1, 0, 5, 5) == Picture(1, 2, GREEN + WHITE)
    assert PICTURE.part(-3, 1, 4, 1) == Picture(1, 1, BLUE)


def test_a_png_holds_the_picture() -> None:
    """Each chunk of the PNG has its check sum, each row its filter."""
    data = png(PICTURE)
    assert data.startswith(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x02\x08\x02\0\0\0")
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + length
    assert zlib.decompress(chunks[b"IDAT"]) == b"\0" + RED + GREEN + b"\0" + BLUE + WHITE
