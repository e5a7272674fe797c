# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a program of the computer on this machine."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXIT_CODE = "LAB_EXIT_CODE"
"""The environment variable that holds a file descriptor: a program may write its exit code there in digits."""


class Program(subprocess.Popen[bytes]):
    """A process with pipes. Its exit code may have 32 bits, as on Windows; on Linux it has only eight."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        source, sink = os.pipe()
        # A child of the program may live on and keep the other end open.
        os.set_blocking(source, False)
        self._code_source: int | None = source
        self._exit_code: int | None = None
        try:
            super().__init__(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**environment, EXIT_CODE: str(sink)},
                pass_fds=(sink,),
            )
        except BaseException:
            os.close(source)
            raise
        finally:
            os.close(sink)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; return the exit code that it has written, or else its own."""
        code = super().wait(timeout)
        if self._code_source is not None:
            self._exit_code = _number(self._code_source)
            os.close(self._code_source)
            self._code_source = None
        return code if self._exit_code is None else self._exit_code


def _number(source: int) -> int | None:
    try:
        return int(os.read(source, 10))
    except (BlockingIOError, ValueError):
        return None


def end(code: int) -> NoReturn:
    """End this program with a 32-bit exit code of Windows."""
    os.write(int(os.environ[EXIT_CODE]), str(code).encode())
    raise SystemExit(min(code, 255))
