# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake agent behind a socket, and a fake screen whose windows a test answers."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import msgspec

from lab.simulated.wire import SocketStream
from latchkey_agent import stream
from latchkey_agent.companion import steps as s
from latchkey_agent.companion.director import PasswordInput
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.codec import decode_customer
from latchkey_agent.protocol.frames import FrameError
from tests.unit.companion.presenter_harness import DONE

WAIT = 10.0


class Agent:
    """Answers the companions' requests and keeps them."""

    def __init__(self) -> None:
        self.received: queue.SimpleQueue[tuple[cm.CustomerRequest, bytes]] = queue.SimpleQueue()
        self.answers: dict[type[cm.CustomerRequest], cm.CustomerAnswer] = {}
        self.away = False
        self._snapshot = cm.CustomerSnapshot(version=1)
        self._changed = threading.Condition()
        self._stopped = False

    def show(self, **items: Any) -> None:
        """Send the companions a new customer snapshot."""
        with self._changed:
            self._snapshot = cm.CustomerSnapshot(version=self._snapshot.version + 1, **items)
            self._changed.notify_all()

    def stop(self) -> None:
        """Close the connection of every waiting client."""
        with self._changed:
            self._stopped = self.away = True
            self._changed.notify_all()

    @contextmanager
    def connect(self, limit: float) -> Iterator[stream.Stream]:
        """Open a connection; raises OSError while the agent is away."""
        if self.away:
            raise FileNotFoundError
        ours, theirs = socket.socketpair()
        ours.settimeout(limit)
        threading.Thread(target=self._serve, args=(theirs,), daemon=True).start()
        with ours:
            yield SocketStream(ours)

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError, FrameError):
            frame = stream.read_frame(SocketStream(connection))
            if frame is None:
                return
            request = decode_customer(frame.body)
            if isinstance(request, cm.CustomerWatch):
                answer = self._watch(request.seen)
            else:
                self.received.put((request, bytes(frame.secret)))
                answer = self.answers.get(type(request), DONE)
            if answer is not None:
                stream.write_frame(SocketStream(connection), msgspec.json.encode(answer))

    def _watch(self, seen: int) -> cm.CustomerAnswer | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._snapshot.version > seen)
            return None if self._stopped else cm.CustomerAnswer(done=True, snapshot=self._snapshot)

    def next(self, kind: type[cm.CustomerRequest]) -> tuple[Any, bytes]:
        """Wait for the next request of this kind."""
        while True:
            request, secret = self.received.get(timeout=WAIT)
            if isinstance(request, kind):
                return request, secret


class FakeWindow:
    """A window that a test answers."""

    def __init__(self, stage: Stage, title: str, text: str, links: Sequence[str]) -> None:
        self.title, self.text, self.links = title, text, list(links)
        self._stage = stage
        self._answer: queue.SimpleQueue[int | Exception | None] = queue.SimpleQueue()
        self.raised = 0

    def run(self) -> int | None:
        """Show the window and wait for the test's answer."""
        self._stage.shown.put(self)
        try:
            answer = self._answer.get(timeout=WAIT)
        except queue.Empty:
            # The test has ended and left the window open.
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, number: int | Exception | None) -> None:
        """Answer the window as the customer, or fail as Windows."""
        self._answer.put(number)

    def close(self) -> None:
        """Close the window."""
        self._answer.put(None)

    def bring_to_front(self) -> None:
        """Count the call."""
        self.raised += 1


class Stage:
    """A screen that records its contents for the test."""

    def __init__(self) -> None:
        self.shown: queue.SimpleQueue[FakeWindow] = queue.SimpleQueue()
        self.icons: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.balloons: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.typed: list[PasswordInput | Exception] = []
        self.guarded: list[bool] = []
        self.screen = s.Screen()
        self.refuses = False

    def read_screen(self) -> s.Screen:
        """Return the state of the screen."""
        return self.screen

    def window(
        self, title: str, text: str, links: Sequence[str] = (), *, guarded: bool = False
    ) -> FakeWindow:
        """Create a fake window."""
        self.guarded.append(guarded)
        return FakeWindow(self, title, text, links)

    def password(self, user: str, title: str, text: str) -> PasswordInput:
        """Return the test's next input."""
        typed = self.typed.pop(0)
        if isinstance(typed, Exception):
            raise typed
        return typed

    def show_icon(self, tip: str) -> None:
        """Record the icon's tip."""
        self.icons.put(tip)

    def hide_icon(self) -> None:
        """Record that the icon is hidden."""
        self.icons.put("")

    def balloon(self, text: str) -> None:
        """Record a balloon."""
        if self.refuses:
            msg = "no taskbar"
            raise PortError(msg)
        self.balloons.put(text)

    def next(self) -> FakeWindow:
        """Wait until a window is shown."""
        return self.shown.get(timeout=WAIT)
