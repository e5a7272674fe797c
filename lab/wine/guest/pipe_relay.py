# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Relays a pipe of the agent to the loopback interface: `pipe_relay PIPE [SID SESSION]`.

It prints its port. Each connection there becomes one to the pipe, under that account or
without a claim; it passes frames both ways until one side disconnects. It ends with its
standard input.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress

from lab.simulated.wire import SocketStream, Token
from lab.wine.wine_calls import Claim
from latchkey_agent import stream
from latchkey_agent.protocol.frames import FrameError, wipe

from .lab_link import LabLink
from .manager import connect


def main(pipe: str, *who: str) -> None:
    """Relay until standard input ends."""
    if who:
        sid, session = who
        LabLink().ask(Claim(os.getpid(), Token(sid, int(session) if session != "-" else None)), None)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_accept, args=(listener, pipe), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    sys.stdin.read()


def _accept(listener: socket.socket, pipe: str) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_relay, args=(connection, pipe), daemon=True).start()


def _relay(connection: socket.socket, pipe: str) -> None:
    with suppress(OSError, FrameError), connection, connect(pipe) as agent:
        while _exchange(SocketStream(connection), agent):
            pass


def _exchange(client: stream.Stream, agent: stream.Stream) -> bool:
    asked = stream.read_frame(client)
    if asked is None or not _pass_on(asked.body, asked.secret, agent):
        return False
    answer = stream.read_frame(agent)
    return answer is not None and _pass_on(answer.body, answer.secret, client)


def _pass_on(body: bytes, secret: bytearray, target: stream.Stream) -> bool:
    try:
        stream.write_frame(target, body, secret)
    finally:
        wipe(secret)
    return True


if __name__ == "__main__":
    main(*sys.argv[1:])
