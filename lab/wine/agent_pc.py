# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Wine PC with the agent's service installed, and the lab's Windows behind it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from agent.packaging.workshop import WorkError
from latchkey_agent.protocol import codec
from latchkey_agent.windows import names

from .wine_calls import PORT_FILE
from .wine_pc import LAB_RUN, WinePC
from .wine_windows import WineWindows

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path
    from types import TracebackType

    from lab.simulated.windows_model import Windows
    from latchkey_agent.protocol.logon_messages import LogonAnswer, LogonRequest

SERVICE_LOG = "service.log"
"""The file of the service's log; Wine's event log stores nothing."""
SYSTEM = "S-1-5-18"
NAME = "import win32api; print(win32api.GetComputerName())"


class AgentAnswer(NamedTuple):
    """An answer of the agent: its JSON, decoded, and its secret."""

    body: dict[str, Any]
    secret: bytearray


class DisconnectedError(Exception):
    """The agent disconnected the client without an answer, or refused it; the text says which."""


class PipeClient:
    """A program on the PC that uses one pipe under some account."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ask(self, secret: bytes | bytearray = b"", /, **message: object) -> AgentAnswer:
        """Send a message and return the answer.

        Raises:
            DisconnectedError: no answer came.
        """
        body, hidden = self._exchange(json.dumps(message).encode(), secret)
        return AgentAnswer(json.loads(body), hidden)

    def ask_logon(self, message: LogonRequest) -> tuple[LogonAnswer, bytearray]:
        """Send a message of the logon pipe; return the answer and the secret.

        Raises:
            DisconnectedError: no answer came.
        """
        body, hidden = self._exchange(codec.encode_logon(message), b"")
        return codec.decode_logon_answer(body), hidden

    def _exchange(self, message: bytes, secret: bytes | bytearray) -> tuple[bytes, bytearray]:
        assert self._process.stdin is not None  # noqa: S101 - the program has pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{message.hex()}\t{secret.hex()}\n".encode())
        self._process.stdin.flush()
        line = self._process.stdout.readline().decode().rstrip("\r\n")
        if not line or line.startswith("!"):
            raise DisconnectedError(line[2:] or "the program ended")
        body, _, hidden = line.partition("\t")
        return bytes.fromhex(body), bytearray.fromhex(hidden)

    def close(self) -> None:
        """End the program."""
        self._process.communicate(timeout=10)


class WithPipeClients:
    """A PC with programs on it that use the agent's pipes."""

    def __init__(self, pc: WinePC) -> None:
        self.pc = pc
        self._clients: list[PipeClient] = []

    def pipe_client(self, pipe: str, sid: str = "", session: int | None = None) -> PipeClient:
        """Return a client of a pipe, for an account in a session; by default for an administrator."""
        who = [sid, "-" if session is None else str(session)] if sid else []
        self._clients.append(PipeClient(self.pc.start_module("lab.wine.guest.pipe_client", pipe, *who)))
        return self._clients[-1]

    def close_clients(self) -> None:
        """End every client program."""
        while self._clients:
            self._clients.pop().close()


class WithWindows(WithPipeClients):
    """A PC with the lab's Windows behind it while it is on."""

    def __init__(self, pc: WinePC) -> None:
        super().__init__(pc)
        self._windows: WineWindows | None = None

    @property
    def windows(self) -> WineWindows:
        """The lab's Windows, which replaces the functions that Wine fakes."""
        if self._windows is None:
            msg = "the PC is not on"
            raise WorkError(msg)
        return self._windows

    @property
    def model(self) -> Windows:
        """The model of its accounts and sessions."""
        return self.windows.model


class AgentPC(WithWindows):
    """A context manager: the PC is on and the service runs inside it; `display` as for `WinePC`."""

    def __init__(self, folder: Path, display: str | None = None) -> None:
        super().__init__(WinePC(folder, display))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as making:
            making.enter_context(self.pc)
            device = self.pc.run("-I", "-B", "-c", NAME).strip()
            self._windows = making.enter_context(WineWindows(device))
            (self.pc.lab / PORT_FILE).write_text(str(self._windows.port), encoding="ascii")
            self.pc.run("-I", "-B", LAB_RUN, "lab.wine.guest.install")
            self.start_service()
            self._stack = making.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_clients()
        self._stack.close()

    @property
    def log(self) -> str:
        """The service's log."""
        return self.pc.lab_file(SERVICE_LOG)

    def start_service(self) -> None:
        """Start the service; return when net.exe does; under Wine the service may answer later.

        Raises:
            WorkError: the service does not start; the text has its log.
        """
        try:
            self.pc.run("start", names.SERVICE, program="net")
        except WorkError as failure:
            msg = f"{failure}\n{self.log}"
            raise WorkError(msg) from None

    def stop_service(self) -> None:
        """Stop the service; return when Windows reports it stopped."""
        self.pc.run("stop", names.SERVICE, program="net")

    def restart(self) -> None:
        """Restart the PC as far as Wine can: stop services, end all programs, boot again."""
        self.stop_service()
        self.cut_power()

    def cut_power(self) -> None:
        """Kill all programs at once, then boot again; the service starts by itself."""
        self.close_clients()
        self.pc.power_off()
        self.windows.boot()
        self.pc.power_on()
