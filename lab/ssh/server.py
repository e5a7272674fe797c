# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SSH service of one computer: starts an sshd for each connection, and runs its commands.

`serve` is made for a process of its own that leads a process group: the sshds and the programs of
commands belong to this group, so a power cut kills one group.
"""

from __future__ import annotations

import contextlib
import selectors
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.ssh.defaultshell import DefaultShell
from lab.ssh.files import ADDRESS, SshFiles, make_files, sshd
from lab.ssh.ssh_command import SshCommand

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from lab.wsman.host import Host

BACKLOG = 128


@dataclass(frozen=True)
class SshConfig:
    """The configuration of a server; it can be pickled if the host can.

    `user`: the Windows account of every client. `port`: 0 takes a free one. `orphans`: whether a command
    outlives its lost connection.
    """

    host: Host
    user: str
    shell: DefaultShell
    files: SshFiles
    port: int = 0
    orphans: bool = False


class SshServer:
    """A listening server. Its constructor binds the port; then call `run`."""

    def __init__(self, config: SshConfig) -> None:
        """Raises OSError: the port is taken; SshMissingError: OpenSSH is not installed."""
        self._config = config
        self._sshd = sshd()
        self._clients = socket.create_server((ADDRESS, config.port), backlog=BACKLOG)
        make_files(config.files, self.port)
        config.files.socket.unlink(missing_ok=True)
        self._commands = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._commands.bind(str(config.files.socket))
        self._commands.listen(BACKLOG)
        self._wake, self._woken = socket.socketpair()
        self._running: list[subprocess.Popen[bytes]] = []
        self._ended = False

    @property
    def port(self) -> int:
        """The TCP port that it listens on."""
        return int(self._clients.getsockname()[1])

    def run(self) -> None:
        """Serve until `stop`; then end every sshd and thereby every command."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._clients, selectors.EVENT_READ, self._connect)
            selector.register(self._commands, selectors.EVENT_READ, self._command)
            selector.register(self._woken, selectors.EVENT_READ, self._end)
            while not self._ended:
                for key, _ in selector.select():
                    key.data()
        self._close()

    def _end(self) -> None:
        self._ended = True

    def _connect(self) -> None:
        """Start an sshd for one client. A listening sshd would leave our process group."""
        self._running = [process for process in self._running if process.poll() is None]
        client, _ = self._clients.accept()
        files = self._config.files
        with client:
            command = [self._sshd, "-i", "-f", str(files.configuration), "-E", str(files.log)]
            self._running.append(
                subprocess.Popen(
                    command, stdin=client.fileno(), stdout=client.fileno(), stderr=subprocess.DEVNULL
                )
            )

    def _command(self) -> None:
        relay, _ = self._commands.accept()
        threading.Thread(target=self._run_command, args=(relay,), name="command", daemon=True).start()

    def _run_command(self, relay: socket.socket) -> None:
        config = self._config
        with relay:
            SshCommand(relay, config.host, config.user, config.shell, orphans=config.orphans).run()

    def _close(self) -> None:
        for process in self._running:
            process.terminate()
        for process in self._running:
            process.wait()
        for end in (self._clients, self._commands, self._wake, self._woken):
            end.close()
        self._config.files.socket.unlink(missing_ok=True)

    def stop(self) -> None:
        """End `run`. May be called from a signal handler, from any thread, and twice."""
        with contextlib.suppress(OSError):
            self._wake.send(b"\0")


def serve(config: SshConfig, report: Callable[[int], object] | None = None) -> None:
    """Serve until SIGTERM. `report` is called with the port once connections are accepted.

    Raises OSError: the port is taken. Call it in the main thread of a process of its own.
    """
    server = SshServer(config)

    def end(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001
        server.stop()

    signal.signal(signal.SIGTERM, end)
    if report is not None:
        report(server.port)
    server.run()
