# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One instance of a pipe: waits for a client, reads messages, writes answers.

Every method only starts something; its completion arrives at the server's
completion port. At most one thing is under way at a time, so one OVERLAPPED
serves; it and the buffer must live until that thing has completed.
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
"""Bytes that Windows keeps for an answer that the client has not read yet."""


class Phase(enum.Enum):
    """What a connection is at."""

    LISTENING = enum.auto()
    READING = enum.auto()
    HANDLING = enum.auto()
    ANSWERING = enum.auto()
    CLOSED = enum.auto()


class Connection:
    """One instance; `under_way` is true while a completion is still to come."""

    def __init__(self, name: str, sddl: str, *, first: bool) -> None:
        """Make the instance.

        Raises:
            pywintypes.error: `first` and the name is taken (ERROR_ACCESS_DENIED), or no resources.
        """
        mode = win32pipe.PIPE_ACCESS_DUPLEX | win32file.FILE_FLAG_OVERLAPPED
        self.handle = win32pipe.CreateNamedPipe(
            name,
            mode | (FILE_FLAG_FIRST_PIPE_INSTANCE if first else 0),
            win32pipe.PIPE_TYPE_BYTE | win32pipe.PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
            win32pipe.PIPE_UNLIMITED_INSTANCES, BUFFER, BUFFER, 0, attributes(sddl),
        )  # fmt: skip
        self.phase = Phase.LISTENING
        self.under_way = False
        self.deadline: float | None = None
        self.identity: Identity | None = None
        self._overlapped = pywintypes.OVERLAPPED()
        self._header = bytearray(frames.HEADER.size)
        self._body: bytearray | None = None
        self._secret = bytearray()
        self._wanted: list[memoryview] = []
        self._answer = bytearray()

    def listen(self) -> bool:
        """Wait for a client; True when one is there already and no completion will come.

        A client that has come and gone since the instance was made leaves
        ERROR_NO_DATA. The instance is then disconnected, as after every other
        client, and listens once more: to give it back could leave the name to
        another program. In between it takes nobody, so that this ends at once
        ("DisconnectNamedPipe", Microsoft Learn).

        Raises:
            pywintypes.error: Windows refuses; no completion will come.
        """
        try:
            code = self._connect()
        except pywintypes.error as fault:
            if fault.winerror != winerror.ERROR_NO_DATA:
                raise
            win32pipe.DisconnectNamedPipe(self.handle)
            code = self._connect()
        self.under_way = code != winerror.ERROR_PIPE_CONNECTED
        return not self.under_way

    def _connect(self) -> int:
        code: int = win32pipe.ConnectNamedPipe(self.handle, self._overlapped)
        return code

    def expect_message(self, deadline: float) -> None:
        """Read a message; it must be complete by `deadline` (monotonic seconds).

        Raises:
            pywintypes.error: the client is gone.
        """
        self.phase = Phase.READING
        self.deadline = deadline
        self._body = None
        self._wanted = [memoryview(self._header)]
        self._read()

    def received(self, count: int) -> frames.Frame | None:
        """Take in what a read brought; returns the message once it is complete.

        Raises:
            FrameError: what came is no message of ours.
            pywintypes.error: the client is gone.
        """
        self._wanted[0] = self._wanted[0][count:]
        if not self._wanted[0]:
            del self._wanted[0]
            if self._body is None:
                self._body = self._expect_content()
        if self._wanted or self._body is None:
            self._read()
            return None
        self.phase = Phase.HANDLING
        self.deadline = None
        secret, self._secret = self._secret, bytearray()
        return frames.Frame(bytes(self._body), secret)

    def _expect_content(self) -> bytearray:
        # The secret is read into a buffer of its own: only that one needs overwriting.
        body, secret = (bytearray(length) for length in frames.lengths(self._header))
        self._secret = secret
        self._wanted = [memoryview(part) for part in (body, secret) if part]
        return body

    def _read(self) -> None:
        win32file.ReadFile(self.handle, self._wanted[0], self._overlapped)
        self.under_way = True

    def answer(self, body: bytes, secret: bytearray, deadline: float) -> None:
        """Send an answer; the client must have taken it by `deadline`. `secret` is overwritten.

        Raises:
            FrameError: it is too large.
            pywintypes.error: the client is gone.
        """
        self.phase = Phase.ANSWERING
        self.deadline = deadline
        try:
            self._answer = frames.encode(body, secret)
        finally:
            frames.wipe(secret)
        win32file.WriteFile(self.handle, memoryview(self._answer), self._overlapped)
        self.under_way = True

    def answered(self) -> None:
        """Overwrite what was sent."""
        frames.wipe(self._answer)

    def close(self) -> None:
        """Let go of the client; what is under way completes soon, with an error."""
        listening = self.phase is Phase.LISTENING
        self.phase = Phase.CLOSED
        self.deadline = None
        if listening:
            win32file.CloseHandle(self.handle)
            return
        # It fails where the client went first, which comes to the same.
        with suppress(pywintypes.error):
            win32pipe.DisconnectNamedPipe(self.handle)

    def release(self) -> None:
        """Give the instance back; nothing may be under way any more."""
        frames.wipe(self._secret)
        frames.wipe(self._answer)
        win32file.CloseHandle(self.handle)
