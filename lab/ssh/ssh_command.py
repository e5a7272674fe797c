# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one command or file transfer of an SSH session; its streams come from the relay."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import threading
from typing import TYPE_CHECKING

from lab.ssh import sftp
from lab.ssh.defaultshell import DefaultShell, read_command
from lab.wsman.winrs import WinrsCommand

if TYPE_CHECKING:
    from lab.wsman.host import Host

PIECE = 65536
POLL_SECONDS = 15.0


class SshCommand:
    """A command that the relay has passed on. `run` blocks until it has ended.

    With `orphans` it ends by itself alone, also after its client is gone.
    """

    def __init__(
        self, relay: socket.socket, host: Host, user: str, shell: DefaultShell, *, orphans: bool = False
    ) -> None:
        self._relay = relay
        self._orphans = orphans
        self._host = host
        self._user = user
        self._shell = shell

    def run(self) -> None:
        """Run the command and send the relay its exit code; end the command if the relay dies."""
        _, streams, _, _ = socket.recv_fds(self._relay, 1, 3)
        if len(streams) != 3:
            return
        asked = self._read_text()
        try:
            code = self._transfer(streams) if asked == sftp.PROGRAM else self._command(asked, streams)
        finally:
            for stream in streams[1:]:
                os.close(stream)
        if code is not None:
            with contextlib.suppress(OSError):
                self._relay.sendall(bytes([code]))

    def _transfer(self, streams: list[int]) -> int:
        """Transfer files; return the exit code. The transfer ends with its input, which closes when sshd dies."""
        try:
            with os.fdopen(streams[0], "rb") as source, os.fdopen(streams[1], "wb", closefd=False) as target:
                sftp.Sftp(self._host, self._user, source, target).serve()
        except (OSError, struct.error):
            return 1
        return 0

    def _command(self, asked: str, streams: list[int]) -> int | None:
        """Run a command in the account's shell; return the exit code, None if the client is gone."""
        reading = read_command(asked, self._shell)
        code = self._run(WinrsCommand(reading.task, self._host, self._user, has_input=True), streams)
        return None if code is None else reading.exit_code(code)

    def _read_text(self) -> str:
        pieces = iter(lambda: self._relay.recv(PIECE), b"")
        return b"".join(pieces).decode("utf-8", errors="replace")

    def _run(self, command: WinrsCommand, streams: list[int]) -> int | None:
        threading.Thread(target=_feed, args=(command, streams[0]), name="input", daemon=True).start()
        if not self._orphans:
            threading.Thread(target=self._watch, args=(command,), name="watch", daemon=True).start()
        command.start()
        outputs = {"stdout": streams[1], "stderr": streams[2]}
        try:
            return _pass_on(command, outputs)
        except OSError:
            # The client is gone.
            if self._orphans:
                return _pass_on(command, {})
            command.cancel()
            return None

    def _watch(self, command: WinrsCommand) -> None:
        """End the command when the relay dies; the relay dies with its sshd."""
        poll = select.poll()
        poll.register(self._relay, select.POLLHUP)
        with contextlib.suppress(OSError):
            poll.poll()
        command.cancel()


def _feed(command: WinrsCommand, stream: int) -> None:
    with open(stream, "rb", buffering=0) as source:
        while data := source.read(PIECE):
            command.send(data, end=False)
    command.send(b"", end=True)


def _pass_on(command: WinrsCommand, outputs: dict[str, int]) -> int:
    """Write the output of these streams; return the exit code. Raises OSError: a stream is closed."""
    while True:
        output = command.buffer.take("", PIECE, POLL_SECONDS, lambda: True)
        if output is None:
            continue
        for chunk in output.chunks:
            if chunk.stream in outputs:
                _write_all(outputs[chunk.stream], chunk.data)
        if output.done:
            return output.exit_code or 0


def _write_all(stream: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(stream, left) :]
