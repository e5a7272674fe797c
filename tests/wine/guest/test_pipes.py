# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages over the agent's pipes: what goes well, what is half, slow, silent or too much."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time

import pytest
import pywintypes
import win32file

from latchkey_agent import stream
from latchkey_agent.protocol import frames
from latchkey_agent.windows import pipe_server
from latchkey_agent.windows.identity import Identity
from tests.wine.guest.pipe_bench import (
    CANARY,
    ask,
    connect,
    hangs_up,
    own_sid,
    serving,
)


def test_both_parts_of_a_message_go_there_and_back() -> None:
    """Both parts of a message go there and back."""
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


def test_a_message_in_single_bytes_is_put_together() -> None:
    """A message in single bytes is put together."""
    with serving() as name, connect(name) as client:
        for byte in frames.encode(b"slow", CANARY):
            client.write(memoryview(bytes([byte])))
        answer = stream.read_frame(client)
    assert answer is not None
    assert answer.secret == CANARY


def test_an_answer_larger_than_the_pipes_buffer_arrives_whole() -> None:
    """An answer larger than the pipes buffer arrives whole."""
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
def test_what_is_no_message_of_ours_ends_the_connection(sent: bytes) -> None:
    """What is no message of ours ends the connection."""
    with serving() as name:
        with connect(name, limit=2.0) as client:
            client.write(memoryview(sent))
            assert hangs_up(client)
        assert ask(name).body.startswith(b"hello")


@pytest.mark.parametrize("sent", [b"", b"LKY", bytes(frames.encode(b"hello", CANARY))[:-1]])
def test_half_a_message_is_dropped_in_time_and_delays_nobody(
    monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    """Half a message is dropped in time and delays nobody."""
    monkeypatch.setattr(pipe_server, "MESSAGE_TIME", 0.4)
    with serving() as name, connect(name, limit=5.0) as silent:
        if sent:
            silent.write(memoryview(sent))
        began = time.monotonic()
        ask(name)
        assert time.monotonic() - began < 0.3
        assert hangs_up(silent)
        assert time.monotonic() - began < 1.5


def test_a_client_that_does_not_take_its_answer_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that does not take its answer is dropped."""
    monkeypatch.setattr(pipe_server, "MESSAGE_TIME", 0.4)
    with serving(lambda _b, _s, _c: (bytes(frames.MAX_JSON), bytearray())) as name, connect(name) as lazy:
        stream.write_frame(lazy, b"more than fits")
        ask(name)
        time.sleep(0.8)
        with pytest.raises((OSError, frames.FrameError)):
            stream.read_frame(lazy)


def test_an_answer_that_takes_long_delays_nobody() -> None:
    """An answer that takes long delays nobody."""
    go = threading.Event()

    def wait_for_it(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        if body == b"long poll":
            go.wait(10)
        return body, secret

    answers: list[bytes] = []
    with serving(wait_for_it) as name:
        polls = [
            threading.Thread(target=lambda: answers.append(ask(name, b"long poll").body)) for _ in range(20)
        ]
        for poll in polls:
            poll.start()
        began = time.monotonic()
        assert ask(name, b"quick").body == b"quick"
        assert time.monotonic() - began < 1.0
        assert not answers
        go.set()
        for poll in polls:
            poll.join(10)
    assert answers == [b"long poll"] * 20


def test_a_thousand_clients_of_which_most_say_nothing() -> None:
    """A thousand clients of which most say nothing."""
    with serving() as name, contextlib.ExitStack() as held:
        for number in range(999):
            held.enter_context(connect(name))
            if number % 100 == 0:
                began = time.monotonic()
                assert ask(name, b"honest").body.startswith(b"honest")
                assert time.monotonic() - began < 1.0
        client = held.enter_context(connect(name))
        began = time.monotonic()
        assert ask(name).body.startswith(b"hello")
        assert time.monotonic() - began < 1.0
        # The newest silent one was kept: it may still speak.
        stream.write_frame(client, b"at last")
        assert stream.read_frame(client) is not None


def test_one_account_holds_a_bounded_number_of_connections() -> None:
    """Beyond it the one that has been silent longest goes, never the newest or one that is answered."""
    go = threading.Event()

    def wait(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        go.wait(10)
        return body, secret

    with serving(wait, clients_per_account=4) as name, contextlib.ExitStack() as held:
        asking = held.enter_context(connect(name))
        stream.write_frame(asking, b"answer me")
        time.sleep(0.2)
        silent = [held.enter_context(connect(name, limit=1.0)) for _ in range(5)]
        assert [hangs_up(client) for client in silent] == [True, True, False, False, False]
        go.set()
        answer = stream.read_frame(asking)
    assert answer is not None
    assert answer.body == b"answer me"


def test_a_thousand_clients_in_turn_leave_no_handles_behind() -> None:
    """A thousand clients in turn leave no handles behind."""
    with serving() as name:
        ask(name)
        before = handles()
        for _ in range(1000):
            ask(name)
        time.sleep(0.2)
        assert handles() - before < 20


def handles() -> int:
    """Handles."""
    count = ctypes.c_uint32()
    ctypes.WinDLL("kernel32").GetProcessHandleCount(ctypes.c_void_p(-1), ctypes.byref(count))
    return count.value


def test_closing_lets_go_of_everybody_at_once() -> None:
    """Closing lets go of everybody at once."""
    held = threading.Event()

    def never(_body: bytes, _secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        held.set()
        threading.Event().wait(30)
        return b"", bytearray()

    with serving(never) as name:
        silent, waiting = connect(name), connect(name)
        stream.write_frame(waiting, b"long")
        assert held.wait(5)
        began = time.monotonic()
    assert time.monotonic() - began < 1.0
    assert hangs_up(silent)
    assert hangs_up(waiting)
    with pytest.raises(FileNotFoundError, match="not running"):
        connect(name)


def test_a_reader_of_attributes_alone_is_not_served_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that may not write cannot hold an instance."""
    monkeypatch.setattr(pipe_server, "MESSAGE_TIME", 0.3)
    with serving() as name:
        handle = win32file.CreateFile(name, 0x80, 0, None, win32file.OPEN_EXISTING, 0, None)
        time.sleep(0.6)
        with contextlib.suppress(pywintypes.error):
            handle.Close()
        assert ask(name).body.startswith(b"hello")
