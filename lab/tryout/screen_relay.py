# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real screen of a Wine PC behind a WebSocket, for noVNC (RFB, RFC 6143).

x11vnc serves one reader on a socket that it inherits, so it listens nowhere: without the page's token nothing reaches
the screen.
"""

from __future__ import annotations

import asyncio
import os
import socket as sockets
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

from lab.computer import LabError
from lab.tryout.relaying import close, messages, until_one_ends

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from lab.wine.display import Display

PROTOCOL = "binary"
"""The name of RFB in a WebSocket (websockify)."""
PORTION = 65536
PATIENCE, FOCUS_SECONDS = 5.0, 0.5
OPTIONS = [
    "-inetd",
    "-nopw",
    "-shared",
    "-quiet",
    "-nosel",
    "-noxdamage",
    "-nocursorshape",
    "-o",
    "/dev/null",
]
"""-noxdamage: Xvfb reports changes of Wine's windows late. -nosel: no clipboard crosses over."""


async def relay_screen(socket: WebSocket, display: Display) -> None:
    """Relay one reader of a Wine PC's screen until either side goes."""
    await socket.accept(subprotocol=PROTOCOL if PROTOCOL in socket.scope.get("subprotocols", []) else None)
    ours, server = _start(display.name)
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        await until_one_ends(_out(socket, reader), _in(socket, writer), _keep_focus(display))
    finally:
        writer.close()
        server.kill()
        await asyncio.to_thread(server.wait, PATIENCE)
    await close(socket)


def _start(display: str) -> tuple[sockets.socket, subprocess.Popen[bytes]]:
    """Start x11vnc for one reader; return our end of its socket, and the process."""
    ours, theirs = sockets.socketpair()
    with theirs:
        server = subprocess.Popen(
            ["x11vnc", "-display", display, *OPTIONS],
            stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL, start_new_session=True,
            env={"PATH": os.environ["PATH"], "HOME": os.devnull, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
    return ours, server


async def _keep_focus(display: Display) -> None:
    """Let keys arrive also after a window has closed, and after a restart."""
    while True:
        # While the PC is off there is no desktop.
        with suppress(LabError, subprocess.SubprocessError):
            await asyncio.to_thread(display.focus)
        await asyncio.sleep(FOCUS_SECONDS)


async def _out(socket: WebSocket, reader: asyncio.StreamReader) -> None:
    while content := await reader.read(PORTION):
        await socket.send_bytes(content)


async def _in(socket: WebSocket, writer: asyncio.StreamWriter) -> None:
    async for message in messages(socket):
        writer.write(message.get("bytes") or b"")
        await writer.drain()
