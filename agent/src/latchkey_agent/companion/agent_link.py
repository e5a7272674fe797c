# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The companion's way to the agent: one connection for each thing that is said, one for each look."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import msgspec

from latchkey_agent.companion.steps import AnyInput, Lost, Watched
from latchkey_agent.protocol.customer_messages import CustomerAnswer, CustomerRequest, CustomerWatch
from latchkey_agent.protocol.frames import FrameError
from latchkey_agent.stream import Stream, read_frame, write_frame

log = logging.getLogger(__name__)
WATCH = 60.0
"""Seconds that the agent may keep a look waiting for news."""
ANSWER_TIME = 20.0
"""Seconds that the agent may take for its answer, beyond what it may keep waiting."""
CHECK_TIME = 90.0
"""The same for a password: Windows may have to ask a domain controller."""
FIRST_RETRY, LONGEST_RETRY = 0.5, 30.0

Connect = Callable[[float], AbstractContextManager[Stream]]
"""Opens a connection for that many seconds; raises OSError."""


class Link:
    """Speaks to the agent; an agent that is away, slow or broken comes to the same as silence."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._stopping = threading.Event()

    def say(
        self, request: CustomerRequest, secret: bytes | bytearray = b"", *, within: float = ANSWER_TIME
    ) -> CustomerAnswer | None:
        """Say something and return the answer, None where there is none. The caller overwrites the secret."""
        try:
            with self._connected(within) as stream:
                write_frame(stream, msgspec.json.encode(request), secret)
                frame = read_frame(stream)
            return None if frame is None else msgspec.json.decode(frame.body, type=CustomerAnswer)
        except (OSError, FrameError, msgspec.DecodeError) as fault:
            log.info("%s was not answered: %s", type(request).__name__, fault)
            return None

    @contextmanager
    def _connected(self, within: float) -> Iterator[Stream]:
        """Connect; once more after a moment where it fails, for a service may just be starting again."""
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(self._connect(within))
            except OSError:
                self._stopping.wait(FIRST_RETRY)
                stream = stack.enter_context(self._connect(within))
            yield stream

    def watch(self, post: Callable[[AnyInput], None]) -> None:
        """Post what the agent shows, whenever it changes, until `stop`; a restarted agent is found again."""
        seen, pause = 0, FIRST_RETRY
        while not self._stopping.is_set():
            answer = self.say(CustomerWatch(seen=seen, wait=WATCH), within=WATCH + ANSWER_TIME)
            if answer is not None and answer.snapshot is not None:
                if answer.snapshot.version != seen:
                    post(Watched(answer.snapshot))
                seen, pause = answer.snapshot.version, FIRST_RETRY
                continue
            if pause == FIRST_RETRY:
                post(Lost())
            seen = 0
            self._stopping.wait(pause)
            pause = min(2 * pause, LONGEST_RETRY)

    def stop(self) -> None:
        """Let `watch` end after its present look."""
        self._stopping.set()
