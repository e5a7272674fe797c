# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's side of its pipes.

One thread does all input and output through a completion port, so a client
that is slow or silent costs a pipe instance and a deadline, and no other one
waits for it. A complete message gets a thread of its own, for its answer may
take a minute (long polls). Only the one thread touches connections.

Nobody can put up a pipe of our name before us (FILE_FLAG_FIRST_PIPE_INSTANCE)
or beside us (the DACL), no client comes from another computer
(PIPE_REJECT_REMOTE_CLIENTS), and each one is identified (`identity`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

import pywintypes
import win32event
import win32file
import winerror

from latchkey_agent.ports import PortError
from latchkey_agent.protocol.frames import Frame, FrameError, wipe

from . import client_identity
from .client_identity import Identity
from .pipe_instance import Connection, Phase

log = logging.getLogger(__name__)

Answer = tuple[bytes, bytearray]
Handler = Callable[[bytes, bytearray, Identity], Answer]
"""Takes a message's two parts and who sent it; returns the answer's two parts."""

MESSAGE_TIME = 5.0
"""Seconds in which a client must have sent a whole message, or taken a whole answer."""
CLOSING_TIME = 1.0
"""Seconds that closing waits for what is under way."""
RETRY_TIME = 1.0
"""Seconds until an instance that could not be put up is tried again: perhaps nobody can come before that."""
_WAKE = 0
_abandoned: list[Connection] = []


class Endpoint(NamedTuple):
    """One pipe: its name, who may open it, and what answers on it."""

    name: str
    sddl: str
    handler: Handler
    listening: int = 4
    """Instances that wait for clients at any time."""
    clients: int = 256
    """At most so many at once; beyond that, the one that has been silent longest goes."""
    clients_per_account: int = 64


class Identifier(NamedTuple):
    """How clients are identified: when they connect, and again when they have spoken."""

    at_connect: Callable[[int], Identity] = client_identity.of_process
    after_message: Callable[[int, Identity], Identity] = client_identity.confirmed


class PipeServer:
    """Serves several pipes until it is closed."""

    def __init__(self, endpoints: Sequence[Endpoint], identifier: Identifier | None = None) -> None:
        self._endpoints = tuple(endpoints)
        self._identifier = identifier or Identifier()
        self._port = win32file.CreateIoCompletionPort(win32file.INVALID_HANDLE_VALUE, 0, 0, 1)
        self._connections: dict[int, tuple[Endpoint, Connection]] = {}
        self._last_key = _WAKE
        self._answers: deque[tuple[int, Answer | None]] = deque()
        self._short: set[str] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="pipes", daemon=True)

    # --- from outside

    def open(self) -> None:
        """Put up all pipes and begin to serve.

        Raises:
            PortError: another program holds a pipe of one of our names.
        """
        for endpoint in self._endpoints:
            try:
                self._listen(endpoint, first=True)
            except pywintypes.error as fault:
                raise PortError(_not_ours(endpoint, fault)) from None
            self._replenish(endpoint)
        self._thread.start()

    def close(self) -> None:
        """Let go of every client and take the pipes down."""
        self._stopping = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(CLOSING_TIME)

    # --- the one thread

    def _serve(self) -> None:
        while not self._stopping:
            self._next(self._patience())
            self._drop_overdue(time.monotonic())
            for endpoint in self._endpoints:
                self._replenish(endpoint)
        self._take_down(time.monotonic() + CLOSING_TIME / 2)

    def _take_down(self, last: float) -> None:
        for key in list(self._connections):
            self._close(key)
        while any(c.under_way for _, c in self._connections.values()) and time.monotonic() < last:
            self._next(50)
        for _, connection in self._connections.values():
            if connection.under_way:
                # Windows still writes into it: it must not be freed.
                _abandoned.append(connection)
            else:
                connection.release()
        while self._answers:
            _discard(self._answers.popleft()[1])

    def _next(self, patience: int) -> None:
        code, count, key, _ = win32file.GetQueuedCompletionStatus(self._port, patience)
        if key == _WAKE:
            self._send_answers()
        elif key in self._connections:
            self._completed(key, code, count)

    def _patience(self) -> int:
        now = time.monotonic()
        deadlines = [c.deadline for _, c in self._connections.values() if c.deadline is not None]
        if self._short:
            deadlines.append(now + RETRY_TIME)
        if not deadlines:
            return win32event.INFINITE
        return max(0, int((min(deadlines) - now) * 1000) + 1)

    def _drop_overdue(self, now: float) -> None:
        for key, (_, connection) in list(self._connections.items()):
            if connection.deadline is not None and connection.deadline <= now:
                self._close(key)

    def _completed(self, key: int, code: int, count: int) -> None:
        endpoint, connection = self._connections[key]
        connection.under_way = False
        if code or connection.phase is Phase.CLOSED:
            self._forget(key)
            return
        try:
            self._advance(key, endpoint, connection, count)
        except (pywintypes.error, FrameError, PortError):
            # Gone, or speaks no language of ours: there is nobody to tell.
            self._close(key)

    def _advance(self, key: int, endpoint: Endpoint, connection: Connection, count: int) -> None:
        if connection.phase is Phase.LISTENING:
            self._connected(endpoint, connection)
        elif connection.phase is Phase.READING:
            message = connection.received(count)
            if message is not None:
                self._hand_over(key, endpoint, connection, message)
        elif connection.phase is Phase.ANSWERING:
            connection.answered()
            connection.expect_message(time.monotonic() + MESSAGE_TIME)

    def _connected(self, endpoint: Endpoint, connection: Connection) -> None:
        connection.identity = self._identifier.at_connect(connection.handle)
        connection.expect_message(time.monotonic() + MESSAGE_TIME)
        self._make_room(endpoint, connection.identity.sid)

    def _make_room(self, endpoint: Endpoint, sid: str) -> None:
        clients = [
            (key, c) for key, (e, c) in self._connections.items()
            if e is endpoint and c.identity is not None and c.phase is not Phase.CLOSED
        ]  # fmt: skip
        own = [(key, c) for key, c in clients if c.identity is not None and c.identity.sid == sid]
        for crowd, limit in ((own, endpoint.clients_per_account), (clients, endpoint.clients)):
            if len(crowd) > limit:
                self._close(_most_silent(crowd))

    def _listen(self, endpoint: Endpoint, *, first: bool = False) -> None:
        connection = Connection(endpoint.name, endpoint.sddl, first=first)
        self._last_key += 1
        try:
            self._begin(self._last_key, connection)
        except pywintypes.error:
            # Kept, it would count as one that waits for clients, though none could ever come.
            connection.release()
            raise
        self._connections[self._last_key] = (endpoint, connection)

    def _begin(self, key: int, connection: Connection) -> None:
        win32file.CreateIoCompletionPort(connection.handle, self._port, key, 0)
        if connection.listen():
            # It was faster than we: Windows queues no completion for it.
            win32file.PostQueuedCompletionStatus(self._port, 0, key, None)
            connection.under_way = True

    def _replenish(self, endpoint: Endpoint) -> None:
        waiting = sum(e is endpoint and c.phase is Phase.LISTENING for e, c in self._connections.values())
        try:
            for _ in range(endpoint.listening - waiting):
                self._listen(endpoint)
        except pywintypes.error as fault:
            self._fell_short(endpoint, fault.winerror)
        else:
            self._short.discard(endpoint.name)

    def _fell_short(self, endpoint: Endpoint, code: int) -> None:
        """Note that instances are missing; it is tried again soon, and told once."""
        if endpoint.name not in self._short:
            log.warning("no further instance of %s: Windows error %d", endpoint.name, code)
        self._short.add(endpoint.name)

    def _close(self, key: int) -> None:
        _, connection = self._connections[key]
        handling = connection.phase is Phase.HANDLING
        connection.close()
        if not connection.under_way and not handling:
            self._forget(key)

    def _forget(self, key: int) -> None:
        _, connection = self._connections.pop(key)
        connection.release()

    # --- threads of their own

    def _hand_over(self, key: int, endpoint: Endpoint, connection: Connection, message: Frame) -> None:
        client = cast("Identity", connection.identity)  # known since it connected
        threading.Thread(
            target=self._handle, args=(key, endpoint, connection.handle, client, message),
            name=f"answer {key}", daemon=True,
        ).start()  # fmt: skip

    def _handle(self, key: int, endpoint: Endpoint, pipe: int, client: Identity, message: Frame) -> None:
        answer: Answer | None = None
        try:
            known = self._identifier.after_message(pipe, client)
            answer = endpoint.handler(message.body, message.secret, known)
        except PortError as refusal:
            log.warning("client of %s refused: %s", endpoint.name, refusal)
        except Exception:
            # The agent answers its own faults; this keeps an unforeseen one from ending the thread unseen.
            log.exception("no answer on %s", endpoint.name)
        finally:
            wipe(message.secret)
            if self._stopping:
                _discard(answer)
            else:
                self._answers.append((key, answer))
                self._wake()

    def _wake(self) -> None:
        win32file.PostQueuedCompletionStatus(self._port, 0, _WAKE, None)

    def _send_answers(self) -> None:
        while self._answers:
            key, answer = self._answers.popleft()
            _, connection = self._connections[key]
            if answer is None or connection.phase is Phase.CLOSED:
                _discard(answer)
                self._forget(key)
                continue
            try:
                connection.answer(*answer, time.monotonic() + MESSAGE_TIME)
            except (pywintypes.error, FrameError):
                self._close(key)


def _discard(answer: Answer | None) -> None:
    if answer is not None:
        wipe(answer[1])


def _most_silent(crowd: list[tuple[int, Connection]]) -> int:
    """Return who has kept us waiting longest; there is one, for the newest has said nothing yet."""
    return min(key for key, c in crowd if c.phase is Phase.READING)


def _not_ours(endpoint: Endpoint, fault: pywintypes.error) -> str:
    if fault.winerror == winerror.ERROR_ACCESS_DENIED:
        return f"another program already serves {endpoint.name}: find out which one and remove it"
    return f"{endpoint.name} could not be made (Windows error {fault.winerror})"
