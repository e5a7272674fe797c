# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client side of the agent's pipes, for latchkeyctl and the companion.

The client checks the server before it sends anything: the server's process
must be the process of the service. The server may identify the client but not
impersonate it (SECURITY_IDENTIFICATION).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, cast

import pywintypes
import win32event
import win32file
import win32pipe
import win32service
import winerror

from latchkey_agent.windows import names

if TYPE_CHECKING:
    from types import TracebackType


SECURITY_SQOS_PRESENT = 0x100000
SECURITY_IDENTIFICATION = 0x10000
READ_AND_WRITE = 0x3
"""FILE_READ_DATA and FILE_WRITE_DATA. GENERIC_WRITE includes rights that `access` does not grant."""
CONNECT_SECONDS = 5.0
"""Seconds to wait for a free instance."""


def service_process() -> int:
    """Return the process id of the running service.

    Raises:
        OSError: the service is not installed, or not running.
    """
    with _as_os_error():
        manager = win32service.OpenSCManager(None, None, win32service.SC_MANAGER_CONNECT)
        service = win32service.OpenService(manager, names.SERVICE, win32service.SERVICE_QUERY_STATUS)
        # The stub declares a sequence, but the function returns a mapping.
        status = cast("dict[str, int]", win32service.QueryServiceStatusEx(service))
    process_id = status["ProcessId"]
    if not process_id:
        msg = f"the service {names.SERVICE} is not running: start it"
        raise ConnectionRefusedError(msg)
    return process_id


class PipeStream:
    """A connection to one pipe of the agent: an unbuffered stream and a context manager.

    Args:
        handle: the handle of the pipe.
        deadline: the time on the monotonic clock, in seconds, at which every transfer must be complete.
    """

    def __init__(self, handle: int, deadline: float) -> None:
        self._handle = handle
        self._deadline = deadline
        self._overlapped = pywintypes.OVERLAPPED()
        self._overlapped.hEvent = win32event.CreateEvent(None, True, False, None)  # noqa: FBT003 - positional in Windows

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def server(self) -> int:
        """The process id of the server; raises OSError."""
        with _as_os_error():
            process_id: int = win32pipe.GetNamedPipeServerProcessId(self._handle)
        return process_id

    def readinto(self, buffer: memoryview, /) -> int:
        """Read into the buffer.

        Returns:
            The number of bytes read; 0 after the agent has closed the connection.

        Raises:
            TimeoutError: the deadline has passed.
            OSError: the pipe failed.
        """
        try:
            return self._transfer(win32file.ReadFile, buffer)
        except BrokenPipeError:
            return 0

    def write(self, data: memoryview, /) -> int:
        """Write data; return the number of bytes written.

        Raises:
            TimeoutError: the deadline has passed.
            OSError: the pipe failed.
        """
        return self._transfer(win32file.WriteFile, data)

    def close(self) -> None:
        """Close the connection."""
        win32file.CloseHandle(self._handle)

    def _transfer(self, start: Callable[..., object], data: memoryview) -> int:
        with _as_os_error():
            start(self._handle, data, self._overlapped)
            timeout_ms = max(0, int((self._deadline - time.monotonic()) * 1000))
            if (
                win32event.WaitForSingleObject(self._overlapped.hEvent, timeout_ms)
                != win32event.WAIT_OBJECT_0
            ):
                win32file.CancelIo(self._handle)
                # Windows may write into `data` until the cancelled transfer completes.
                win32event.WaitForSingleObject(self._overlapped.hEvent, win32event.INFINITE)
                msg = "the agent did not answer in time"
                raise TimeoutError(msg)
            count: int = win32file.GetOverlappedResult(self._handle, self._overlapped, False)  # noqa: FBT003 - positional in Windows
        return count


def connect(name: str, *, server: Callable[[], int] = service_process, limit: float = 90.0) -> PipeStream:
    """Connect to a pipe of the agent.

    Args:
        name: the name of the pipe.
        server: returns the process id that the server must have.
        limit: seconds for the whole exchange over the connection.

    Raises:
        PermissionError: this account may not open the pipe.
        OSError: the agent is not running, all instances stay busy, or the wrong process serves the pipe.
    """
    now = time.monotonic()
    stream = PipeStream(_open(name, now + CONNECT_SECONDS), now + limit)
    try:
        _check(name, stream.server, server())
    except BaseException:
        stream.close()
        raise
    return stream


def _check(name: str, server_process: int, expected: int) -> None:
    if server_process != expected:
        msg = (
            f"{name} is served by process {server_process}, but the service {names.SERVICE} is process "
            f"{expected}: nothing was sent to it; find out which program it is"
        )
        raise ConnectionRefusedError(msg)


def connect_control() -> PipeStream:
    """Connect to the control pipe, for latchkeyctl; see `connect`."""
    return connect(names.PIPE_CONTROL)


@contextmanager
def _as_os_error() -> Iterator[None]:
    try:
        yield
    except pywintypes.error as fault:
        # From Windows' error code Python chooses the right subclass, such as BrokenPipeError.
        raise OSError(None, fault.strerror, None, fault.winerror) from None


def _open(name: str, deadline: float) -> int:
    while True:
        try:
            handle = win32file.CreateFile(
                name,
                READ_AND_WRITE,
                0,
                None,
                win32file.OPEN_EXISTING,
                win32file.FILE_FLAG_OVERLAPPED | SECURITY_SQOS_PRESENT | SECURITY_IDENTIFICATION,
                None,
            )
            return cast("int", handle.Detach())
        except pywintypes.error as fault:
            busy = fault.winerror == winerror.ERROR_PIPE_BUSY
            if not busy or time.monotonic() >= deadline:
                raise _cannot_open(name, fault) from None
        _wait_for_instance(name, deadline)


def _wait_for_instance(name: str, deadline: float) -> None:
    # After a timeout the next attempt to open the pipe fails.
    timeout_ms = max(1, int((deadline - time.monotonic()) * 1000))
    try:
        win32pipe.WaitNamedPipe(name, timeout_ms)
    except pywintypes.error as fault:
        if fault.winerror not in {winerror.ERROR_SEM_TIMEOUT, winerror.ERROR_FILE_NOT_FOUND}:
            raise _cannot_open(name, fault) from None


def _cannot_open(name: str, fault: pywintypes.error) -> OSError:
    sentences = {
        winerror.ERROR_FILE_NOT_FOUND: "the agent is not running",
        winerror.ERROR_ACCESS_DENIED: "this account may not use it",
        winerror.ERROR_PIPE_BUSY: "the agent is busy with other clients",
    }
    return OSError(
        None,
        f"cannot open {name}: {sentences.get(fault.winerror, fault.strerror)}",
        None,
        fault.winerror,
    )
