# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames over the PC's Unix sockets, for threads and for the lab's event loop.

Every connection to a pipe of the agent begins with a preamble, a frame that
names the client: on Windows the kernel identifies it for the service, here the PC does.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import msgspec

from latchkey_agent.protocol.frames import HEADER, Frame, encode, lengths, wipe
from latchkey_agent.stream import read_frame, write_frame

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from pathlib import Path


class Token(msgspec.Struct, frozen=True):
    """The client of a pipe: the account's SID and its Windows session, if it has one."""

    sid: str
    session_id: int | None = None


def connect(path: str | Path, timeout: float | None = None) -> socket.socket:
    """Return a blocking connection to a Unix socket.

    Raises:
        OSError: no process listens there.
    """
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(timeout)
        connection.connect(str(path))
    except OSError:
        connection.close()
        raise
    return connection


def open_pipe(path: str | Path, token: Token, timeout: float | None = None) -> socket.socket:
    """Connect to a pipe of the agent as `token`; raises OSError if no process listens."""
    connection = connect(path, timeout)
    try:
        send(connection, msgspec.json.encode(token))
    except OSError:
        connection.close()
        raise
    return connection


class SocketStream:
    """A blocking socket as the unbuffered stream of `latchkey_agent.stream`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def readinto(self, buffer: memoryview, /) -> int:
        """Read at most the buffer's size in bytes; return their number, 0 at the end."""
        return self._connection.recv_into(buffer)

    def write(self, data: memoryview, /) -> int:
        """Write; return the number of written bytes."""
        return self._connection.send(data)


def send(connection: socket.socket, body: bytes, secret: bytes | bytearray = b"") -> None:
    """Send one frame; raises OSError if the peer is gone."""
    write_frame(SocketStream(connection), body, secret)


def receive(connection: socket.socket) -> Frame | None:
    """Return the next frame, None if the peer has closed between two frames.

    Raises:
        FrameError: the peer sent a malformed or partial frame.
        OSError: the connection broke, or its timeout is over.
    """
    return read_frame(SocketStream(connection))


def _loop() -> AbstractEventLoop:
    # The PC's programs start many times and need no event loop, their slowest import.
    import asyncio  # noqa: PLC0415

    return asyncio.get_running_loop()


async def open_pipe_async(path: str | Path, token: Token) -> socket.socket:
    """Connect to a pipe of the agent as `token`, from the event loop; raises OSError."""
    connection = await connect_async(path)
    try:
        await send_async(connection, msgspec.json.encode(token))
    except OSError:
        connection.close()
        raise
    return connection


async def connect_async(path: str | Path) -> socket.socket:
    """Return a non-blocking connection to a Unix socket; raises OSError if no process listens."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.setblocking(False)  # noqa: FBT003 - the standard library's signature
    try:
        await _loop().sock_connect(connection, str(path))
    except BaseException:
        connection.close()
        raise
    return connection


async def send_async(connection: socket.socket, body: bytes, secret: bytes | bytearray = b"") -> None:
    """Send one frame from the event loop, and overwrite the copy that was sent."""
    frame = encode(body, secret)
    try:
        await _loop().sock_sendall(connection, frame)
    finally:
        wipe(frame)


async def receive_async(connection: socket.socket) -> Frame | None:
    """Return the next frame from the event loop, like `receive`."""
    header = bytearray(HEADER.size)
    if not await _fill_async(connection, header):
        return None
    body_length, secret_length = lengths(header)
    body, secret = bytearray(body_length), bytearray(secret_length)
    if await _fill_async(connection, body) and await _fill_async(connection, secret):
        return Frame(bytes(body), secret)
    wipe(secret)
    return None


async def _fill_async(connection: socket.socket, buffer: bytearray) -> bool:
    loop = _loop()
    view = memoryview(buffer)
    while view:
        count = await loop.sock_recv_into(connection, view)
        if count == 0:
            return False
        view = view[count:]
    return True
