# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent on the other side of a socket, and a screen whose windows a test answers."""

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
from latchkey_agent.companion.director import Typed
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol.codec import decode_customer
from latchkey_agent.protocol.frames import FrameError
from tests.unit.companion.presenter_harness import DONE

WAIT = 10.0


class Agent:
    """Answers what companions say; keeps what they said."""

    def __init__(self) -> None:
        self.heard: queue.SimpleQueue[tuple[cm.CustomerRequest, bytes]] = queue.SimpleQueue()
        self.answers: dict[type[cm.CustomerRequest], cm.CustomerAnswer] = {}
        self.away = False
        self._snapshot = cm.CustomerSnapshot(version=1)
        self._changed = threading.Condition()
        self._stopped = False

    def show(self, **items: Any) -> None:
        """Let companions see a newer harness."""
        with self._changed:
            self._snapshot = cm.CustomerSnapshot(version=self._snapshot.version + 1, **items)
            self._changed.notify_all()

    def stop(self) -> None:
        """Hang up on everybody who waits."""
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
                self.heard.put((request, bytes(frame.secret)))
                answer = self.answers.get(type(request), DONE)
            if answer is not None:
                stream.write_frame(SocketStream(connection), msgspec.json.encode(answer))

    def _watch(self, seen: int) -> cm.CustomerAnswer | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._snapshot.version > seen)
            return None if self._stopped else cm.CustomerAnswer(done=True, snapshot=self._snapshot)

    def next(self, kind: type[cm.CustomerRequest]) -> tuple[Any, bytes]:
        """Wait until something of this kind is said."""
        while True:
            request, secret = self.heard.get(timeout=WAIT)
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
        """Show it."""
        self._stage.shown.put(self)
        try:
            answer = self._answer.get(timeout=WAIT)
        except queue.Empty:
            # The test is over and has left it open.
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def answer(self, number: int | Exception | None) -> None:
        """Answer it as the customer does, or as Windows that fails."""
        self._answer.put(number)

    def close(self) -> None:
        """Take it away."""
        self._answer.put(None)

    def bring_up(self) -> None:
        """Bring it up."""
        self.raised += 1


class Stage:
    """What is shown, for a test to see."""

    def __init__(self) -> None:
        self.shown: queue.SimpleQueue[FakeWindow] = queue.SimpleQueue()
        self.icons: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.balloons: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.typed: list[Typed | Exception] = []
        self.guarded: list[bool] = []
        self.screen = s.Screen()
        self.refuses = False

    def look(self) -> s.Screen:
        """What the screen is doing."""
        return self.screen

    def window(
        self, title: str, text: str, links: Sequence[str] = (), *, guarded: bool = False
    ) -> FakeWindow:
        """Make a window."""
        self.guarded.append(guarded)
        return FakeWindow(self, title, text, links)

    def password(self, user: str, title: str, text: str) -> Typed:
        """Return what the test has typed."""
        typed = self.typed.pop(0)
        if isinstance(typed, Exception):
            raise typed
        return typed

    def show_icon(self, tip: str) -> None:
        """Show the icon."""
        self.icons.put(tip)

    def hide_icon(self) -> None:
        """Hide it."""
        self.icons.put("")

    def balloon(self, text: str) -> None:
        """Show a notice."""
        if self.refuses:
            msg = "no taskbar"
            raise PortError(msg)
        self.balloons.put(text)

    def next(self) -> FakeWindow:
        """Wait until a window is shown."""
        return self.shown.get(timeout=WAIT)
