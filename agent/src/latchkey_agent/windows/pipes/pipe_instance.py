# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance of a pipe: waits for a client, reads messages, writes answers.

Every method only starts an operation. Its completion arrives at the server's
completion port. At most one operation is pending at a time, so one OVERLAPPED
is enough. The OVERLAPPED and the buffer must live until the operation completes.
"""

from __future__ import annotations

import enum
from contextlib import suppress
from typing import TYPE_CHECKING

import pywintypes
import win32file
import win32pipe
import winerror

from latchkey_agent.protocol import frames
from latchkey_agent.windows.win32.security import attributes

if TYPE_CHECKING:
    from .client_identity import Identity

PIPE_REJECT_REMOTE_CLIENTS = 0x8
FILE_FLAG_FIRST_PIPE_INSTANCE = 0x80000
BUFFER = 64 * 1024
"""Bytes that Windows buffers for an answer that the client has not read yet."""


class Phase(enum.Enum):
    """The phases of a connection."""

    LISTENING = enum.auto()
    READING = enum.auto()
    HANDLING = enum.auto()
    ANSWERING = enum.auto()
    CLOSED = enum.auto()


class Connection:
    """One instance of a pipe.

    Attributes:
        handle: the handle of the instance.
        phase: the current phase.
        io_pending: whether a completion will still arrive.
        deadline: the time on the monotonic clock, in seconds, at which the client is dropped; None for none.
        identity: the client; None until it has connected.
    """

    def __init__(self, name: str, sddl: str, *, first: bool) -> None:
        """Create the instance.

        Args:
            name: the name of the pipe.
            sddl: the security descriptor.
            first: whether this must be the first instance of the name.

        Raises:
            pywintypes.error: the name is taken (ERROR_ACCESS_DENIED, if `first`), or Windows lacks resources.
        """
        mode = win32pipe.PIPE_ACCESS_DUPLEX | win32file.FILE_FLAG_OVERLAPPED
        self.handle = win32pipe.CreateNamedPipe(
            name,
            mode | (FILE_FLAG_FIRST_PIPE_INSTANCE if first else 0),
            win32pipe.PIPE_TYPE_BYTE | win32pipe.PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            win32pipe.PIPE_UNLIMITED_INSTANCES, BUFFER, BUFFER, 0, attributes(sddl),
        )  # fmt: skip
        self.phase = Phase.LISTENING
        self.io_pending = False
        self.deadline: float | None = None
        self.identity: Identity | None = None
        self._overlapped = pywintypes.OVERLAPPED()
        self._header = bytearray(frames.HEADER.size)
        self._body: bytearray | None = None
        self._secret = bytearray()
        self._unread: list[memoryview] = []
        self._answer = bytearray()

    def listen(self) -> bool:
        """Start to wait for a client.

        If a client has connected and disconnected since the instance was
        created, Windows returns ERROR_NO_DATA. The method then disconnects the
        instance, as after every other client, and listens again: closing it
        could leave the name to another program. A disconnected instance accepts
        no client, so the second attempt does not fail the same way
        ("DisconnectNamedPipe", Microsoft Learn).

        Returns:
            True if a client is already connected; no completion will arrive then.

        Raises:
            pywintypes.error: Windows refuses; no completion will arrive.
        """
        try:
            code = self._connect()
        except pywintypes.error as fault:
            if fault.winerror != winerror.ERROR_NO_DATA:
                raise
            win32pipe.DisconnectNamedPipe(self.handle)
            code = self._connect()
        self.io_pending = code != winerror.ERROR_PIPE_CONNECTED
        return not self.io_pending

    def _connect(self) -> int:
        code: int = win32pipe.ConnectNamedPipe(self.handle, self._overlapped)
        return code

    def expect_message(self, deadline: float) -> None:
        """Start to read a message.

        Args:
            deadline: the time on the monotonic clock, in seconds, at which the message must be complete.

        Raises:
            pywintypes.error: the client has disconnected.
        """
        self.phase = Phase.READING
        self.deadline = deadline
        self._body = None
        self._unread = [memoryview(self._header)]
        self._read()

    def received(self, count: int) -> frames.Frame | None:
        """Process a completed read.

        Args:
            count: the number of bytes read.

        Returns:
            The message once it is complete; otherwise None.

        Raises:
            FrameError: the bytes are not a valid message.
            pywintypes.error: the client has disconnected.
        """
        self._unread[0] = self._unread[0][count:]
        if not self._unread[0]:
            del self._unread[0]
            if self._body is None:
                self._body = self._expect_content()
        if self._unread or self._body is None:
            self._read()
            return None
        self.phase = Phase.HANDLING
        self.deadline = None
        secret, self._secret = self._secret, bytearray()
        return frames.Frame(bytes(self._body), secret)

    def _expect_content(self) -> bytearray:
        # The secret has its own buffer, so only that buffer needs to be overwritten.
        body, secret = (bytearray(length) for length in frames.lengths(self._header))
        self._secret = secret
        self._unread = [memoryview(part) for part in (body, secret) if part]
        return body

    def _read(self) -> None:
        win32file.ReadFile(self.handle, self._unread[0], self._overlapped)
        self.io_pending = True

    def answer(self, body: bytes, secret: bytearray, deadline: float) -> None:
        """Start to send an answer.

        Args:
            body: the answer's body.
            secret: the answer's secret; the method overwrites it.
            deadline: the time on the monotonic clock, in seconds, at which the client must have read the answer.

        Raises:
            FrameError: the answer is too large.
            pywintypes.error: the client has disconnected.
        """
        self.phase = Phase.ANSWERING
        self.deadline = deadline
        try:
            self._answer = frames.encode(body, secret)
        finally:
            frames.wipe(secret)
        win32file.WriteFile(self.handle, memoryview(self._answer), self._overlapped)
        self.io_pending = True

    def answered(self) -> None:
        """Overwrite the sent answer."""
        frames.wipe(self._answer)

    def close(self) -> None:
        """Disconnect the client. A pending operation soon completes with an error."""
        listening = self.phase is Phase.LISTENING
        self.phase = Phase.CLOSED
        self.deadline = None
        if listening:
            win32file.CloseHandle(self.handle)
            return
        # The call fails if the client disconnected first, which has the same effect.
        with suppress(pywintypes.error):
            win32pipe.DisconnectNamedPipe(self.handle)

    def release(self) -> None:
        """Overwrite the buffers and close the handle. No operation may be pending."""
        frames.wipe(self._secret)
        frames.wipe(self._answer)
        win32file.CloseHandle(self.handle)
