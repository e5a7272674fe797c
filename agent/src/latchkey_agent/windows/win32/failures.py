# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns Windows' errors into PortError."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import pywintypes

from latchkey_agent.ports import PortError


def refused(action: str, code: int) -> PortError:
    """Return the error for a failed action, with Windows' own text for its code.

    Args:
        action: the action that failed, such as "creating the event X".
        code: the Windows error code.
    """
    error = PortError(f"{action} failed: {ctypes.FormatError(code).strip()} (Windows error {code})")
    error.code = code
    return error


@contextmanager
def doing(action: str) -> Iterator[None]:
    """Turn a Windows error that pywin32 or Python reports into a PortError.

    Args:
        action: the action in the context, such as "creating the event X"; part of the error's text.

    Raises:
        PortError: the action failed.
    """
    try:
        yield
    except pywintypes.error as fault:
        raise refused(action, fault.winerror) from None
    except OSError as fault:
        raise refused(action, fault.winerror or fault.errno or 0) from None


def check(succeeded: int, action: str) -> None:
    """Raise PortError with the thread's last error if a function of `api` failed.

    Args:
        succeeded: the function's result; 0 means failure.
        action: the action, such as "creating the icon"; part of the error's text.

    Raises:
        PortError: the function failed.
    """
    if not succeeded:
        raise refused(action, ctypes.get_last_error())
