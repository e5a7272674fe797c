# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests' own program, seen from Python: the stand-in for the agent."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from agent.native import provider_registration
from lab.wine.logon_ui import end
from lab.wine.wine_pc import WinePC
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol.logon_messages import AnyLogonRequest, LogonAnswer

FOLDER = r"C:\lab"
DLL_PATH = rf"{FOLDER}\latchkey_credential_provider.dll"
AGENT = rf"{FOLDER}\fake_agent.exe"

CHANGE_PASSWORD, CREDUI, PLAP = 3, 4, 5
"""CREDENTIAL_PROVIDER_USAGE_SCENARIO (credentialprovider.h)."""
NOT_FINISHED = 0
"""CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE (credentialprovider.h)."""
E_NOTIMPL, E_INVALIDARG = "0x80004001", "0x80070057"


def register(pc: WinePC) -> None:
    """Write the installer's registry values, and install the service."""
    pc.run("install", program=AGENT)
    lines = ["Windows Registry Editor Version 5.00"]
    for value in provider_registration.values(DLL_PATH):
        name = f'"{value.name}"' if value.name else "@"
        text = value.text.replace("\\", "\\\\")
        lines += [rf"[HKEY_LOCAL_MACHINE\{value.key}]", f'{name}="{text}"']
    pc.path(r"C:\lab\provider.reg").write_text("\r\n".join([*lines, ""]), encoding="utf-16")
    pc.run("/S", r"C:\lab\provider.reg", program="regedit")


@contextmanager
def uninstalled(pc: WinePC) -> Iterator[None]:
    """Let there be no service of the agent's name for a while."""
    pc.run("remove", program=AGENT)
    try:
        yield
    finally:
        pc.run("install", program=AGENT)


class FakeAgent:
    """A process that serves the logon pipe as a test says; with `service`, the service of the agent's name."""

    def __init__(self, pc: WinePC, *, service: bool = True, listening: bool = True) -> None:
        self._pc = pc
        self._service = service
        self._listening = listening
        self._plain: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(30)
            self._start(str(listener.getsockname()[1]))
            self._link, _ = listener.accept()
        self._link.settimeout(30)
        self._lines = self._link.makefile("rb")
        if self._listening:
            self.command("event", "create")
            self.command("listen")
        return self

    def _start(self, port: str) -> None:
        if self._service:
            self._pc.run("start", port, program=AGENT)
        else:
            self._plain = self._pc.start("plain", port, program=AGENT)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The process ends when its connection does.
        self._lines.close()
        self._link.close()
        if self._plain is not None:
            end(self._plain)

    def command(self, *words: object) -> dict[str, Any]:
        """Give one command; return the answer."""
        self._link.sendall(" ".join(map(str, words)).encode() + b"\n")
        fields: dict[str, Any] = json.loads(self._lines.readline() or b"{}")
        return fields

    def on(self, verb: str, data: bytes | bytearray, *, how: str = "send", delay: int = 0) -> None:
        """Set the answer to each request of a verb.

        Args:
            verb: `peek`, `redeem` or `report`.
            data: the bytes to send; may be empty.
            how: `send` and wait for the client to hang up, `drip` byte by byte, `close` after sending.
            delay: milliseconds before anything is sent.
        """
        self.command("on", verb, how, delay, bytes(data).hex())

    def has_permit(self, answer: LogonAnswer, password: bytearray | None = None) -> None:
        """Answer as the agent does when there is a permit, and set its event."""
        self.on("peek", frames.encode(codec.encode_logon(answer)))
        self.on("redeem", frames.encode(codec.encode_logon(answer), password or b""))
        self.on("report", frames.encode(codec.encode_logon(LogonAnswer(done=True))))
        self.command("event", "set")

    def has_none(self) -> None:
        """Answer as the agent does when there is no permit."""
        for verb in ("peek", "redeem", "report"):
            self.on(verb, frames.encode(codec.encode_logon(LogonAnswer(done=True))))
        self.command("event", "reset")

    def reset(self) -> bool:
        """Forget the settings and the requests so far; False if the process is gone."""
        try:
            self.has_none()
            return "requests" in self.command("log")
        except OSError:
            return False

    def requests(self) -> list[AnyLogonRequest]:
        """Return the requests since the last call, as the agent decodes them."""
        lines: Iterable[str] = self.command("log")["requests"].splitlines()
        return [codec.decode_logon(bytes.fromhex(line)) for line in lines]


class SharedAgent:
    """A service that serves many tests; one that a test killed is replaced."""

    def __init__(self, pc: WinePC) -> None:
        self._pc = pc
        self._agent: FakeAgent | None = None

    def ready(self) -> FakeAgent:
        """Return the agent as a test expects to find it."""
        if self._agent is not None and not self._agent.reset():
            self.stop()
        if self._agent is None:
            self._agent = FakeAgent(self._pc).__enter__()
            self._agent.has_none()
        return self._agent

    def stop(self) -> None:
        """End the service."""
        if self._agent is not None:
            self._agent.__exit__(None, None, None)
            self._agent = None
