# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages over the agent's pipes: complete, incomplete, slow, missing and too many."""

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
from latchkey_agent.windows.pipes import client_stream, pipe_server
from latchkey_agent.windows.pipes.client_identity import Identity
from latchkey_agent.windows.pipes.pipe_instance import Phase
from latchkey_agent.windows.pipes.pipe_server import Endpoint, Identifier, PipeServer
from tests.wine.guest.pipe_bench import (
    CANARY,
    FOR_ALL,
    a_name,
    ask,
    connect,
    is_disconnected,
    own_sid,
    serving,
)

SHORT = 3.0
"""Seconds for a message: short enough for a test to wait, long enough for a busy computer."""
LONG = 60.0
"""Seconds for a message: longer than any test."""
WAIT = 20.0
"""Seconds after which a test gives up waiting."""


@pytest.fixture(autouse=True)
def no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Prevent the server from dropping silent clients, unless a test sets a shorter time."""
    monkeypatch.setattr(pipe_server, "MESSAGE_SECONDS", LONG)


def until(true: Callable[[], bool]) -> bool:
    """Wait until a condition is true; return whether it became true in time."""
    over = time.monotonic() + WAIT
    while not true() and time.monotonic() < over:
        time.sleep(0.01)
    return true()


def is_connected(client: int) -> bool:
    """Return whether the server still holds the connection of a client's handle."""
    try:
        win32pipe.GetNamedPipeHandleState(client)
    except pywintypes.error:
        return False
    return True


def test_body_and_secret_are_sent_and_returned() -> None:
    """The answer has both parts as well."""
    with serving() as name:
        answer = ask(name, b"hello", CANARY)
    assert answer.body == f"hello from {own_sid()}".encode()
    assert answer.secret == CANARY


def test_one_connection_carries_several_messages() -> None:
    """The server answers each of 50 messages."""
    with serving() as name, connect(name) as client:
        for number in range(50):
            stream.write_frame(client, str(number).encode())
            answer = stream.read_frame(client)
            assert answer is not None
            assert answer.body.startswith(f"{number} ".encode())


def test_a_message_in_single_bytes_is_assembled() -> None:
    """The server answers the whole message."""
    with serving() as name, connect(name) as client:
        for byte in frames.encode(b"slow", CANARY):
            client.write(memoryview(bytes([byte])))
        answer = stream.read_frame(client)
    assert answer is not None
    assert answer.secret == CANARY


def test_an_answer_larger_than_the_pipes_buffer_arrives_whole() -> None:
    """The client receives the same bytes."""
    big = os.urandom(frames.MAX_BODY // 2)
    with serving(lambda _b, _s, _c: (big, bytearray())) as name:
        assert ask(name).body == big


def test_the_secret_is_overwritten_once_the_handler_has_returned() -> None:
    """The server overwrites the message's secret and the answer's."""
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
    """The server disconnects that client and answers the next."""

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
    [b"GET / HTTP/1.1\r\n", b"LKY2" + bytes(8), frames.HEADER.pack(frames.MAGIC, frames.MAX_BODY + 1, 0),
     frames.HEADER.pack(frames.MAGIC, 0, frames.MAX_SECRET + 1)],
)  # fmt: skip
def test_an_invalid_message_ends_the_connection(sent: bytes) -> None:
    """The server still answers other clients."""
    with serving() as name:
        with connect(name, limit=10) as client:
            client.write(memoryview(sent))
            assert is_disconnected(client)
        assert ask(name).body.startswith(b"hello")


def test_clients_with_half_a_message_are_dropped_and_delay_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers a complete message in the meantime, then drops the incomplete ones."""
    monkeypatch.setattr(pipe_server, "MESSAGE_SECONDS", SHORT)
    halves = [b"", b"LKY", bytes(frames.encode(b"hello", CANARY))[:-1]]
    with serving() as name, contextlib.ExitStack() as open_:
        silent = [open_.enter_context(connect(name, limit=WAIT)) for _ in halves]
        for client, half in zip(silent, halves, strict=True):
            if half:
                client.write(memoryview(half))
        assert ask(name).body.startswith(b"hello")
        assert [is_connected(client._handle) for client in silent] == [True] * len(halves)
        assert [is_disconnected(client) for client in silent] == [True] * len(halves)


def test_a_client_that_does_not_read_its_answer_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server answers other clients in the meantime. The slow client loses the rest of its answer."""
    monkeypatch.setattr(pipe_server, "MESSAGE_SECONDS", SHORT)

    def much(body: bytes, _secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        return (bytes(frames.MAX_BODY) if body == b"more than fits" else body), bytearray()

    with serving(much) as name, connect(name) as lazy:
        stream.write_frame(lazy, b"more than fits")
        assert until(lambda: win32pipe.PeekNamedPipe(lazy._handle, 0)[1] > 0)
        assert ask(name).body == b"hello"
        assert is_connected(lazy._handle)
        assert until(lambda: not is_connected(lazy._handle))
        with pytest.raises((OSError, frames.FrameError)):
            stream.read_frame(lazy)


def test_a_slow_answer_delays_no_other() -> None:
    """A quick answer arrives while all slow handlers still run."""
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


def test_a_thousand_silent_clients_do_not_delay_the_others() -> None:
    """No silent client times out during this test, so a server that waited for one would not answer."""
    with serving() as name, contextlib.ExitStack() as open_:
        for number in range(999):
            open_.enter_context(connect(name))
            if number % 100 == 0:
                assert ask(name, b"honest").body.startswith(b"honest")
        client = open_.enter_context(connect(name))
        assert ask(name).body.startswith(b"hello")
        # The server kept the newest silent client, which may still send a message.
        stream.write_frame(client, b"at last")
        assert stream.read_frame(client) is not None


def test_one_account_has_a_limited_number_of_connections() -> None:
    """Beyond the limit the server drops the longest silent client, not the newest and none with a pending answer."""
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
        assert [is_disconnected(client) for client in silent[:2]] == [True, True]
        go.set()
        for client in (*silent[2:], asking):
            if client is not asking:
                stream.write_frame(client, b"answer me")
            answer = stream.read_frame(client)
            assert answer is not None
            assert answer.body == b"answer me"


def test_rule_07_accounts_that_fill_a_pipe_leave_every_other_account_its_places() -> None:
    """Two accounts hold all places with long polls; the customer's new client can revoke all the same.

    No client that waits for an answer is dropped. Beyond its own places an account is one of the many.
    """
    asked, go = threading.Semaphore(0), threading.Event()
    one, two, customer = "S-1-5-21-1", "S-1-5-21-2", "S-1-5-21-3"
    sids = iter((one, two, one, two, customer, customer, one))

    def identify(_pipe: int) -> Identity:
        return Identity(os.getpid(), 1, next(sids), frozenset())

    def poll(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        if body == b"poll":
            asked.release()
            go.wait(LONG)
        return body, secret

    name = a_name()
    endpoint = Endpoint(name, FOR_ALL, poll, clients=4, clients_per_account=2, clients_anyhow=1)
    server = PipeServer([endpoint], Identifier(identify, lambda _pipe, client: client))
    server.open()
    with contextlib.ExitStack() as open_:
        open_.callback(server.close)
        open_.callback(go.set)
        polls = [open_.enter_context(connect(name)) for _ in range(4)]
        for client in polls:
            stream.write_frame(client, b"poll")
            assert asked.acquire(timeout=WAIT)
        revoking = open_.enter_context(connect(name))
        assert exchange(revoking, b"revoke") == b"revoke"
        wait_for_reader(server, customer)
        second = open_.enter_context(connect(name))
        assert exchange(second, b"again") == b"again"
        wait_for_reader(server, customer)
        assert is_disconnected(revoking)
        assert is_disconnected(open_.enter_context(connect(name)))
        go.set()
        answers = [stream.read_frame(client) for client in polls]
        assert [answer.body for answer in answers if answer is not None] == [b"poll"] * 4


def wait_for_reader(server: PipeServer, sid: str) -> None:
    """Wait until the server reads from a client of this account: shortly after its answer it counts as silent."""
    until = time.monotonic() + WAIT
    while not any(
        c.phase is Phase.READING and c.identity is not None and c.identity.sid == sid
        for _, c in list(server._connections.values())
    ):
        assert time.monotonic() < until
        time.sleep(0.01)


def exchange(client: client_stream.PipeStream, body: bytes) -> bytes | None:
    """Send a message on an open connection; return the body of the answer, None if there is none."""
    stream.write_frame(client, body)
    answer = stream.read_frame(client)
    return None if answer is None else answer.body


def test_a_thousand_clients_in_turn_leave_no_handles_open() -> None:
    """The number of handles stays nearly the same."""
    with serving() as name:
        ask(name)
        before = handles()
        for _ in range(1000):
            ask(name)
        # The server notices the last disconnect a little later.
        assert until(lambda: handles() - before < 20)


def handles() -> int:
    """Return the number of open handles of this process."""
    gc.collect()
    kernel, count = ctypes.WinDLL("kernel32"), ctypes.c_uint32()
    kernel.GetProcessHandleCount(ctypes.c_void_p(-1), ctypes.byref(count))
    if count.value:
        return count.value
    # Wine does not count handles: try each possible handle. Handles are multiples of four.
    flags = ctypes.byref(ctypes.c_uint32())
    return sum(bool(kernel.GetHandleInformation(ctypes.c_void_p(n), flags)) for n in range(4, 1 << 15, 4))


def test_closing_disconnects_every_client_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing waits neither for silent clients nor for running handlers."""
    # With this time, closing ends early only if it does not wait.
    monkeypatch.setattr(pipe_server, "CLOSING_SECONDS", WAIT)
    started, end = threading.Event(), threading.Event()

    def never(_body: bytes, _secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        started.set()
        end.wait(LONG)
        return b"", bytearray()

    with serving(never) as name:
        silent, waiting = connect(name), connect(name)
        stream.write_frame(waiting, b"long")
        assert started.wait(WAIT)
        began = time.monotonic()
    assert time.monotonic() - began < WAIT / 2
    end.set()
    assert is_disconnected(silent)
    assert is_disconnected(waiting)
    with pytest.raises(FileNotFoundError, match="not running"):
        connect(name)


def test_a_client_that_may_only_read_attributes_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that cannot write cannot occupy an instance."""
    monkeypatch.setattr(pipe_server, "MESSAGE_SECONDS", SHORT)
    with serving() as name:
        handle = win32file.CreateFile(name, 0x80, 0, None, win32file.OPEN_EXISTING, 0, None)
        assert is_connected(int(handle))
        assert until(lambda: not is_connected(int(handle)))
        handle.Close()
        assert ask(name).body.startswith(b"hello")
