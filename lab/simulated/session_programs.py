# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs in the Windows sessions of a simulated PC. Runs on the lab's loop.

Each runs as a real process that leads a session of the lab's own computer. All processes of that session are its tree,
as those of a job are on Windows. It ends with the connection of the agent that prepared it, and with its Windows
session.

A program gets its arguments from the command line, split as Windows' programs do it. A process of the lab's computer
ends with a small code only, so a program writes a larger one into the file that `EXIT_CODE` names.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lab.simulated import argv
from lab.simulated.windows_model import WindowsError
from latchkey_agent import program_text
from latchkey_agent.ports import MOST_OUTPUT, ProgramOutput

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import IO

    from lab.simulated import windows_calls
    from lab.simulated.machine import Machine
    from lab.simulated.session_model import Change, Session

EXIT_CODE = "LAB_EXIT_CODE"
"""The environment variable with the file for an exit code beyond 255."""
POLL = 0.02
"""Seconds between two looks at a tree."""
KILLED = 1
OUTPUT_SECONDS = 5.0
"""Seconds until the readers of an ended tree have its output."""


@dataclass
class _Stream:
    """The beginning of a stream, which a thread reads to its end."""

    kept: bytearray = field(default_factory=bytearray)
    is_cut: bool = False
    thread: threading.Thread | None = None

    def read(self, source: IO[bytes]) -> None:
        def work() -> None:
            with source:
                while piece := source.read1(MOST_OUTPUT):  # type: ignore[attr-defined]
                    room = MOST_OUTPUT - len(self.kept)
                    self.kept += piece[:room]
                    self.is_cut |= len(piece) > room

        self.thread = threading.Thread(target=work, name="lab-output", daemon=True)
        self.thread.start()

    def text(self) -> str:
        if self.thread is not None:
            self.thread.join(OUTPUT_SECONDS)
        return program_text.read(bytes(self.kept), "cp850", is_cut=self.is_cut)


@dataclass
class _Program:
    """One program, prepared or running."""

    session_id: int
    command: list[str]
    code_file: Path
    process: subprocess.Popen[bytes] | None = None
    killed: bool = False
    stdout: _Stream = field(default_factory=_Stream)
    stderr: _Stream = field(default_factory=_Stream)

    def tree(self) -> Iterator[int]:
        """Yield the processes of the tree: all of its leader's session (proc(5), the sixth field of stat)."""
        if self.process is None:
            return
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with suppress(OSError):
                    fields = (
                        (folder / "stat")
                        .read_text(encoding="utf-8", errors="replace")
                        .rpartition(")")[2]
                        .split()
                    )
                    if int(fields[3]) == self.process.pid and fields[0] != "Z":
                        yield int(folder.name)

    def kill(self) -> None:
        self.killed = True
        # A process may start another one between two looks.
        while found := list(self.tree()):
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def code(self) -> int | None:
        """Return the exit code once the whole tree has ended."""
        if self.process is None:
            return KILLED if self.killed else None
        if self.process.poll() is None or any(self.tree()):
            return None
        with suppress(OSError, ValueError):
            return int(self.code_file.read_text(encoding="ascii"))
        return KILLED if self.process.returncode < 0 else self.process.returncode


class SessionPrograms:
    """All programs of one PC's sessions."""

    def __init__(self, machine: Machine, environment: Mapping[str, str]) -> None:
        self._machine = machine
        self._environment = environment
        self._numbers = itertools.count(1)
        self._programs: dict[int, _Program] = {}
        machine.on_session.append(self._session_changed)

    def _session_changed(self, change: Change, session: Session) -> None:
        if change == "signed_out":
            for program in self._programs.values():
                if program.session_id == session.id:
                    program.kill()

    def prepare(self, call: windows_calls.PrepareProgram) -> int:
        """Return the number of a program that may be resumed; raise WindowsError if Windows cannot start it."""
        session = self._machine.windows.sessions.get(call.session_id)
        if session is None or session.account.sid != call.sid:
            raise WindowsError(1008, "An attempt was made to reference a token that does not exist.")
        module = self._machine.settings.programs.get(call.program)
        if module is None:
            raise WindowsError(2, "The system cannot find the file specified.")
        if call.folder and not self._folder(call.folder).is_dir():
            raise WindowsError(267, "The directory name is invalid.")
        _, *arguments = argv.split(call.command_line)
        windows = str(self._machine.pipe("windows"))
        number = next(self._numbers)
        code_file = Path(tempfile.gettempdir()) / f"lab-exit-{os.getpid()}-{id(self)}-{number}"
        command = [sys.executable, "-m", module, windows, *arguments]
        self._programs[number] = _Program(call.session_id, command, code_file)
        self._machine.record(
            "pc", "program_prepared", f"A program is loaded for {session.account.qualified}."
        )
        return number

    def _folder(self, path: str) -> Path:
        return self._machine.drive().joinpath(*path.split("\\")[1:])

    def resume(self, number: int) -> None:
        """Let a program begin."""
        program = self._programs[number]
        program.process = process = subprocess.Popen(
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**self._environment, EXIT_CODE: str(program.code_file)},
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - both are pipes
        assert process.stderr is not None  # noqa: S101
        program.stdout.read(process.stdout)
        program.stderr.read(process.stderr)
        self._machine.record("pc", "program_begun", "A program runs in the customer's session.")

    async def wait(self, number: int, seconds: float) -> int | None:
        """Return the exit code once the program and all that it started have ended; None after so many seconds."""
        program, until = self._programs[number], time.monotonic() + seconds
        while (code := program.code()) is None and time.monotonic() < until:  # noqa: ASYNC110 - no event of the kernel
            await asyncio.sleep(POLL)
        return code

    def kill(self, number: int) -> None:
        """End a program and all that it started."""
        if (program := self._programs.get(number)) is not None:
            program.kill()
            self._machine.record("pc", "program_killed", "A program in the customer's session is ended.")

    def output(self, number: int) -> ProgramOutput:
        """Return the output of a program."""
        program = self._programs[number]
        stdout, stderr = program.stdout, program.stderr
        return ProgramOutput(stdout.text(), stderr.text(), stdout.is_cut, stderr.is_cut)

    def close(self, number: int) -> None:
        """Forget a program; what still runs of it ends."""
        if (program := self._programs.pop(number, None)) is not None:
            program.kill()
            if program.process is not None:
                program.process.wait()
            program.code_file.unlink(missing_ok=True)
