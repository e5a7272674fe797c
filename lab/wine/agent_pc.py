# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Wine PC with the agent's service installed, and the lab's Windows behind it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from agent.packaging.workshop import WorkError
from latchkey_agent.windows import names

from .wine_calls import PORT_FILE
from .wine_pc import LAB_RUN, WinePC
from .wine_windows import WineWindows

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path
    from types import TracebackType

    from lab.simulated.windows_model import Windows

SERVICE_LOG = "service.log"
"""What the lab's side of the service writes, Wine's event log keeping nothing."""
SYSTEM = "S-1-5-18"
NAME = "import win32api; print(win32api.GetComputerName())"


class Said(NamedTuple):
    """An answer of the agent: its JSON, decoded, and its secret."""

    body: dict[str, Any]
    secret: bytearray


class HungUp(Exception):
    """The agent let go of the client without an answer, or did not let it in; the text says which."""


class Speaker:
    """A program on the PC that speaks with one pipe, as somebody."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def ask(self, secret: bytes | bytearray = b"", /, **message: object) -> Said:
        """Send a message and return the answer.

        Raises:
            HungUp: there was none.
        """
        assert self._process.stdin is not None  # noqa: S101 - it was started with pipes
        assert self._process.stdout is not None  # noqa: S101
        self._process.stdin.write(f"{json.dumps(message)}\t{secret.hex()}\n".encode())
        self._process.stdin.flush()
        line = self._process.stdout.readline().decode().rstrip("\r\n")
        if not line or line.startswith("!"):
            raise HungUp(line[2:] or "the program ended")
        body, _, hidden = line.partition("\t")
        return Said(json.loads(body), bytearray.fromhex(hidden))

    def close(self) -> None:
        """End the program."""
        self._process.communicate(timeout=10)


class Speaking:
    """Has a PC, and programs on it that speak with the agent's pipes."""

    def __init__(self, pc: WinePC) -> None:
        self.pc = pc
        self._speakers: list[Speaker] = []

    def speak(self, pipe: str, sid: str = "", session: int | None = None) -> Speaker:
        """Return a program that speaks with a pipe, as an account in a session; else as an administrator."""
        who = [sid, "-" if session is None else str(session)] if sid else []
        self._speakers.append(Speaker(self.pc.start_module("lab.wine.guest.pipe_client", pipe, *who)))
        return self._speakers[-1]

    def hang_up(self) -> None:
        """End every program that speaks."""
        while self._speakers:
            self._speakers.pop().close()


class WithWindows(Speaking):
    """Has the lab's Windows behind its PC, while that is on."""

    def __init__(self, pc: WinePC) -> None:
        super().__init__(pc)
        self._windows: WineWindows | None = None

    @property
    def windows(self) -> WineWindows:
        """What stands behind the PC for what Wine fakes."""
        if self._windows is None:
            msg = "the PC is not on"
            raise WorkError(msg)
        return self._windows

    @property
    def model(self) -> Windows:
        """Its accounts and sessions."""
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
        self.hang_up()
        self._stack.close()

    @property
    def log(self) -> str:
        """What the service has logged."""
        return self.pc.told(SERVICE_LOG)

    def start_service(self) -> None:
        """Start the service; returns when net.exe does, which under Wine may be before it answers.

        Raises:
            WorkError: it does not start; the text has its log.
        """
        try:
            self.pc.run("start", names.SERVICE, program="net")
        except WorkError as failure:
            msg = f"{failure}\n{self.log}"
            raise WorkError(msg) from None

    def stop_service(self) -> None:
        """Stop the service; returns when Windows says that it has stopped."""
        self.pc.run("stop", names.SERVICE, program="net")

    def restart(self) -> None:
        """Restart the PC as far as Wine can: services stop, everything ends, and it boots again."""
        self.stop_service()
        self.cut_power()

    def cut_power(self) -> None:
        """End everything where it stands, then boot again; the service starts by itself."""
        self.hang_up()
        self.pc.power_off()
        self.windows.boot()
        self.pc.power_on()
