# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances of a pipe that failed to listen do not block clients for good."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import pywintypes
import win32file
import win32pipe
import winerror

from latchkey_agent.ports import PortError
from latchkey_agent.windows.pipes import client_stream, pipe_server
from latchkey_agent.windows.pipes.pipe_server import Endpoint, PipeServer
from tests.wine.guest.pipe_bench import FOR_ALL, a_name, ask, echo, serving

from .conftest import refusing

Listen = Callable[[int, Any], int]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the waits of clients and server."""
    monkeypatch.setattr(client_stream, "CONNECT_TIME", 2.0)
    monkeypatch.setattr(pipe_server, "RETRY_TIME", 0.1, raising=False)


@pytest.fixture
def before_listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], None]]]:
    """Actions to run just before instances listen, each once, in order."""
    steps: list[Callable[[], None]] = []
    listen: Listen = win32pipe.ConnectNamedPipe

    def connect(pipe: int, overlapped: Any) -> int:
        if steps:
            steps.pop(0)()
        return listen(pipe, overlapped)

    monkeypatch.setattr(win32pipe, "ConnectNamedPipe", connect)
    yield steps
    assert not steps


def hit(name: str) -> Callable[[], None]:
    """Return a client that connects and disconnects at once, if an instance accepts it."""

    def run() -> None:
        try:
            pipe = win32file.CreateFile(
                name, client_stream.READ_AND_WRITE, 0, None, win32file.OPEN_EXISTING, 0, None
            )
        except pywintypes.error as fault:
            assert fault.winerror == winerror.ERROR_PIPE_BUSY  # noqa: PT017 - a success is also fine
        else:
            pipe.Close()

    return run


@contextlib.contextmanager
def served(server: PipeServer) -> Iterator[None]:
    """Run a server for a while."""
    server.open()
    try:
        yield
    finally:
        server.close()


def test_clients_that_disconnect_before_an_instance_listens_do_not_block_others(
    before_listening: list[Callable[[], None]],
) -> None:
    """Clients that disconnect early, each with ERROR_NO_DATA, do not block other clients."""
    name = a_name()
    before_listening.extend([hit(name)] * 5)
    with served(PipeServer([Endpoint(name, FOR_ALL, echo)])):
        for _ in range(8):
            assert ask(name).body.startswith(b"hello")


def test_a_client_that_disconnects_from_each_new_instance_does_not_block_others(
    before_listening: list[Callable[[], None]],
) -> None:
    """A client that disconnects from each new instance does not block others, even with one instance."""
    with serving(listening=1) as name:
        for _ in range(5):
            before_listening.append(hit(name))
            assert ask(name).body.startswith(b"hello")
        assert ask(name).body.startswith(b"hello")


def test_an_instance_that_was_hit_stays_the_first_of_its_name(
    before_listening: list[Callable[[], None]],
) -> None:
    """An instance with an early disconnect is kept: closing it would let another program take the name."""
    name, made = a_name(), []
    create = win32pipe.CreateNamedPipe

    def counted(*arguments: Any) -> int:
        made.append(arguments)
        return create(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(win32pipe, "CreateNamedPipe", counted)
        before_listening.append(hit(name))
        with served(PipeServer([Endpoint(name, FOR_ALL, echo, listening=1)])):
            assert len(made) == 1


def test_an_instance_that_cannot_listen_is_replaced_later(
    before_listening: list[Callable[[], None]], caplog: pytest.LogCaptureFixture
) -> None:
    """The server itself replaces an instance that cannot listen, and logs the failure once."""
    with caplog.at_level(logging.WARNING), serving(listening=1) as name:
        before_listening.extend([refusing(winerror.ERROR_NO_SYSTEM_RESOURCES)] * 3)
        assert ask(name).body.startswith(b"hello")
        assert ask(name).body.startswith(b"hello")
    assert [record.getMessage() for record in caplog.records] == [
        f"no further instance of {name}: Windows error 1450"
    ]


def test_a_first_instance_that_cannot_listen_fails_the_start(
    before_listening: list[Callable[[], None]],
) -> None:
    """A first instance that cannot listen fails the start, and frees the name for the next start."""
    name = a_name()
    before_listening.append(refusing(winerror.ERROR_NO_SYSTEM_RESOURCES))
    with pytest.raises(PortError, match="1450"):
        PipeServer([Endpoint(name, FOR_ALL, echo)]).open()
    with pytest.raises(FileNotFoundError, match="not running"):
        client_stream.connect(name, server=os.getpid)
