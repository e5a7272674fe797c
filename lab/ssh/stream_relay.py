# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that sshd runs for every command: passes it and its streams to the computer's SSH service.

`python -I -S stream_relay.py SOCKET`. It imports little, because it starts for every command. It is killed
with its sshd, and the service then ends the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal to get when the parent dies."""

LOST = 255
"""The exit code after a lost service; ssh(1) uses it for a lost connection, too."""


def main(path: str) -> int:
    """Relay one command and return its exit code."""
    sshd = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != sshd:
        return LOST
    command = os.environb.get(b"SSH_ORIGINAL_COMMAND", b"")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as service:
        try:
            service.connect(path)
            socket.send_fds(service, [b"\0"], [0, 1, 2])
            service.sendall(command)
            service.shutdown(socket.SHUT_WR)
            # Only the service holds the streams from here: sshd has to see them end while we wait.
            _let_go()
            answer = service.recv(1)
        except OSError:
            return LOST
    return answer[0] if answer else LOST


def _let_go() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
