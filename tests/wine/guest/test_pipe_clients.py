# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a pipe's client and server, and their access."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from typing import Any

import pytest
import win32api
import win32con
import win32event
import win32process
import win32security
import winerror

from latchkey_agent import stream
from latchkey_agent.domain.model import Account
from latchkey_agent.ports import PortError
from latchkey_agent.windows.pipes import client_identity, client_stream, pipe_server
from latchkey_agent.windows.pipes.client_identity import Identity
from latchkey_agent.windows.pipes.endpoints import Reception, console_session
from latchkey_agent.windows.pipes.pipe_server import Endpoint, PipeServer
from latchkey_agent.windows.win32 import access
from tests.wine.guest.pipe_bench import (
    CANARY,
    FOR_ALL,
    a_name,
    ask,
    connect,
    echo,
    own_sid,
    refuse_first,
    serving,
)


def test_a_client_says_nothing_to_a_server_that_is_not_the_service() -> None:
    """A client sends nothing to a server that is not the service."""
    received: list[bytes] = []

    def listen(body: bytes, secret: bytearray, _client: Identity) -> tuple[bytes, bytearray]:
        received.append(body)
        return body, secret

    with serving(listen) as name:
        with pytest.raises(ConnectionRefusedError, match="find out what that program is"):
            client_stream.connect(name, server=lambda: os.getpid() + 4)
        time.sleep(0.1)
    assert not received


def test_the_identity_is_the_clients_process() -> None:
    """The server gets process id, SID and groups of the client's process."""
    seen: list[Identity] = []

    def note(body: bytes, secret: bytearray, client: Identity) -> tuple[bytes, bytearray]:
        seen.append(client)
        return body, secret

    with serving(note) as name:
        ask(name)
    assert seen[0].process_id == os.getpid()
    assert seen[0].sid == own_sid()
    assert access.ADMINISTRATORS_SID in seen[0].groups


HELLO = """
import sys
from latchkey_agent import stream
from latchkey_agent.windows.pipes import client_stream
with client_stream.connect(sys.argv[1], server=lambda: int(sys.argv[2])) as client:
    stream.write_frame(client, b"hello")
    assert stream.read_frame(client) is not None
"""


def say_hello_without_administrators(name: str) -> int:
    """Run a client whose token has Administrators as deny-only; return its exit code."""
    token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32con.MAXIMUM_ALLOWED)
    administrators = win32security.ConvertStringSidToSid(access.ADMINISTRATORS_SID)
    nothing: Any = None
    for_refusals: Any = [(administrators, 0)]
    limited = win32security.CreateRestrictedToken(token, 0, for_refusals, nothing, nothing)
    command = subprocess.list2cmdline([sys.executable, "-I", "-B", "-c", HELLO, name, str(os.getpid())])
    process, *_ = win32process.CreateProcessAsUser(
        limited,
        sys.executable,
        command,
        nothing,
        nothing,
        False,  # noqa: FBT003 - positional in Windows
        0,
        nothing,
        nothing,
        win32process.STARTUPINFO(),
    )
    win32event.WaitForSingleObject(process, 20_000)
    return int(win32process.GetExitCodeProcess(process))


def test_a_deny_only_group_does_not_make_an_operator() -> None:
    """An administrator's filtered token, with Administrators as deny-only, is not an operator."""
    seen: list[Identity] = []

    def note(body: bytes, secret: bytearray, client: Identity) -> tuple[bytes, bytearray]:
        seen.append(client)
        return body, secret

    with serving(note) as name:
        assert say_hello_without_administrators(name) == 0
    assert seen[0].sid == own_sid()
    assert access.ADMINISTRATORS_SID not in seen[0].groups
    assert not Reception(nobody, None, console_session).peer(seen[0]).operator


def nobody(sid: str) -> Account:
    """Replace the lookup of names."""
    raise PortError(sid)


def test_a_client_of_two_accounts_is_not_served() -> None:
    """A client whose account changes during the connection is not served."""

    def borrowed(_pipe: int, client: Identity) -> Identity:
        return client_identity.confirmed(_pipe, client._replace(sid="S-1-5-21-1-2-3-1001"))

    name = a_name()
    server = PipeServer([Endpoint(name, FOR_ALL, echo)], pipe_server.Identifier(after_message=borrowed))
    server.open()
    try:
        with connect(name) as client:
            stream.write_frame(client, b"hello", CANARY)
            assert stream.read_frame(client) is None
    finally:
        server.close()


@pytest.mark.parametrize(
    "sddl", [access.control_pipe(None), access.control_pipe("S-1-5-21-1-2-3-1005"), access.CUSTOMER]
)
def test_a_pipe_has_its_documented_descriptor(sddl: str) -> None:
    """Each pipe has the descriptor of the code."""
    name = a_name()
    server = PipeServer([Endpoint(name, sddl, echo)])
    server.open()
    try:
        _, instance = next(iter(server._connections.values()))
        found = win32security.GetSecurityInfo(
            instance.handle, win32security.SE_KERNEL_OBJECT, win32security.DACL_SECURITY_INFORMATION
        )
    finally:
        server.close()
    written = win32security.ConvertSecurityDescriptorToStringSecurityDescriptor(found, 1, 4)
    assert written == "D:P" + sddl.partition("D:P")[2].partition("S:(ML")[0]


@pytest.mark.windows
def test_no_second_program_can_make_a_pipe_of_the_name() -> None:
    """A second server of a pipe's name is refused."""
    with serving() as name, pytest.raises(PortError, match="another program already serves"):
        PipeServer([Endpoint(name, FOR_ALL, echo)]).open()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (winerror.ERROR_ACCESS_DENIED, "another program already serves {}: find out which one and remove it"),
        (winerror.ERROR_NO_SYSTEM_RESOURCES, "{} could not be made (Windows error 1450)"),
    ],
)
def test_a_pipe_that_cannot_be_made_is_named(
    monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    """The error names the pipe, and for denied access another program with the same pipe."""
    name = a_name()
    refuse_first(monkeypatch, name, code)
    with pytest.raises(PortError, match=re.escape(message.format(name))):
        PipeServer([Endpoint(name, FOR_ALL, echo)]).open()


@pytest.mark.windows
def test_the_descriptor_keeps_others_out() -> None:
    """The descriptor refuses administrators, too; tested without the label, which only LocalSystem may set."""
    name = a_name()
    server = PipeServer([Endpoint(name, access.LOGON.partition("S:(ML")[0], echo)])
    server.open()
    try:
        with pytest.raises(PermissionError):
            connect(name)
    finally:
        server.close()
