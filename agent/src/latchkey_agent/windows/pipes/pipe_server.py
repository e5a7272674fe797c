# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server side of the agent's pipes.

One thread performs all input and output through a completion port. A slow or
silent client therefore occupies only a pipe instance, until its deadline, and
does not delay other clients. Each complete message is handled in its own
thread, because an answer may take a minute (long polls). Only the server's
thread uses connections.

No other program can create a pipe of the agent's names before the agent
(FILE_FLAG_FIRST_PIPE_INSTANCE) or while the agent runs (the DACL). Clients on
other computers are rejected (PIPE_REJECT_REMOTE_CLIENTS). Every client is
identified (`client_identity`).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
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
"""Takes the body and the secret of a message and its sender; returns the body and the secret of the answer."""

MESSAGE_SECONDS = 5.0
"""Seconds in which a client must send a whole message, or read a whole answer."""
CLOSING_SECONDS = 1.0
"""Seconds that closing waits for pending operations."""
RETRY_SECONDS = 1.0
"""Seconds until the server tries again to create a missing instance. Until then clients may find no instance."""
_WAKE = 0
_abandoned: list[Connection] = []


class Endpoint(NamedTuple):
    """One pipe: its name, its security descriptor and its handler."""

    name: str
    sddl: str
    handler: Handler
    listening: int = 4
    """Number of instances that wait for clients at any time."""
    clients: int = 256
    """Maximum number of clients, apart from those that each account can have anyhow. See `_enforce_limits`."""
    clients_per_account: int = 64
    clients_anyhow: int = 8
    """Number of clients of an account that the limit for all accounts does not touch."""


class Identifier(NamedTuple):
    """Identifies a client when it connects, and again after each message."""

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
        self._incomplete: set[str] = set()
        self._stopping = False
        self._thread = threading.Thread(target=self._serve, name="pipes", daemon=True)

    # --- from outside

    def open(self) -> None:
        """Create all pipes and start to serve.

        Raises:
            PortError: another program serves a pipe of one of these names, or Windows refuses.
        """
        for endpoint in self._endpoints:
            try:
                self._listen(endpoint, first=True)
            except pywintypes.error as fault:
                raise PortError(_open_error(endpoint, fault)) from None
            self._replenish(endpoint)
        self._thread.start()

    def close(self) -> None:
        """Disconnect every client and close the pipes."""
        self._stopping = True
        self._wake()
        if self._thread.is_alive():
            self._thread.join(CLOSING_SECONDS)

    # --- in the server's thread

    def _serve(self) -> None:
        while not self._stopping:
            self._next(self._timeout_ms())
            self._drop_overdue(time.monotonic())
            for endpoint in self._endpoints:
                self._replenish(endpoint)
        self._shut_down(time.monotonic() + CLOSING_SECONDS / 2)

    def _shut_down(self, deadline: float) -> None:
        for key in list(self._connections):
            self._close(key)
        while any(c.io_pending for _, c in self._connections.values()) and time.monotonic() < deadline:
            self._next(50)
        for _, connection in self._connections.values():
            if connection.io_pending:
                # Windows may still write into its buffer, so the buffer must not be freed.
                _abandoned.append(connection)
            else:
                connection.release()
        while self._answers:
            _discard(self._answers.popleft()[1])

    def _next(self, timeout_ms: int) -> None:
        code, count, key, _ = win32file.GetQueuedCompletionStatus(self._port, timeout_ms)
        if key == _WAKE:
            self._send_answers()
        elif key in self._connections:
            self._completed(key, code, count)

    def _timeout_ms(self) -> int:
        now = time.monotonic()
        deadlines = [c.deadline for _, c in self._connections.values() if c.deadline is not None]
        if self._incomplete:
            deadlines.append(now + RETRY_SECONDS)
        if not deadlines:
            return win32event.INFINITE
        return max(0, int((min(deadlines) - now) * 1000) + 1)

    def _drop_overdue(self, now: float) -> None:
        for key, (_, connection) in list(self._connections.items()):
            if connection.deadline is not None and connection.deadline <= now:
                self._close(key)

    def _completed(self, key: int, code: int, count: int) -> None:
        endpoint, connection = self._connections[key]
        connection.io_pending = False
        if code or connection.phase is Phase.CLOSED:
            self._forget(key)
            return
        try:
            self._advance(key, endpoint, connection, count)
        except (pywintypes.error, FrameError, PortError):
            # The client has disconnected, or its message is invalid. It gets no answer.
            self._close(key)

    def _advance(self, key: int, endpoint: Endpoint, connection: Connection, count: int) -> None:
        if connection.phase is Phase.LISTENING:
            self._connected(endpoint, connection)
        elif connection.phase is Phase.READING:
            message = connection.received(count)
            if message is not None:
                self._start_handler(key, endpoint, connection, message)
        elif connection.phase is Phase.ANSWERING:
            connection.answered()
            connection.expect_message(time.monotonic() + MESSAGE_SECONDS)

    def _connected(self, endpoint: Endpoint, connection: Connection) -> None:
        connection.identity = self._identifier.at_connect(connection.handle)
        connection.expect_message(time.monotonic() + MESSAGE_SECONDS)
        self._enforce_limits(endpoint, connection.identity.sid)

    def _enforce_limits(self, endpoint: Endpoint, sid: str) -> None:
        """Drop the longest silent client beyond a limit: of the account, or of all accounts with many clients.

        Clients that wait for an answer stay: their handlers would go on without them. So a few accounts can fill the
        pipe with long polls. Every account keeps places of its own, or its customer could not revoke then.
        """
        clients = [
            (key, c) for key, (e, c) in self._connections.items()
            if e is endpoint and c.identity is not None and c.phase is not Phase.CLOSED
        ]  # fmt: skip
        counts = Counter(c.identity.sid for _, c in clients if c.identity is not None)
        own = [(key, c) for key, c in clients if c.identity is not None and c.identity.sid == sid]
        crowd = [
            (key, c) for key, c in clients
            if c.identity is not None and counts[c.identity.sid] > endpoint.clients_anyhow
        ]  # fmt: skip
        for group, count, limit in (
            (own, len(own), endpoint.clients_per_account),
            (crowd, len(clients), endpoint.clients),
        ):
            if count > limit and (silent := _longest_silent(group)) is not None:
                self._close(silent)
                return

    def _listen(self, endpoint: Endpoint, *, first: bool = False) -> None:
        connection = Connection(endpoint.name, endpoint.sddl, first=first)
        self._last_key += 1
        try:
            self._begin(self._last_key, connection)
        except pywintypes.error:
            # Otherwise it would count as waiting, although no client could connect to it.
            connection.release()
            raise
        self._connections[self._last_key] = (endpoint, connection)

    def _begin(self, key: int, connection: Connection) -> None:
        win32file.CreateIoCompletionPort(connection.handle, self._port, key, 0)
        if connection.listen():
            # The client connected before `listen`: Windows queues no completion for it.
            win32file.PostQueuedCompletionStatus(self._port, 0, key, None)
            connection.io_pending = True

    def _replenish(self, endpoint: Endpoint) -> None:
        waiting = sum(e is endpoint and c.phase is Phase.LISTENING for e, c in self._connections.values())
        try:
            for _ in range(endpoint.listening - waiting):
                self._listen(endpoint)
        except pywintypes.error as fault:
            self._instances_missing(endpoint, fault.winerror)
        else:
            self._incomplete.discard(endpoint.name)

    def _instances_missing(self, endpoint: Endpoint, code: int) -> None:
        """Note that instances are missing, so that the server retries soon. Log it once."""
        if endpoint.name not in self._incomplete:
            log.warning("cannot create another instance of %s: Windows error %d", endpoint.name, code)
        self._incomplete.add(endpoint.name)

    def _close(self, key: int) -> None:
        _, connection = self._connections[key]
        handling = connection.phase is Phase.HANDLING
        connection.close()
        if not connection.io_pending and not handling:
            self._forget(key)

    def _forget(self, key: int) -> None:
        _, connection = self._connections.pop(key)
        connection.release()

    # --- in a thread for each message

    def _start_handler(self, key: int, endpoint: Endpoint, connection: Connection, message: Frame) -> None:
        client = cast("Identity", connection.identity)  # known since it connected
        threading.Thread(
            target=self._handle, args=(key, endpoint, connection.handle, client, message),
            name=f"answer {key}", daemon=True,
        ).start()  # fmt: skip

    def _handle(self, key: int, endpoint: Endpoint, pipe: int, client: Identity, message: Frame) -> None:
        answer: Answer | None = None
        try:
            confirmed = self._identifier.after_message(pipe, client)
            answer = endpoint.handler(message.body, message.secret, confirmed)
        except PortError as refusal:
            log.warning("refused a client of %s: %s", endpoint.name, refusal)
        except Exception:
            # The agent answers its own errors. Log any other error, which would end the thread silently.
            log.exception("the handler of %s failed", endpoint.name)
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
                connection.answer(*answer, time.monotonic() + MESSAGE_SECONDS)
            except (pywintypes.error, FrameError):
                self._close(key)


def _discard(answer: Answer | None) -> None:
    if answer is not None:
        wipe(answer[1])


def _longest_silent(group: list[tuple[int, Connection]]) -> int | None:
    """Return the key of the client that has been silent longest, None if each of them waits for an answer."""
    return min((key for key, c in group if c.phase is Phase.READING), default=None)


def _open_error(endpoint: Endpoint, fault: pywintypes.error) -> str:
    if fault.winerror == winerror.ERROR_ACCESS_DENIED:
        return f"another program already serves {endpoint.name}: find out which one and remove it"
    return f"cannot create {endpoint.name} (Windows error {fault.winerror})"
