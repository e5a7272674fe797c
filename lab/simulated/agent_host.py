# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process in which the real agent runs on a simulated PC.

It opens the three pipes as Unix sockets, identifies each client, and passes on
Windows' notifications for services. It uses only the agent's public interface.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import selectors
import signal
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from lab.simulated import windows_calls, wire
from lab.simulated.account_model import SYSTEM_SID
from lab.simulated.otherversion import speak
from lab.simulated.remote_ports import LinkedClock, WindowsLink, linked_computer
from latchkey_agent.agent import Agent
from latchkey_agent.handlers.peer import Peer
from latchkey_agent.ports import PortError
from latchkey_agent.protocol.frames import FrameError, wipe

if TYPE_CHECKING:
    from collections.abc import Callable

PIPES = ("control", "customer", "logon")
_logger = logging.getLogger("lab.simulated.agent_host")


@dataclass(frozen=True)
class AgentConfig:
    """The addresses of the agent's PC, as plain data."""

    device: str
    pipes: str
    folder: str
    settings_file: str
    anchor: str
    counter: str
    log: str
    protocol: int | None = None


def run(config: AgentConfig) -> None:
    """Run the agent until Windows shuts down or disappears."""
    logging.basicConfig(filename=config.log, level=logging.INFO, force=True)
    # SIGUSR1 prints the stack of every thread, without any values.
    faulthandler.register(signal.SIGUSR1)
    if config.protocol is not None:
        speak(config.protocol)
    link = WindowsLink(str(Path(config.pipes, "windows")))
    host = AgentHost(config, link)
    try:
        host.serve()
    except (OSError, PortError, FrameError):
        # Windows has disappeared, so the service has no one to report to.
        _logger.info("the PC is gone")
    os._exit(0)


class AgentHost:
    """Connects the agent, its pipes and the PC's Windows."""

    def __init__(self, config: AgentConfig, link: WindowsLink) -> None:
        self._config = config
        self._link = link
        self._clock = LinkedClock()
        self._selector = selectors.DefaultSelector()
        self._notices = self._subscribe()
        computer = linked_computer(
            config.device, link, self._clock, Path(config.anchor), Path(config.counter)
        )
        self.agent = Agent(computer, Path(config.folder), Path(config.settings_file))
        self._serves: dict[str, Callable[[bytes, bytearray, Peer], tuple[bytes, bytearray]]] = {
            "control": lambda body, _, peer: (self.agent.control(body, peer), bytearray()),
            "customer": lambda body, secret, peer: (
                self.agent.customer(body, secret, peer),
                bytearray(),
            ),
            "logon": self._logon,
        }

    def _logon(self, body: bytes, _: bytearray, peer: Peer) -> tuple[bytes, bytearray]:
        reply = self.agent.logon(body, peer)
        return reply.body, reply.secret

    def _subscribe(self) -> socket.socket:
        connection = wire.connect(Path(self._config.pipes, "windows"))
        wire.send(connection, msgspec.json.encode(windows_calls.Subscribe()))
        self._next_notice(connection)
        return connection

    def _next_notice(self, connection: socket.socket) -> str:
        frame = wire.receive(connection)
        if frame is None:
            raise ConnectionResetError
        notice = msgspec.json.decode(frame.body, type=windows_calls.Notice)
        self._clock.set(notice.clock)
        return notice.kind

    def serve(self) -> None:
        """Start the agent, open the pipes, and serve until Windows shuts down."""
        self.agent.start()
        for pipe in PIPES:
            listener = self._listen(pipe)
            self._selector.register(listener, selectors.EVENT_READ, pipe)
        self._selector.register(self._notices, selectors.EVENT_READ)
        # Report ready only now: a client that sees the agent ready then finds its pipes open.
        wire.send(self._notices, b"{}")
        self._link.ask(windows_calls.Ready("agent"), None)
        while self._turn():
            pass

    def _listen(self, pipe: str) -> socket.socket:
        path = Path(self._config.pipes, pipe)
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        listener.listen(64)
        return listener

    def _turn(self) -> bool:
        for key, _ in self._selector.select():
            if key.data is None:
                if not self._handle_notice():
                    return False
            else:
                self._accept(key.fileobj, key.data)  # type: ignore[arg-type]
        return True

    def _handle_notice(self) -> bool:
        kind = self._next_notice(self._notices)
        if kind == "shutdown":
            self.agent.stop()
            return False
        if kind == "sessions_changed":
            self.agent.sessions_changed()
        elif kind == "clock_changed":
            self.agent.clock_changed()
        wire.send(self._notices, b"{}")
        return True

    def _accept(self, listener: socket.socket, pipe: str) -> None:
        connection, _ = listener.accept()
        name = f"{pipe}-client"
        threading.Thread(target=self._client, args=(connection, pipe), name=name, daemon=True).start()

    def _client(self, connection: socket.socket, pipe: str) -> None:
        # A broken client loses only its own connection; the agent keeps running.
        try:
            with connection:
                self._converse(connection, pipe)
        except (OSError, FrameError, PortError, msgspec.MsgspecError) as fault:
            _logger.info("a client of the pipe %s disconnected: %s", pipe, fault)

    def _converse(self, connection: socket.socket, pipe: str) -> None:
        token = wire.receive(connection)
        if token is not None:
            peer = self._peer(msgspec.json.decode(token.body, type=wire.Token))
            while self._answer(connection, pipe, peer):
                pass

    def _peer(self, token: wire.Token) -> Peer:
        question = windows_calls.WhoIs(token.sid, token.session_id)
        who: windows_calls.WhoIsAnswer = self._link.ask(question, windows_calls.WhoIsAnswer)
        return Peer(
            account=who.account,
            session_id=token.session_id,
            operator=who.operator,
            system=token.sid == SYSTEM_SID,
            sid=token.sid,
            administrator=who.administrator,
        )

    def _answer(self, connection: socket.socket, pipe: str, peer: Peer) -> bool:
        frame = wire.receive(connection)
        if frame is None:
            return False
        try:
            body, secret = self._serves[pipe](frame.body, frame.secret, peer)
        finally:
            wipe(frame.secret)
        try:
            wire.send(connection, body, secret)
        finally:
            wipe(secret)
        return True
