# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages over the agent's pipes: complete, partial, slow, silent and oversized ones."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import threading
import time
from collections.abc import Callable

import pytest
import pywintypes
import win32file
import win32pipe

from latchkey_agent import stream
from latchkey_agent.protocol import frames
from latchkey_agent.windows.pipes import pipe_server
from latchkey_agent.windows.pipes.client_identity import Identity
from tests.wine.guest.pipe_bench import (
    CANARY,
    ask,
    connect,
    hangs_up,
    own_sid,
    serving,
)

SHORT = 3.0
"""A limit for messages, short enough for a test and long enough for a busy computer."""
LONG = 60.0
"""A limit that never ends during a test."""
WAIT = 20.0
"""The most seconds that a test waits."""


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Disables the limit for silent clients, unless a test sets one."""
    monkeypatch.setattr(pipe_server, "MESSAGE_TIME", LONG)


def until(true: Callable[[], bool]) -> bool:
    """Wait until a condition is true; return whether it became true."""
    over = time.monotonic() + WAIT
    while not true() and time.monotonic() < over:
        time.sleep(0.01)
    return true()


def held(client: int) -> bool:
    """Return whether the server still holds the connection of a client's handle."""
    try:
        win32pipe.GetNamedPipeHandleState(client)
    except pywintypes.error:
        return False
    return True


def test_both_parts_of_a_message_go_there_and_back() -> None:
    """The JSON part and the secret part of a message arrive and return."""
    with serving() as name:
        answer = ask(name, b"hello", CANARY)
    assert answer.body == f"hello from {own_sid()}".encode()
    assert answer.secret == CANARY


def test_one_connection_carries_several_messages() -> None:
    """One connection carries several messages."""
    with serving() as name, connect(name) as client:
        for number in range(50):
            stream.write_frame(client, str(number).encode())
            answer = stream.read_frame(client)
            assert answer is not None
            assert answer.body.startswith(f"{number} ".encode())


def test_a_message_in_single_bytes_is_assembled() -> None:
    """A message that arrives in single bytes is assembled."""
    with serving() as name, connect(name) as client:
        for byte in frames.encode(b"slow", CANARY):
            client.write(memoryview(bytes([byte])))
        answer = stream.read_frame(client)
    assert answer is not None
    assert answer.secret == CANARY


def test_an_answer_larger_than_the_pipes_buffer_arrives_whole() -> None:
    """An answer larger than the pipe's buffer arrives whole."""
    big = os.urandom(frames.MAX_JSON // 2)
    with serving(lambda _b, _s, _c: (big, bytearray())) as name:
        assert ask(name).body == big


def test_the_secret_is_overwritten_once_the_handler_has_returned() -> None:
    """The secret is overwritten once the handler has returned."""
    kept: list[bytearray] = []

    def keep(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        kept.append(secret)
        given = bytearray(secret)
        kept.append(given)
        return body, given

    with serving(keep) as name:
        assert ask(name, b"x", CANARY).secret == CANARY
    assert kept == [bytearray(len(CANARY))] * 2


def test_a_handler_that_fails_loses_only_its_own_client() -> None:
    """A handler that fails loses only its own client."""

    def fail(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        if body == b"fail":
            raise ZeroDivisionError
        return body, secret

    with serving(fail) as name:
        with connect(name) as client:
            stream.write_frame(client, b"fail")
            assert stream.read_frame(client) is None
        assert ask(name, b"well").body == b"well"


@pytest.mark.parametrize(
    "sent",
    [b"GET / HTTP/1.1\r\n", b"LKY2" + bytes(8), frames.HEADER.pack(frames.MAGIC, frames.MAX_JSON + 1, 0),
     frames.HEADER.pack(frames.MAGIC, 0, frames.MAX_SECRET + 1)],
)  # fmt: skip
def test_malformed_messages_end_the_connection(sent: bytes) -> None:
    """A malformed message ends its connection."""
    with serving() as name:
        with connect(name, limit=10) as client:
            client.write(memoryview(sent))
            assert hangs_up(client)
        assert ask(name).body.startswith(b"hello")


def test_half_a_message_is_dropped_in_time_and_delays_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partial messages are dropped after the limit and do not delay another client."""
    monkeypatch.setattr(pipe_server, "MESSAGE_TIME", SHORT)
    halves = [b"", b"LKY", bytes(frames.encode(b"hello", CANARY))[:-1]]
    with serving() as name, contextlib.ExitStack() as open_:
        silent = [open_.enter_context(connect(name, limit=WAIT)) for _ in halves]
        for client, half in zip(silent, halves, strict=True):
            if half:
                client.write(memoryview(half))
        assert ask(name).body.startswith(b"hello")
        assert [held(client._handle) for client in silent] == [True] * len(halves)
        assert [hangs_up(client) for client in silent] == [True] * len(halves)


def test_a_client_that_does_not_take_its_answer_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not read its answer is disconnected and does not delay others."""
    monkeypatch.setattr(pipe_server, "MESSAGE_TIME", SHORT)

    def much(body: bytes, _secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        return (bytes(frames.MAX_JSON) if body == b"more than fits" else body), bytearray()

    with serving(much) as name, connect(name) as lazy:
        stream.write_frame(lazy, b"more than fits")
        assert until(lambda: win32pipe.PeekNamedPipe(lazy._handle, 0)[1] > 0)
        assert ask(name).body == b"hello"
        assert held(lazy._handle)
        assert until(lambda: not held(lazy._handle))
        with pytest.raises((OSError, frames.FrameError)):
            stream.read_frame(lazy)


def test_an_answer_that_takes_long_delays_nobody() -> None:
    """A quick answer does not wait for slow ones."""
    asked, go = threading.Semaphore(0), threading.Event()

    def wait_for_it(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        if body == b"long poll":
            asked.release()
            go.wait(LONG)
        return body, secret

    answers: list[bytes] = []
    with serving(wait_for_it) as name:
        polls = [
            threading.Thread(target=lambda: answers.append(ask(name, b"long poll").body)) for _ in range(20)
        ]
        for poll in polls:
            poll.start()
        try:
            assert all(asked.acquire(timeout=WAIT) for _ in polls)
            assert ask(name, b"quick").body == b"quick"
            assert not answers
        finally:
            go.set()
            for poll in polls:
                poll.join()
    assert answers == [b"long poll"] * 20


def test_a_thousand_mostly_silent_clients_are_served() -> None:
    """A thousand mostly silent clients do not block the others."""
    with serving() as name, contextlib.ExitStack() as open_:
        for number in range(999):
            open_.enter_context(connect(name))
            if number % 100 == 0:
                assert ask(name, b"honest").body.startswith(b"honest")
        client = open_.enter_context(connect(name))
        assert ask(name).body.startswith(b"hello")
        # The server kept the newest silent client: it may still send a message.
        stream.write_frame(client, b"at last")
        assert stream.read_frame(client) is not None


def test_one_account_holds_a_bounded_number_of_connections() -> None:
    """Beyond the limit the server disconnects the client that was silent longest, never the newest or a busy one."""
    asked, go = threading.Event(), threading.Event()

    def wait(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        asked.set()
        go.wait(LONG)
        return body, secret

    with serving(wait, clients_per_account=4) as name, contextlib.ExitStack() as open_:
        asking = open_.enter_context(connect(name))
        stream.write_frame(asking, b"answer me")
        assert asked.wait(WAIT)
        silent = [open_.enter_context(connect(name)) for _ in range(5)]
        assert [hangs_up(client) for client in silent[:2]] == [True, True]
        go.set()
        for client in (*silent[2:], asking):
            if client is not asking:
                stream.write_frame(client, b"answer me")
            answer = stream.read_frame(client)
            assert answer is not None
            assert answer.body == b"answer me"


def test_a_thousand_clients_in_turn_leave_no_handles_behind() -> None:
    """A thousand clients in turn leave no handles behind."""
    with serving() as name:
        ask(name)
        before = handles()
        for _ in range(1000):
            ask(name)
        # The server notices the last disconnect a little later.
        assert until(lambda: handles() - before < 20)


def handles() -> int:
    """Return the number of this process's handles."""
    gc.collect()
    kernel, count = ctypes.WinDLL("kernel32"), ctypes.c_uint32()
    kernel.GetProcessHandleCount(ctypes.c_void_p(-1), ctypes.byref(count))
    if count.value:
        return count.value
    # Wine has no count of handles: try each possible number; they are multiples of four.
    flags = ctypes.byref(ctypes.c_uint32())
    return sum(bool(kernel.GetHandleInformation(ctypes.c_void_p(n), flags)) for n in range(4, 1 << 15, 4))


def test_closing_disconnects_every_client_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing the server waits neither for silent clients nor for unfinished answers."""
    # Much longer than the close: the close ends first only if it does not wait.
    monkeypatch.setattr(pipe_server, "CLOSING_TIME", WAIT)
    held_up, end = threading.Event(), threading.Event()

    def never(_body: bytes, _secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        held_up.set()
        end.wait(LONG)
        return b"", bytearray()

    with serving(never) as name:
        silent, waiting = connect(name), connect(name)
        stream.write_frame(waiting, b"long")
        assert held_up.wait(WAIT)
        began = time.monotonic()
    assert time.monotonic() - began < WAIT / 2
    end.set()
    assert hangs_up(silent)
    assert hangs_up(waiting)
    with pytest.raises(FileNotFoundError, match="not running"):
        connect(name)


def test_a_reader_of_attributes_alone_is_not_served_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that can only read attributes cannot hold an instance."""
    monkeypatch.setattr(pipe_server, "MESSAGE_TIME", SHORT)
    with serving() as name:
        handle = win32file.CreateFile(name, 0x80, 0, None, win32file.OPEN_EXISTING, 0, None)
        assert held(int(handle))
        assert until(lambda: not held(int(handle)))
        handle.Close()
        assert ask(name).body.startswith(b"hello")
