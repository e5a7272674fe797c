# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames of all pipes: a body and a secret, each of bounded length.

    "LKY1" | u32 length of body | u32 length of secret | body | secret

Lengths are little-endian, as every Windows compiler has them. The body is JSON, on
the logon pipe fields (see `logon_encoding`). The secret has a part of its own because
a decoder would leave it in memory as immutable text that cannot be overwritten. The
module does no I/O (sans-IO, as h11).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

MAGIC = b"LKY1"
HEADER = struct.Struct("<4sII")
MAX_JSON = 1 << 20
MAX_SECRET = 1024
"""512 UTF-16 units: a Windows password has 127 (LogonUserW: PWLEN is 256)."""


class FrameError(Exception):
    """The peer sent no valid frame; the connection is of no use any more."""


class Frame(NamedTuple):
    """One message: its body, and a secret that the owner overwrites after use."""

    body: bytes
    secret: bytearray


def encode(body: bytes, secret: bytes | bytearray = b"") -> bytearray:
    """Return one frame; the caller overwrites it if it carries a secret.

    Raises:
        FrameError: a part is longer than its limit.
    """
    if len(body) > MAX_JSON or len(secret) > MAX_SECRET:
        msg = f"message of {len(body)} + {len(secret)} bytes is larger than the protocol allows"
        raise FrameError(msg)
    frame = bytearray(HEADER.size + len(body) + len(secret))
    HEADER.pack_into(frame, 0, MAGIC, len(body), len(secret))
    # Use a view: a slice of a bytearray makes a copy of the secret.
    with memoryview(frame) as view:
        view[HEADER.size : HEADER.size + len(body)] = body
        view[HEADER.size + len(body) :] = secret
    return frame


def lengths(header: bytes | bytearray) -> tuple[int, int]:
    """Return the two lengths that a header announces.

    Raises:
        FrameError: it is no frame header, or a length is over its limit.
    """
    magic, body, secret = HEADER.unpack(header)
    if magic != MAGIC:
        msg = "not a Latchkey message"
        raise FrameError(msg)
    if body > MAX_JSON or secret > MAX_SECRET:
        msg = f"message of {body} + {secret} bytes is larger than the protocol allows"
        raise FrameError(msg)
    return body, secret


def wipe(buffer: bytearray) -> None:
    """Overwrite a buffer that held a secret, in place."""
    buffer[:] = bytes(len(buffer))
