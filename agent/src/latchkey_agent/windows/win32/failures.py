# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns what Windows refuses into what a port raises."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import pywintypes

from latchkey_agent.ports import PortError


def refused(what: str, code: int) -> PortError:
    """Return the error for `what` (what was tried), with Windows' own text for `code`."""
    return PortError(f"{what} failed: {ctypes.FormatError(code).strip()} (Windows error {code})")


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Raise PortError, naming `what` was tried, when pywin32 or Python reports an error of Windows."""
    try:
        yield
    except pywintypes.error as fault:
        raise refused(what, fault.winerror) from None
    except OSError as fault:
        raise refused(what, fault.winerror or fault.errno or 0) from None


def check(succeeded: int, what: str) -> None:
    """Raise PortError with the thread's last error unless a function of `api` succeeded."""
    if not succeeded:
        raise refused(what, ctypes.get_last_error())
