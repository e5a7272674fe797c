# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pipe server in this process, and clients for it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import pytest
import pywintypes
import win32api
import win32con
import win32pipe
import win32security

from latchkey_agent import stream
from latchkey_agent.protocol import frames
from latchkey_agent.windows.pipes import client_stream
from latchkey_agent.windows.pipes.client_identity import Identity
from latchkey_agent.windows.pipes.pipe_instance import FILE_FLAG_FIRST_PIPE_INSTANCE
from latchkey_agent.windows.pipes.pipe_server import Endpoint, Handler, PipeServer

CANARY = "Kanarienvogel 9!".encode("utf-16-le")
FOR_ALL = "O:SYG:SYD:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;0x100083;;;AU)"
_count = 0


def a_name() -> str:
    """Return a new pipe name."""
    global _count  # noqa: PLW0603 - one counter for the whole run
    _count += 1
    return rf"\\.\pipe\LatchkeyTest{os.getpid()}-{_count}"


def echo(body: bytes, secret: bytearray, client: Identity) -> tuple[bytes, bytearray]:
    """Return the message."""
    return body + f" from {client.sid}".encode(), bytearray(secret)


@contextlib.contextmanager
def serving(handler: Handler = echo, **limits: int) -> Iterator[str]:
    """Run a pipe server; yield its name."""
    name = a_name()
    server = PipeServer([Endpoint(name, FOR_ALL, handler, **limits)])
    server.open()
    try:
        yield name
    finally:
        server.close()


def connect(name: str, limit: float = 20.0) -> client_stream.PipeStream:
    """Connect to a pipe."""
    return client_stream.connect(name, server=os.getpid, limit=limit)


def ask(name: str, body: bytes = b"hello", secret: bytes = b"") -> frames.Frame:
    """Send a message; return the answer."""
    with connect(name) as client:
        stream.write_frame(client, body, secret)
        answer = stream.read_frame(client)
    assert answer is not None
    return answer


def own_sid() -> str:
    """Return the SID of this process's account."""
    token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32con.TOKEN_QUERY)
    return str(
        win32security.ConvertSidToStringSid(
            win32security.GetTokenInformation(token, win32security.TokenUser)[0]
        )
    )


def refuse_first(patch: pytest.MonkeyPatch, name: str, code: int) -> None:
    """Let Windows refuse the first pipe of a name; Wine makes it even if another program has one."""
    make = win32pipe.CreateNamedPipe

    def refuse(wanted: str, mode: int, *more: Any) -> Any:
        if wanted == name and mode & FILE_FLAG_FIRST_PIPE_INSTANCE:
            raise pywintypes.error(code, "CreateNamedPipe", "refused")
        return make(wanted, mode, *more)

    patch.setattr(win32pipe, "CreateNamedPipe", refuse)


def hangs_up(client: client_stream.PipeStream) -> bool:
    """Return whether the server disconnects the client."""
    try:
        return client.readinto(memoryview(bytearray(1))) == 0
    except TimeoutError:
        return False
    except OSError:
        return True
