# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creates a suspended process as another account, which inherits exactly the handles that it is given.

Python and pywin32 create processes as another account only without a list of handles: such a process would inherit
every inheritable handle of the agent.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import win32con
import win32profile

from . import api
from .failures import check

EXTENDED_STARTUPINFO_PRESENT = 0x00080000
PROC_THREAD_ATTRIBUTE_HANDLE_LIST = 0x00020002
"""Both from the pages "Process Creation Flags" and "UpdateProcThreadAttribute function" (Microsoft Learn)."""
DESKTOP = r"winsta0\default"
"""The customer's own desktop ("CreateProcessAsUserW function", Microsoft Learn): a window would appear there."""


class Streams(NamedTuple):
    """Three inheritable handles: standard input, output and error."""

    stdin: int
    stdout: int
    stderr: int


class Created(NamedTuple):
    """The handles of a process and of its first thread, which has not run yet."""

    process: int
    thread: int


@contextmanager
def _handle_list(handles: Sequence[int]) -> Iterator[Any]:
    """Provide a list of attributes with the handles to inherit ("UpdateProcThreadAttribute function", Microsoft Learn).

    The first call of InitializeProcThreadAttributeList only tells the size of the list.
    """
    size = ctypes.c_size_t()
    api.InitializeProcThreadAttributeList(None, 1, 0, ctypes.byref(size))
    attributes = ctypes.create_string_buffer(size.value)
    action = "listing the handles of a program"
    check(api.InitializeProcThreadAttributeList(attributes, 1, 0, ctypes.byref(size)), action)
    try:
        values = (api.HANDLE * len(handles))(*handles)
        check(
            api.UpdateProcThreadAttribute(
                attributes,
                0,
                PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
                values,
                ctypes.sizeof(values),
                None,
                None,
            ),
            action,
        )
        yield attributes
    finally:
        api.DeleteProcThreadAttributeList(attributes)


@contextmanager
def _environment(token: int) -> Iterator[int | None]:
    """Provide the environment of a token's account ("CreateEnvironmentBlock function", Microsoft Learn)."""
    block = ctypes.c_void_p()
    found = api.CreateEnvironmentBlock(ctypes.byref(block), int(token), 0)
    check(found, "reading the account's environment")
    try:
        yield block.value
    finally:
        api.DestroyEnvironmentBlock(block)


def create(token: int, program: str, line: str, folder: str, streams: Streams) -> Created:
    """Create a process without a window of a console; its first thread is suspended.

    "CreateProcessAsUserW function", "STARTUPINFOEXW structure" and "Process Creation Flags" (Microsoft Learn). It needs
    SeIncreaseQuotaPrivilege and SeAssignPrimaryTokenPrivilege.

    Args:
        token: the primary token of the account.
        program: the full path.
        line: the command line.
        folder: the working folder; empty for the account's profile.
        streams: the handles that the process inherits, and no others.

    Raises:
        PortError: Windows refuses.
    """
    where = folder or win32profile.GetUserProfileDirectory(token)
    startup = api.StartupInfoEx()
    startup.info.size = ctypes.sizeof(startup)
    startup.info.desktop = DESKTOP
    startup.info.flags = win32con.STARTF_USESTDHANDLES | win32con.STARTF_FORCEOFFFEEDBACK
    startup.info.stdin, startup.info.stdout, startup.info.stderr = streams
    flags = (
        EXTENDED_STARTUPINFO_PRESENT
        | win32con.CREATE_UNICODE_ENVIRONMENT
        | win32con.CREATE_SUSPENDED
        | win32con.CREATE_NO_WINDOW
    )
    made = api.ProcessInformation()
    # Windows may write into the command line.
    text = ctypes.create_unicode_buffer(line)
    with _environment(token) as environment, _handle_list(streams) as attributes:
        startup.attributes = ctypes.addressof(attributes)
        is_made = api.CreateProcessAsUserW(
            int(token), program, text, None, None, 1, flags, environment, where, ctypes.byref(startup),
            ctypes.byref(made),
        )  # fmt: skip
        check(is_made, f"starting {program}")
    return Created(made.process, made.thread)
