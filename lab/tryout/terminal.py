# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shell of the player behind a WebSocket: bytes of the terminal one way, keys and sizes the other way."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

from lab.process_tree import kill_tree
from lab.tryout.relaying import close, messages, until_one_ends

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.websockets import WebSocket

PORTION = 65536
LONGEST = 100_000
"""Characters of one message: a pasted playbook fits."""
COLUMNS, ROWS = (20, 500), (5, 200)
SHELL = ("bash", "--noprofile", "--norc", "-i")
PROMPT = r"\[\e[1m\]lab\[\e[0m\]:\W$ "
LEADER = Path(__file__).with_name("terminal_leader.py")


async def serve_terminal(socket: WebSocket, folder: Path, environment: Mapping[str, str]) -> None:
    """Run one shell in a folder until it ends or the page goes; then end all its programs."""
    await socket.accept()
    try:
        master, shell = _start(folder, environment)
    except OSError as fault:
        await socket.send_bytes(f"The terminal cannot start: {fault.strerror}: {fault.filename}\r\n".encode())
        await socket.close()
        return
    try:
        await until_one_ends(_read(socket, master), _write(socket, master))
    finally:
        # First: closed, the terminal would end the shell, and its programs could not be found any more.
        # Workers of ansible-playbook would not notice a hang-up.
        await asyncio.to_thread(kill_tree, shell)
        os.close(master)
    await close(socket)


def _start(folder: Path, environment: Mapping[str, str]) -> tuple[int, subprocess.Popen[bytes]]:
    """Start the shell; return the terminal's end for us, which does not block, and the shell."""
    master, slave = os.openpty()
    try:
        shell = subprocess.Popen(
            [sys.executable, LEADER, *SHELL],
            cwd=folder, env=_environment(environment), stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
    except OSError:
        os.close(master)
        raise
    finally:
        os.close(slave)
    os.set_blocking(master, False)
    return master, shell


def _environment(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {
        name: os.environ[name]
        for name in ("HOME", "USER", "LOGNAME", "TMPDIR", "SHELL")
        if name in os.environ
    }
    return {**kept, **environment, "TERM": "xterm-256color", "PS1": PROMPT, "HISTFILE": ""}


async def _read(socket: WebSocket, master: int) -> None:
    """Send the terminal's bytes to the page."""
    ready, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(master, ready.set)
    try:
        while True:
            await ready.wait()
            ready.clear()
            try:
                content = os.read(master, PORTION)
            except BlockingIOError:
                continue
            except OSError:
                # Linux' way to say that the shell has closed the terminal (pty(7)).
                return
            await socket.send_bytes(content)
    finally:
        loop.remove_reader(master)


async def _write(socket: WebSocket, master: int) -> None:
    """Pass the page's keys and sizes on to the terminal. Skip other messages."""
    async for message in messages(socket):
        await _obey(message.get("text") or "", master)


async def _obey(text: str, master: int) -> None:
    try:
        order = json.loads(text[:LONGEST])
    except ValueError:
        return
    match order:
        case {"type": "input", "data": str(data)}:
            await _type(master, data.encode("utf-8", "surrogatepass"))
        case {"type": "resize", "columns": int(columns), "rows": int(rows)}:
            size = struct.pack("HHHH", _within(rows, *ROWS), _within(columns, *COLUMNS), 0, 0)
            fcntl.ioctl(master, termios.TIOCSWINSZ, size)
        case _:
            pass


async def _type(master: int, content: bytes) -> None:
    while content:
        try:
            content = content[os.write(master, content) :]
        except BlockingIOError:
            # The program in the terminal does not read at this moment.
            await asyncio.sleep(0.02)


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
