# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pypsrp.exceptions
import pytest
import requests
import winrm.exceptions
from ansible.errors import (
    AnsibleActionFail,
    AnsibleAuthenticationFailure,
    AnsibleConnectionFailure,
    AnsibleError,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._connection import (
    ConnectionLost,
    Link,
    is_lost,
)
from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Clock

from tests.unit.plugins.fakes import FakeConnection, FakeTime, fault

if TYPE_CHECKING:
    from collections.abc import Iterator

LOST = [
    AnsibleConnectionFailure("ssh: connect to host port 22: Connection refused"),
    AnsibleAuthenticationFailure("Invalid/incorrect password"),
    AnsibleError("the connection attempt timed out"),
    AnsibleError("winrm send_input failed; \nstdout: \nstderr "),
    requests.ConnectionError("refused"),
    requests.ReadTimeout("Read timed out."),
    requests.exceptions.ChunkedEncodingError("broken"),
    winrm.exceptions.WinRMError("x"),
    winrm.exceptions.WinRMTransportError("http", 503, "Service Unavailable"),
    winrm.exceptions.WinRMOperationTimeoutError(),
    winrm.exceptions.InvalidCredentialsError("x"),
    pypsrp.exceptions.WinRMError("x"),
    pypsrp.exceptions.WinRMTransportError("http", 503, "Service Unavailable"),
    pypsrp.exceptions.AuthenticationError("x"),
    pypsrp.exceptions.InvalidPSRPOperation("x"),
    ConnectionResetError(104, "reset"),
    BrokenPipeError(),
    fault("stale"),
]
FAULTS = [
    AnsibleError("winrm or requests is not installed: no module"),
    AnsibleActionFail("x"),
    ValueError("x"),
    KeyError("x"),
]


@pytest.mark.parametrize("error", LOST, ids=lambda error: type(error).__name__)
def test_what_a_connection_plugin_says_when_the_pc_goes_away_is_a_loss(error: Exception) -> None:
    """Every exception of the libraries under winrm, psrp and ssh is one."""
    assert is_lost(error)


@pytest.mark.parametrize("error", FAULTS, ids=lambda error: type(error).__name__)
def test_what_is_wrong_on_the_controller_is_no_loss(error: Exception) -> None:
    """Waiting would not mend a missing library or a mistake of ours."""
    assert not is_lost(error)


@pytest.mark.parametrize(("kind", "rejected", "timed_out"), [
    ("refused", False, False), ("rejected", True, False), ("frozen", False, True), ("stale", False, False),
])  # fmt: skip
def test_a_loss_tells_its_kind(kind: str, *, rejected: bool, timed_out: bool) -> None:
    """A rejected account and a silent PC are told apart from a PC that is away."""
    lost = ConnectionLost(fault(kind))
    assert (lost.rejected, lost.timed_out) == (rejected, timed_out)


def link_of(transport: str = "winrm", **options: Any) -> tuple[Link, FakeConnection]:
    """Return a link over a connection that meets nothing."""
    time = FakeTime()
    connection = FakeConnection([], time, transport=transport, options=options)
    return Link(connection, time.clock()), connection  # type: ignore[arg-type]  # the fake stands for the plugin


@pytest.fixture
def listening() -> Iterator[int]:
    """A port that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_accepts_is_seen(listening: int) -> None:
    """The probe is a TCP connection, by whichever names the plugin has for the address."""
    assert link_of(remote_addr="127.0.0.1", port=listening)[0].accepts()
    assert link_of("ssh", host="127.0.0.1", port=listening)[0].accepts()


def test_a_port_that_does_not_accept_is_not() -> None:
    """Neither is a host of no address, nor a plugin without one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not link_of(remote_addr="127.0.0.1", port=port)[0].accepts()
    assert not link_of(remote_addr="no-such-host.invalid", port=port)[0].accepts()
    assert not link_of()[0].accepts()


@pytest.fixture
def going_down() -> Iterator[int]:
    """The port of a server that says its name, as one of ssh does, and is gone a moment later."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            accepted, _address = server.accept()
            with accepted:
                accepted.sendall(b"SSH-2.0-OpenSSH_for_Windows\r\n")
                time.sleep(0.2)

        serving = threading.Thread(target=run)
        serving.start()
        yield server.getsockname()[1]
        serving.join()


def test_a_pc_that_ends_a_silent_connection_is_away(going_down: int) -> None:
    """Before the time that the task would wait, and from that moment on the outage counts."""
    connection = FakeConnection([], FakeTime(), options={"remote_addr": "127.0.0.1", "port": going_down})
    link = Link(connection, Clock())  # type: ignore[arg-type]  # the fake stands for the plugin
    link.reached = True
    began = time.monotonic()
    assert link.hangs_up(30)
    assert time.monotonic() - began < 10
    assert link.away
    assert link.lost_at is not None


def test_a_pc_that_keeps_a_silent_connection_is_not_away(listening: int) -> None:
    """Nor is one whose address is not known; a PC that accepts none is."""
    options = {"remote_addr": "127.0.0.1", "port": listening}
    link = Link(FakeConnection([], FakeTime(), options=options), Clock())  # type: ignore[arg-type]  # as above
    began = time.monotonic()
    assert not link.hangs_up(0.2)
    assert time.monotonic() - began >= 0.2
    assert not link.away
    assert not link_of()[0].hangs_up(30)
    with socket.create_server(("127.0.0.1", 0)) as server:
        options["port"] = server.getsockname()[1]
    assert link.hangs_up(30)
    assert link.away


@pytest.mark.parametrize(("transport", "before", "inside"), [
    ("winrm", {"connection_timeout": None}, {"connection_timeout": 5}),
    ("winrm", {"connection_timeout": 2}, {"connection_timeout": 2}),
    ("winrm", {"connection_timeout": 60}, {"connection_timeout": 5}),
    ("psrp",
     {"connection_timeout": 30, "operation_timeout": 20, "read_timeout": 30, "reconnection_backoff": 2.0},
     {"connection_timeout": 5, "operation_timeout": 3, "read_timeout": 8, "reconnection_backoff": 0.0}),
    ("ssh", {"timeout": 10, "ssh_extra_args": "-4"},
            {"timeout": 5, "ssh_extra_args": "-4 -o ServerAliveInterval=5 -o ServerAliveCountMax=3"}),
    ("ssh", {"timeout": 10, "ssh_extra_args": ""},
            {"timeout": 5, "ssh_extra_args": "-o ServerAliveInterval=5 -o ServerAliveCountMax=3"}),
    ("aws_ssm", {"timeout": 60}, {"timeout": 60}),
])  # fmt: skip
def test_impatience_is_for_a_while(transport: str, before: dict[str, Any], inside: dict[str, Any]) -> None:
    """The plugin's time-outs are shortened, and put back even after an error."""
    link, connection = link_of(transport, **before)

    def fail() -> None:
        with link.impatient():
            assert connection.options == inside
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert connection.options == before


def test_ssh_notices_a_pc_that_is_silent() -> None:
    """Of itself ssh would wait for ever; the operator's own settings stay before ours."""
    time = FakeTime()
    connection = FakeConnection([{"run": "x"}, {"run": "x"}], time)
    connection.transport, connection.options = "ssh", {"ssh_extra_args": "-o ServerAliveInterval=60"}
    link = Link(connection, time.clock())  # type: ignore[arg-type]  # the fake stands for the plugin
    for _ in range(2):
        link.run("PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand eAA=")
    wanted = "-o ServerAliveInterval=60 -o ServerAliveInterval=5 -o ServerAliveCountMax=3"
    assert connection.options == {"ssh_extra_args": wanted}


def test_the_time_out_of_contact_is_counted() -> None:
    """From the loss to the next answer, and as long as it lasts."""
    time = FakeTime()
    entries = [
        {"run": "x", "seconds": 2},
        {"run": "x", "seconds": 1, "lost": "reset"},
        {"run": "x", "seconds": 3},
    ]
    link = Link(FakeConnection(entries, time), time.clock())  # type: ignore[arg-type]  # the fake stands for the plugin
    command = "PowerShell -NoProfile -NonInteractive -ExecutionPolicy Unrestricted -EncodedCommand eAA="
    link.run(command)
    with pytest.raises(ConnectionLost):
        link.run(command)
    time.pass_by(4)
    assert (link.away, link.lost_at, link.outage) == (True, 3, 4)
    link.run(command)
    assert (link.away, link.lost_at, link.outage) == (False, 3, 7)
