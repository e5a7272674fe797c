# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
r"""C:\Program Files\Latchkey\latchkeyctl.exe: the real program, over the PC's own control pipe.

Its first two arguments are the PC's: the pipe's socket, and the SID of the
account that the listener has signed in. The rest are the user's.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.simulated import wire
from latchkey_agent.cli import ctl

if TYPE_CHECKING:
    from collections.abc import Iterator


def main(pipe: str, sid: str, *arguments: str) -> int:
    """Run latchkeyctl and return its exit code."""

    @contextmanager
    def connect() -> Iterator[wire.SocketStream]:
        with wire.open_pipe(pipe, wire.Token(sid)) as connection:
            yield wire.SocketStream(connection)

    return ctl.main(arguments, connect=connect)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
