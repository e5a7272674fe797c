# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Connect the companion to the agent: one connection for each request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import msgspec

from latchkey_agent.companion.steps import AgentLost, AnyEvent, SnapshotChanged
from latchkey_agent.protocol.customer_messages import CustomerAnswer, CustomerRequest, CustomerWatch
from latchkey_agent.protocol.frames import FrameError
from latchkey_agent.stream import Stream, read_frame, write_frame

log = logging.getLogger(__name__)
WATCH_SECONDS = 60.0
"""Seconds that the agent may wait for a change before it answers `CustomerWatch`."""
ANSWER_SECONDS = 20.0
"""Seconds that the agent may take to answer, in addition to any time it may wait for a change."""
PASSWORD_CHECK_SECONDS = 90.0
"""Seconds that the agent may take to check a password. Windows may have to ask a domain controller."""
FIRST_RETRY, MAX_RETRY = 0.5, 30.0
"""Seconds before the first retry, and the longest time between two retries."""

Connect = Callable[[float], AbstractContextManager[Stream]]
"""Open a connection. The argument is its time limit in seconds. Raises OSError."""


class Link:
    """Sends requests to the agent.

    An absent, slow or broken agent counts as an agent that does not answer.

    Args:
        connect: opens a connection.
        returned: called when the agent answers `watch` again after it was lost.
    """

    def __init__(self, connect: Connect, returned: Callable[[], None] = lambda: None) -> None:
        self._connect = connect
        self._returned = returned
        self._stopping = threading.Event()

    def send(
        self, request: CustomerRequest, secret: bytes | bytearray = b"", *, timeout: float = ANSWER_SECONDS
    ) -> CustomerAnswer | None:
        """Send a request and return the agent's answer.

        Args:
            request: the request.
            secret: secret bytes to send with it; the caller overwrites them.
            timeout: seconds until the agent must have answered.

        Returns:
            The answer; None if the agent did not answer.
        """
        try:
            with self._connect_with_retry(timeout) as stream:
                write_frame(stream, msgspec.json.encode(request), secret)
                frame = read_frame(stream)
            return None if frame is None else msgspec.json.decode(frame.body, type=CustomerAnswer)
        except (OSError, FrameError, msgspec.DecodeError) as error:
            log.info("the agent did not answer %s: %s", type(request).__name__, error)
            return None

    @contextmanager
    def _connect_with_retry(self, timeout: float) -> Iterator[Stream]:
        """Connect. Retry once after a failure, because the service may be restarting."""
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(self._connect(timeout))
            except OSError:
                self._stopping.wait(FIRST_RETRY)
                stream = stack.enter_context(self._connect(timeout))
            yield stream

    def watch(self, post: Callable[[AnyEvent], None]) -> None:
        """Post each new customer snapshot until `stop` is called.

        Reconnect after the agent was restarted.

        Args:
            post: called with `SnapshotChanged`, and with `AgentLost` when the agent stops answering.
        """
        version: int | None = None
        retry_delay = FIRST_RETRY
        lost = False
        while not self._stopping.is_set():
            watch = CustomerWatch(seen=version or 0, wait=WATCH_SECONDS)
            answer = self.send(watch, timeout=WATCH_SECONDS + ANSWER_SECONDS)
            if answer is not None and answer.snapshot is not None:
                if lost:
                    self._returned()
                    lost = False
                if answer.snapshot.version != version:
                    post(SnapshotChanged(answer.snapshot))
                version, retry_delay = answer.snapshot.version, FIRST_RETRY
                continue
            if retry_delay == FIRST_RETRY:
                post(AgentLost())
            version, lost = None, True
            self._stopping.wait(retry_delay)
            retry_delay = min(2 * retry_delay, MAX_RETRY)

    def stop(self) -> None:
        """Make `watch` return after its current request."""
        self._stopping.set()
