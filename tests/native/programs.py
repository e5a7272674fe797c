# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The harness' programs, seen from Python: the logon screen and the stand-in for the agent."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from agent.native import registration
from lab.wine.pc import WinePC
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol.local import AnyLogonRequest, LogonAnswer

FOLDER = r"C:\lab"
DLL_PATH = rf"{FOLDER}\latchkey_credential_provider.dll"
SCREEN = rf"{FOLDER}\logon_screen.exe"
AGENT = rf"{FOLDER}\fake_agent.exe"

LOGON, UNLOCK, CHANGE_PASSWORD, CREDUI, PLAP = 1, 2, 3, 4, 5
"""CREDENTIAL_PROVIDER_USAGE_SCENARIO (credentialprovider.h)."""
NOT_FINISHED, RETURN_CREDENTIAL = 0, 2
"""CREDENTIAL_PROVIDER_GET_SERIALIZATION_RESPONSE (credentialprovider.h)."""
S_OK, E_NOTIMPL, E_INVALIDARG = "0x00000000", "0x80004001", "0x80070057"

_SCRAMBLE = 0x9E3779B97F4A7C15
_PROTECTION = 0x1000


def register(pc: WinePC) -> None:
    """Write the installer's registry values, and install the service."""
    pc.run("install", program=AGENT)
    lines = ["Windows Registry Editor Version 5.00"]
    for value in registration.values(DLL_PATH):
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


class HarnessError(Exception):
    """A program of the harness ended when it should not have."""


def end(process: subprocess.Popen[bytes]) -> None:
    """Wait for a program that is about to end.

    Not for the end of its output: Wine keeps the pipes open for a second longer.
    """
    process.wait(20)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


class LogonScreen:
    """LogonUI as the harness plays it: one process, which loads the provider through COM."""

    def __init__(self, pc: WinePC) -> None:
        self._process = pc.start(program=SCREEN)
        self.expects_password = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self.send("quit")
        end(self._process)

    def send(self, *words: object) -> None:
        """Give a command without waiting for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Return the answer to the oldest command that has none.

        Raises:
            HarnessError: the program has ended, because the provider brought it down, or holds the password.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        # Wine tells there of a program that did what it must not.
        if not line.startswith(b"{"):
            msg = f"the logon screen ended with {self._process.wait(20)}: {line.decode(errors='replace')}"
            raise HarnessError(msg)
        fields: dict[str, Any] = json.loads(line)
        if fields.get("places", 0) and not self.expects_password:
            msg = f"the password is left in {fields['places']} places of the process"
            raise HarnessError(msg)
        return fields

    def __call__(self, *words: object) -> dict[str, Any]:
        """Give a command and return its answer."""
        self.send(*words)
        return self.answer()

    def begin(self, usage: int = LOGON, *, slot: int = 0, users: Mapping[str, str]) -> None:
        """Create a provider and call it as LogonUI does before it counts credentials.

        `users` maps the SIDs of the tiles to the qualified names that LogonUI knows, "-" for none.
        """
        assert self("create", slot)["led"] == 1
        assert self("use", slot, usage)["hr"] == S_OK
        self("users", slot, *(word for user in users.items() for word in user))
        assert self("advise", slot)["hr"] == S_OK

    def tile(self, slot: int = 0) -> dict[str, Any]:
        """Count credentials until there is one, as LogonUI enumerates again and again.

        On a busy computer an agent may miss the deadline of a peek once; the tile then comes
        with the next enumeration. None comes where the provider has none to show.
        """
        counted = self("count", slot)
        for _ in range(20):
            if counted["count"]:
                break
            counted = self("count", slot)
        return counted

    def end(self, slot: int = 0) -> dict[str, Any]:
        """Let the provider go as LogonUI does; return what it kept of the objects it was given."""
        self("unadvise", slot)
        return self("release", slot)

    def look_for(self, password: bytes | bytearray) -> None:
        """From now on search writable memory for any aligned 8 bytes of the password.

        The search is made after each `serialize`, and by the command `memory`.
        """
        pieces = [int.from_bytes(password[i : i + 8], "little") for i in range(0, len(password) - 7, 8)]
        scrambled = [piece * _SCRAMBLE % 2**64 for piece in pieces]
        self("pieces", *(piece.to_bytes(8, "little").hex() for piece in scrambled))


def unprotect(text: str) -> bytes:
    """Undo what the harness' stand-in for CredProtectW did."""
    raw = text.encode("utf-16-le", "surrogatepass")
    units = (int.from_bytes(raw[i : i + 2], "little") for i in range(0, len(raw), 2))
    return b"".join(((unit - _PROTECTION) % 65536).to_bytes(2, "little") for unit in units)


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
        """Say what to do to each request of a verb.

        Args:
            verb: `peek`, `redeem` or `report`.
            data: what to send; nothing where it is empty.
            how: `send` and wait for the client to hang up, `drip` byte by byte, `close` after sending.
            delay: milliseconds before anything is sent.
        """
        self.command("on", verb, how, delay, bytes(data).hex())

    def has_ticket(self, answer: LogonAnswer, password: bytearray | None = None) -> None:
        """Answer as the agent does when there is a ticket, and set its event."""
        self.on("peek", frames.encode(codec.encode(answer)))
        self.on("redeem", frames.encode(codec.encode(answer), password or b""))
        self.on("report", frames.encode(codec.encode(LogonAnswer(done=True))))
        self.command("event", "set")

    def has_none(self) -> None:
        """Answer as the agent does when there is no ticket."""
        for verb in ("peek", "redeem", "report"):
            self.on(verb, frames.encode(codec.encode(LogonAnswer(done=True))))
        self.command("event", "reset")

    def reset(self) -> bool:
        """Forget what was said and asked; False where the process is gone."""
        try:
            self.has_none()
            return "requests" in self.command("log")
        except OSError:
            return False

    def requests(self) -> list[AnyLogonRequest]:
        """Return what was asked since the last call, as the agent would decode it."""
        lines: Iterable[str] = self.command("log")["requests"].splitlines()
        return [codec.decode_logon(line.encode()) for line in lines]


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
