# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The two ends of a command: the input that clients send, and the output that they receive.

A client's requests and the command's own threads meet here, so every method may be called from any
thread.
"""

from __future__ import annotations

import codecs
import io
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from lab.wsman import soapfault
from lab.wsman.shell_operations import Chunk, Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

COALESCE_SECONDS = 0.05
"""Seconds to wait for more output after a first piece.

Most programs print one line and end: with this short wait their output and their end travel in one
answer instead of two.
"""

ALIVE_SECONDS = 1.0
"""Seconds between a waiting Receive's checks for a lost client."""

T = TypeVar("T")


class InputQueue(Generic[T]):
    """Pieces of input in order, read as an iterator that waits for the next one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[T] = deque()
        self._ended = False

    def put(self, *items: T) -> None:
        """Add pieces. Drop them after the end: the reader is gone."""
        with self._changed:
            if not self._ended:
                self._items.extend(items)
                self._changed.notify_all()

    def end(self) -> None:
        """Mark the end of the input."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def abandon(self) -> None:
        """End at once, also for a waiting reader, and drop unread pieces."""
        with self._changed:
            self._items.clear()
            self._ended = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._ended)
            if not self._items:
                raise StopIteration
            return self._items.popleft()


class LineSplitter:
    """Cuts bytes into lines as .NET's StreamReader.ReadLine does: at CR, LF or CR LF; UTF-8."""

    def __init__(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._decoder = io.IncrementalNewlineDecoder(decoder, translate=True)
        self._rest: list[str] = []

    def feed(self, data: bytes, *, end: bool = False) -> list[str]:
        """Return the lines that `data` completes; with `end` also the last one without a newline."""
        *lines, rest = self._decoder.decode(data, final=end).split("\n")
        if lines:
            lines[0] = "".join((*self._rest, lines[0]))
            self._rest.clear()
        if rest:
            self._rest.append(rest)
        if end and self._rest:
            lines.append("".join(self._rest))
            self._rest.clear()
        return lines


class OutputBuffer:
    """A command's output until a client receives it, and the command's exit code.

    With `whole` a piece is never cut in two: PSRP's fragments are handed out whole.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._whole = whole
        self._changed = threading.Condition()
        self._chunks: deque[tuple[str, bytes]] = deque()
        self._done = False
        self._exit_code: int | None = None
        self._aborted = False

    def abort(self) -> None:
        """Let a waiting Receive, and each later one, raise the SoapFault 995."""
        with self._changed:
            self._aborted = True
            self._changed.notify_all()

    @property
    def done(self) -> bool:
        """Whether the command has ended; output may be left."""
        return self._done

    def write(self, stream: str, data: bytes) -> None:
        """Add a piece of output."""
        with self._changed:
            self._chunks.append((stream, data))
            self._changed.notify_all()

    def finish(self, exit_code: int | None = None) -> None:
        """Mark the command's end. Only the first call counts."""
        with self._changed:
            if not self._done:
                self._done, self._exit_code = True, exit_code
            self._changed.notify_all()

    def take(self, command_id: str, limit: int, timeout: float, alive: Callable[[], bool]) -> Output | None:
        """Return the next output of at most `limit` bytes, or None if none came in `timeout` seconds.

        Returns None early if `alive` says that the client is gone. Raises SoapFault: `abort` was called.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            if not self._wait_for_something(deadline, alive):
                return None
            self._changed.wait_for(
                lambda: self._done, min(COALESCE_SECONDS, max(0.0, deadline - time.monotonic()))
            )
            chunks = [Chunk(stream, command_id, data) for stream, data in self._pop(limit)]
            done = self._done and not self._chunks
            return Output(chunks, done, self._exit_code if done else None, ends=not self._whole)

    def _wait_for_something(self, deadline: float, alive: Callable[[], bool]) -> bool:
        while not (self._chunks or self._done):
            if self._aborted:
                raise soapfault.operation_aborted()
            left = deadline - time.monotonic()
            if left <= 0 or not alive():
                return False
            self._changed.wait(min(left, ALIVE_SECONDS))
        return True

    def _pop(self, limit: int) -> Iterator[tuple[str, bytes]]:
        fits = True
        while self._chunks and limit > 0 and fits:
            stream, data = self._chunks.popleft()
            if len(data) > limit and not self._whole:
                self._chunks.appendleft((stream, data[limit:]))
                data = data[:limit]
            limit -= len(data)
            yield stream, data
            fits = not self._whole or not self._chunks or len(self._chunks[0][1]) <= limit
