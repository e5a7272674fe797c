# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of an agent's pipe under some account: `pipe_client PIPE [SID SESSION]`.

A line of standard input is a message: the body, a tab, the secret, both in
hexadecimal digits. A line of standard output is its answer in the same form, or
`!` and the reason for a missing answer. Only the tests' canary passwords pass through here.
"""

from __future__ import annotations

import os
import sys

from lab.simulated.wire import Token
from lab.wine.wine_calls import Claim
from latchkey_agent import stream
from latchkey_agent.protocol.frames import FrameError
from latchkey_agent.windows.pipes import client_stream

from .lab_link import LabLink


def main(pipe: str, *who: str) -> None:
    """Answer lines until standard input ends."""
    if who:
        sid, session = who
        LabLink().ask(Claim(os.getpid(), Token(sid, int(session) if session != "-" else None)), None)
    for line in sys.stdin:
        body, _, secret = line.rstrip("\r\n").partition("\t")
        print(_exchange(pipe, bytes.fromhex(body), bytes.fromhex(secret)), flush=True)


def _exchange(pipe: str, body: bytes, secret: bytes) -> str:
    try:
        with client_stream.connect(rf"\\.\pipe\{pipe}") as connection:
            stream.write_frame(connection, body, secret)
            answer = stream.read_frame(connection)
    except (OSError, FrameError) as fault:
        return f"! {fault}"
    if answer is None:
        return "! hung up"
    return f"{answer.body.hex()}\t{answer.secret.hex()}"


if __name__ == "__main__":
    main(*sys.argv[1:])
