# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the provider's parser in a process of its own: an input may end it.

    python parser_host.py LIBRARY

Reads requests on standard input: the name of a function of parser/library.cpp
in 8 bytes, a length (u32), the data; writes a length and the result. The data
ends where the process may not read any further, so that one step over the end
is not survived.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
import sys

ROOM = 1 << 20
PROT_NONE = 0  # sys/mman.h


def room_before_a_wall() -> tuple[mmap.mmap, int]:
    """Return memory, and the address at which nothing may be read."""
    room = mmap.mmap(-1, ROOM + mmap.PAGESIZE)
    wall = ctypes.addressof(ctypes.c_char.from_buffer(room)) + ROOM
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(wall), mmap.PAGESIZE, PROT_NONE):
        raise OSError(ctypes.get_errno(), "mprotect")
    return room, wall


def main(library: str) -> None:
    """Serve until the input ends."""
    functions = ctypes.CDLL(library)
    room, wall = room_before_a_wall()
    result = ctypes.create_string_buffer(1 << 16)
    while header := sys.stdin.buffer.read(12):
        name, size = struct.unpack("<8sI", header)
        room[ROOM - size : ROOM] = sys.stdin.buffer.read(size)
        call = getattr(functions, name.rstrip(b"\0").decode())
        call.restype = ctypes.c_size_t
        length = call(ctypes.c_void_p(wall - size), ctypes.c_size_t(size), result)
        sys.stdout.buffer.write(struct.pack("<I", length) + result.raw[:length])
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(sys.argv[1])
