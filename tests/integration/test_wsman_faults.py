# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients' view of a failing connection or computer."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import requests.exceptions
from ansible.errors import AnsibleConnectionFailure
from winrm.exceptions import WSManFaultError

from lab.wsman.faults import Drop, Faults
from lab.wsman.host import InvalidPathError, LocalHost
from lab.wsman.listener import ListenerConfig, serve
from tests.integration.wsman_fixtures import (
    REPORT,
    USER,
    WsmanLab,
    is_running,
    started_process,
)
from tests.waiting import eventually

CALL = f"& '{REPORT}' report; exit $LASTEXITCODE"


def test_wsman_frozen_computer_accepts_and_never_answers(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """A frozen computer does nothing, and its clients end with their own read time-out."""
    connection = wsman_lab.connection()
    connection.set_option("connection_timeout", 1)
    connection._connect()
    connection.protocol.transport.read_timeout_sec = 0.5
    wsman_lab.disturb(Faults(frozen=True))
    before = time.monotonic()
    with pytest.raises((requests.exceptions.ReadTimeout, AnsibleConnectionFailure)):
        connection.exec_command(f"& '{REPORT}' wait '{tmp_path / 'ran'}'")
    assert time.monotonic() - before >= 0.5
    assert not (tmp_path / "ran").exists()
    assert [entry.operation for entry in wsman_lab.requests()] == ["Create"]
    wsman_lab.disturb(Faults())
    connection.reset()
    assert connection.exec_command("'x'") == (0, b"x\r\n", b"")
    connection.close()


def test_wsman_frozen_computer_freezes_waiting_requests(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """A Receive that already waits when the computer freezes is not answered."""
    protocol = wsman_lab.protocol(operation_timeout=1)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, REPORT, ["wait", os.fspath(tmp_path / "file")], skip_cmd_shell=True)
    started_process(tmp_path / "file")
    protocol.transport.read_timeout_sec = 2
    threading.Timer(0.4, wsman_lab.disturb, (Faults(frozen=True),)).start()
    with pytest.raises(requests.exceptions.ReadTimeout):
        protocol.get_command_output_raw(shell, command)


def test_wsman_dropped_before_a_command_is_done(wsman_lab: WsmanLab, tmp_path: Path) -> None:
    """A Command dropped before processing starts no program."""
    wsman_lab.disturb(Faults(drop=Drop.UNPROCESSED, operation="Command"))
    with pytest.raises(requests.exceptions.ConnectionError):
        wsman_lab.run(f"& '{REPORT}' wait '{tmp_path / 'ran'}'")
    assert wsman_lab.run(CALL)[0] == 0
    assert not (tmp_path / "ran").exists()


def test_wsman_dropped_after_a_command_was_received(
    wsman_start: Callable[..., WsmanLab], tmp_path: Path
) -> None:
    """A Command dropped before its answer has started its program."""
    lab = wsman_start(orphan_seconds=1.0)
    protocol = lab.protocol()
    shell = protocol.open_shell()
    lab.disturb(Faults(drop=Drop.UNANSWERED, operation="Command"))
    file = tmp_path / "started"
    with pytest.raises(requests.exceptions.ConnectionError):
        protocol.run_command(shell, REPORT, ["wait", os.fspath(file)], skip_cmd_shell=True)
    program = started_process(file)
    eventually(lambda: not is_running(program), "the end of the lost shell's program")


def test_wsman_dropped_in_the_middle_of_the_output(wsman_lab: WsmanLab) -> None:
    """A truncated answer to a Receive is an error for the client, never shorter output."""
    wsman_lab.disturb(Faults(drop=Drop.HALF_ANSWERED, operation="Receive"))
    with pytest.raises((requests.exceptions.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        wsman_lab.run(f"& '{REPORT}' write 100000")


def test_wsman_drops_are_counted(wsman_lab: WsmanLab) -> None:
    """The first `skip` requests pass, the next `times` are dropped, and then all pass again."""
    wsman_lab.disturb(Faults(drop=Drop.UNPROCESSED, operation="Create", skip=1, times=2))
    outcomes = []
    for _ in range(5):
        try:
            wsman_lab.protocol().open_shell()
            outcomes.append(True)
        except requests.exceptions.ConnectionError:
            outcomes.append(False)
    assert outcomes == [True, False, False, True, True]


class ServerProcess:
    """The server in a separate process, as lab computers run it."""

    def __init__(self, config: ListenerConfig, password: str) -> None:
        self.config = config
        self.password = password
        self.process: BaseProcess | None = None

    def power_on(self) -> WsmanLab:
        """Start the server, and wait until it accepts connections."""
        context = multiprocessing.get_context("forkserver")
        receiver, sender = context.Pipe(duplex=False)
        self.process = context.Process(target=serve, args=(self.config, sender.send), daemon=True)
        self.process.start()
        sender.close()
        port = receiver.recv()
        self.config = replace(self.config, port=port)
        return WsmanLab(self.config, self.password, port)

    def power_cut(self) -> None:
        """Kill the server as a power cut would."""
        assert self.process is not None
        assert self.process.pid is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


@pytest.fixture
def server(wsman_config: ListenerConfig, wsman_password: str) -> Iterator[ServerProcess]:
    """A server that is not started yet."""
    server = ServerProcess(wsman_config, wsman_password)
    yield server
    if server.process is not None and server.process.is_alive():
        server.power_cut()


def test_wsman_power_cut_and_return_on_the_same_port(server: ServerProcess) -> None:
    """After a power cut the computer is back on its port at once; the old shell is unknown."""
    lab = server.power_on()
    connection = lab.connection()
    assert connection.exec_command("'before'")[1] == b"before\r\n"
    server.power_cut()
    with pytest.raises(requests.exceptions.ConnectionError):
        connection.exec_command("'gone'")
    with pytest.raises(AnsibleConnectionFailure):
        connection.reset()
    again = server.power_on()
    assert again.port == lab.port
    connection.reset()
    assert connection.exec_command("'after'")[1] == b"after\r\n"
    server.power_cut()
    server.power_on()
    with pytest.raises(WSManFaultError) as caught:
        connection.exec_command("'stale'")
    assert caught.value.wsman_fault_code == 2150858843


def test_wsman_power_cut_while_a_program_runs(server: ServerProcess, tmp_path: Path) -> None:
    """A client that waits for output notices the power cut at once."""
    lab = server.power_on()
    protocol = lab.protocol(operation_timeout=20)
    shell = protocol.open_shell()
    command = protocol.run_command(shell, REPORT, ["wait", os.fspath(tmp_path / "file")], skip_cmd_shell=True)
    program = started_process(tmp_path / "file")
    before = time.monotonic()
    server.power_cut()
    with pytest.raises(requests.exceptions.ConnectionError):
        protocol.get_command_output_raw(shell, command)
    assert time.monotonic() - before < 2
    with contextlib.suppress(ProcessLookupError):
        os.kill(program, signal.SIGKILL)


def test_wsman_sigterm_ends_server_and_programs(server: ServerProcess, tmp_path: Path) -> None:
    """SIGTERM ends the server soon, with exit code 0, and ends its programs."""
    lab = server.power_on()
    protocol = lab.protocol()
    shell = protocol.open_shell()
    protocol.run_command(shell, REPORT, ["wait", os.fspath(tmp_path / "file")], skip_cmd_shell=True)
    program = started_process(tmp_path / "file")
    assert server.process is not None
    server.process.terminate()
    server.process.join(5)
    assert server.process.exitcode == 0
    eventually(lambda: not is_running(program), "the end of the ended server's program")


def test_wsman_taken_port_is_an_error(wsman_start: Callable[..., WsmanLab]) -> None:
    """A listener refuses a port that another listener uses."""
    lab = wsman_start()
    with pytest.raises(OSError, match="in use"):
        wsman_start(port=lab.port)


def test_wsman_idle_connection_is_closed(wsman_start: Callable[..., WsmanLab]) -> None:
    """A connection without a request is closed after the idle time."""
    lab = wsman_start(idle_seconds=0.2)
    with socket.create_connection(("127.0.0.1", lab.port), timeout=5) as client:
        client.sendall(b"POST /wsman HTTP/1.1\r\n")
        assert client.recv(1) == b""


def test_wsman_many_silent_clients_do_not_delay_others(wsman_lab: WsmanLab) -> None:
    """A hundred silent connections do not delay another client."""
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", wsman_lab.port)))
        assert wsman_lab.run("'x'")[0] == 0


def test_wsman_computer_keeps_files_apart(tmp_path: Path) -> None:
    """Every Windows path stays below the computer's root, in upper and lower case."""
    (tmp_path / "pc" / "C" / "Users").mkdir(parents=True)
    (tmp_path / "secret").write_text("x", encoding="ascii")
    (tmp_path / "pc" / "C" / "link").symlink_to(tmp_path)
    host = LocalHost(root=tmp_path / "pc", programs={}, passwords={USER: "x"})
    assert host.is_folder("c:\\USERS")
    assert host.is_folder("C:/users/../Users/.")
    assert not host.is_file("C:\\..\\..\\secret")
    for path in (
        "C:\\link\\secret",
        "\\secret",
        "secret",
        "C:secret",
        "\\\\server\\share\\x",
        "\\\\?\\C:\\Users",
        "C:\\Users\\a:stream",
        "C:\\Users\\a\x00b",
        "CC:\\Users",
        "",
    ):
        assert not host.is_file(path)
        assert not host.is_folder(path)
        with pytest.raises(InvalidPathError):
            host.create(path)
