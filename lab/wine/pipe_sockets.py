# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pipes of a Wine PC as Unix sockets, as on a simulated PC: for the customer and for the tests' requests.

The logon pipe has no socket: its passwords go only to the credential provider.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from lab.simulated import wire
from lab.wsman.listener import ADDRESS
from latchkey_agent.protocol.frames import FrameError, wipe
from latchkey_agent.windows import names

from .logon_ui import end, streams

if TYPE_CHECKING:
    import subprocess

    from lab.simulated.machine import Machine

    from .installed import InstalledPC

PIPES = {"control": names.PIPE_CONTROL, "customer": names.PIPE_CUSTOMER}


class Relays:
    """Passes frames on, with one program for each account. Runs on the lab's loop."""

    def __init__(self, machine: Machine, pc: InstalledPC) -> None:
        self._machine = machine
        self._pc = pc
        self._ports: dict[tuple[str, wire.Token], asyncio.Task[int | None]] = {}
        self._programs: list[subprocess.Popen[bytes]] = []
        self._serves = True

    def open(self) -> None:
        """Start to serve; the service ends with the machine's tasks."""
        for pipe in PIPES:
            self._machine.tasks.start(self._serve(pipe), f"relay-{pipe}")

    def clear(self) -> None:
        """Forget the programs of the last boot; they were killed with it."""
        self.end_programs()
        self._serves = True

    def end_programs(self) -> None:
        """End the programs, because they lock files of the installed runtime; start none until the next boot."""
        self._serves = False
        self._ports.clear()
        while self._programs:
            program = self._programs.pop()
            streams(program)[0].close()
            end(program)

    async def _serve(self, pipe: str) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
            listener.bind(str(self._machine.pipe(pipe)))
            listener.listen(64)
            while True:
                client, _ = await asyncio.get_running_loop().sock_accept(listener)
                self._machine.tasks.start(self._client(client, pipe), f"relay-{pipe}-client")

    async def _client(self, client: socket.socket, pipe: str) -> None:
        # The PC may go down at any moment; its client then finds the connection closed.
        with client, suppress(OSError, FrameError):
            preamble = await wire.receive_async(client)
            if preamble is None:
                return
            token = msgspec.json.decode(preamble.body, type=wire.Token)
            with await self._connect(pipe, token) as agent:
                while await _exchange(client, agent):
                    pass

    async def _connect(self, pipe: str, token: wire.Token) -> socket.socket:
        port = await asyncio.shield(self._port(pipe, token))
        if port is None:
            raise ConnectionRefusedError
        agent = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        agent.setblocking(False)  # noqa: FBT003 - the standard library's signature
        try:
            await asyncio.get_running_loop().sock_connect(agent, (ADDRESS, port))
        except BaseException:
            agent.close()
            raise
        return agent

    def _port(self, pipe: str, token: wire.Token) -> asyncio.Task[int | None]:
        key = (pipe, token)
        known = self._ports.get(key)
        if known is None or (known.done() and known.result() is None):
            known = self._machine.tasks.follow(self._start(pipe, token), f"relay-{pipe}-start")
            self._ports[key] = known
        return known

    async def _start(self, pipe: str, token: wire.Token) -> int | None:
        """Start a program and return its port, None if it was killed before it printed one.

        Do not start it on a PC that is off: the program would switch the PC on.
        """
        if not (self._serves and self._machine.running and self._machine.ready["agent"].is_set()):
            return None
        session = "-" if token.session_id is None else str(token.session_id)
        who = [] if token.sid == self._machine.operator.account.sid else [token.sid, session]
        program = self._pc.start_module("lab.wine.guest.pipe_relay", PIPES[pipe], *who)
        self._programs.append(program)
        _, output = streams(program)
        line = await asyncio.to_thread(output.readline)
        return int(line) if line else None


async def _exchange(client: socket.socket, agent: socket.socket) -> bool:
    return await _pass_on(client, agent) and await _pass_on(agent, client)


async def _pass_on(source: socket.socket, target: socket.socket) -> bool:
    frame = await wire.receive_async(source)
    if frame is None:
        return False
    try:
        await wire.send_async(target, frame.body, frame.secret)
    finally:
        wipe(frame.secret)
    return True
