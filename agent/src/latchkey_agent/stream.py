# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames over any byte stream: a socket's or a pipe's file object."""

from __future__ import annotations

from typing import Protocol

from .protocol.frames import HEADER, Frame, FrameError, encode, lengths, wipe


class Stream(Protocol):
    """An unbuffered binary stream, so that no copy of a secret stays in a buffer."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Read at most as many bytes as the buffer has; 0 at the end."""

    def write(self, data: memoryview, /) -> int | None:
        """Write; return how many bytes were taken."""


def read_frame(stream: Stream) -> Frame | None:
    """Return the next frame, None where the peer has closed between two.

    Raises:
        FrameError: no frame of ours, too large, or cut off.
        OSError: the stream failed.
    """
    header = bytearray(HEADER.size)
    if not _fill(stream, header, may_end=True):
        return None
    body_length, secret_length = lengths(header)
    body, secret = bytearray(body_length), bytearray(secret_length)
    try:
        _fill(stream, body)
        _fill(stream, secret)
    except (FrameError, OSError):
        wipe(secret)
        raise
    return Frame(bytes(body), secret)


def write_frame(stream: Stream, body: bytes, secret: bytes | bytearray = b"") -> None:
    """Write one frame; the frame's own buffer is overwritten afterwards.

    Raises:
        FrameError: too large.
        OSError: the stream failed.
    """
    frame = encode(body, secret)
    try:
        view, at = memoryview(frame), 0
        while at < len(frame):
            if not (taken := stream.write(view[at:])):
                msg = "the peer takes no more"
                raise BrokenPipeError(msg)
            at += taken
        view.release()
    finally:
        wipe(frame)


def _fill(stream: Stream, buffer: bytearray, *, may_end: bool = False) -> bool:
    """Fill a buffer; False only where the peer closed before its first byte and may."""
    view, at = memoryview(buffer), 0
    while at < len(buffer):
        got = stream.readinto(view[at:])
        if not got:
            if may_end and at == 0:
                return False
            msg = "the message was cut off"
            raise FrameError(msg)
        at += got
    return True
