# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs programs as the customer, not elevated, in the customer's Windows session."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pywintypes
import win32api
import win32con
import win32event
import win32file
import win32job
import win32pipe
import win32process

from latchkey_agent import program_text
from latchkey_agent.ports import MOST_OUTPUT, ProgramOrder, ProgramOutput
from latchkey_agent.windows.win32 import limited_token, suspended
from latchkey_agent.windows.win32.failures import doing

if TYPE_CHECKING:
    from collections.abc import Callable

POLL = 0.05
"""Seconds between two looks whether all processes of a job have ended."""
ENDED_BY_US = 1
"""The exit code of processes that the agent ends."""
OEM = "oem"
"""Python's name of the system's OEM code page."""


class WindowsPrograms:
    """Implements ports.Programs."""

    def __init__(self, token_of: Callable[[int, str], int] = limited_token.of_session) -> None:
        """Use this way to a token.

        Args:
            token_of: returns the token for a session and the SID of its account; raises PortError.
        """
        self._token_of = token_of

    def prepare(self, order: ProgramOrder) -> RunningProgram:
        """Create the process suspended, in a job that ends with the agent's handle.

        Raises:
            PortError: Windows refuses; the text has its reason.
        """
        token = self._token_of(order.session_id, order.account.sid)
        job = _job()
        with doing("preparing the streams of a program"):
            nothing: Any = win32file.CreateFile(
                "NUL", win32con.GENERIC_READ, win32con.FILE_SHARE_READ | win32con.FILE_SHARE_WRITE,
                None, win32con.OPEN_EXISTING, 0, None,
            )  # fmt: skip
            pipes: list[Any] = [win32pipe.CreatePipe(None, 0) for _ in range(2)]  # type: ignore[arg-type]
            ends = [nothing, *(writer for _, writer in pipes)]
            for handle in ends:
                win32api.SetHandleInformation(
                    handle, win32con.HANDLE_FLAG_INHERIT, win32con.HANDLE_FLAG_INHERIT
                )
        streams = suspended.Streams(*(int(handle) for handle in ends))
        try:
            made = suspended.create(token, order.program, order.command_line, order.folder, streams)
        finally:
            # The program has its own handles now. The pipes end with the last of them.
            for handle in ends:
                win32api.CloseHandle(handle)
        program = RunningProgram(made, job, [reader for reader, _ in pipes])
        program.enter()
        return program


def _job() -> int:
    """Return a job whose processes end when its last handle is closed, so also with the agent ("Job Objects").

    JOBOBJECT_BASIC_LIMIT_INFORMATION (Microsoft Learn): without JOB_OBJECT_LIMIT_BREAKAWAY_OK no process leaves the
    job by itself. A process that ends by an unhandled exception shows no window that nobody could close.
    """
    with doing("creating a job"):
        create: Any = win32job.CreateJobObject
        job: int = create(None, "")
        limits = win32job.QueryInformationJobObject(job, win32job.JobObjectExtendedLimitInformation)
        limits["BasicLimitInformation"]["LimitFlags"] = (
            win32job.JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | win32job.JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION
        )
        win32job.SetInformationJobObject(job, win32job.JobObjectExtendedLimitInformation, limits)
    return job


def _owned(handle: int) -> int:
    """Return a handle that is closed with its object."""
    make: Any = pywintypes.HANDLE
    owned: int = make(handle)
    return owned


class RunningProgram:
    """Implements ports.StartedProgram."""

    def __init__(self, made: suspended.Created, job: int, readers: list[int]) -> None:
        self._process = _owned(made.process)
        self._thread = _owned(made.thread)
        self._job = job
        self._streams = [_Stream(reader) for reader in readers]

    def enter(self) -> None:
        """Put the suspended process into its job ("AssignProcessToJobObject function"); end it if that fails."""
        try:
            with doing("putting a program into its job"):
                win32job.AssignProcessToJobObject(self._job, self._process)
        except BaseException:
            win32process.TerminateProcess(self._process, ENDED_BY_US)
            raise

    def resume(self) -> None:
        """Let the first thread run ("ResumeThread function"). Raises PortError."""
        with doing("starting a program"):
            win32process.ResumeThread(self._thread)

    def wait(self, seconds: float) -> int | None:
        """Wait for the process, then for the others of its job. Raises PortError."""
        deadline = time.monotonic() + seconds
        with doing("waiting for a program"):
            ended = win32event.WaitForSingleObject(self._process, max(0, round(seconds * 1000)))
            if ended != win32event.WAIT_OBJECT_0:
                return None
            while self._others_run():
                if time.monotonic() >= deadline:
                    return None
                time.sleep(POLL)
            return int(win32process.GetExitCodeProcess(self._process)) & 0xFFFFFFFF

    def _others_run(self) -> bool:
        """Tell whether a process of the job still runs (JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, Microsoft Learn)."""
        counts = win32job.QueryInformationJobObject(self._job, win32job.JobObjectBasicAccountingInformation)
        return bool(counts["ActiveProcesses"])

    def kill(self) -> None:
        """End all processes of the job ("TerminateJobObject function"). Raises PortError."""
        with doing("ending a program"):
            win32job.TerminateJobObject(self._job, ENDED_BY_US)

    def output(self) -> ProgramOutput:
        """Return the output; its streams have ended with the processes."""
        stdout, stderr = (stream.text() for stream in self._streams)
        return ProgramOutput(stdout, stderr, *(stream.is_cut for stream in self._streams))

    def close(self) -> None:
        """Close all handles. With that of the job its processes end."""
        for handle in (self._thread, self._process, self._job):
            win32api.CloseHandle(handle)


class _Stream:
    """Reads one stream to its end, so that the program never waits for a reader, and keeps the beginning."""

    def __init__(self, reader: int) -> None:
        self._reader = reader
        self._kept = bytearray()
        self.is_cut = False
        self._thread = threading.Thread(target=self._read, name="latchkey-output", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while True:
                _, piece = win32file.ReadFile(self._reader, MOST_OUTPUT)
                room = MOST_OUTPUT - len(self._kept)
                self._kept += piece[:room]
                self.is_cut |= len(piece) > room
        except pywintypes.error:
            # "ReadFile function" (Microsoft Learn): ERROR_BROKEN_PIPE after the last writer has closed its end.
            win32api.CloseHandle(self._reader)

    def text(self) -> str:
        """Return the kept beginning of the stream; wait five seconds at most for the stream's end."""
        self._thread.join(5)
        return program_text.read(bytes(self._kept), OEM, is_cut=self.is_cut)
