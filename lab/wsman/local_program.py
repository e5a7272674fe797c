# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A program of the computer, run by this machine."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EXIT_CODE = "LAB_EXIT_CODE"
"""The environment variable with the file descriptor to which a program may write its exit code in digits."""


class Program(subprocess.Popen[bytes]):
    """A process with pipes. Its exit code may have 32 bits, as on Windows, where Linux has eight of them."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        told, tell = os.pipe()
        # Whatever the program starts may live on with the other end open.
        os.set_blocking(told, False)
        self._told: int | None = told
        self._exit_code: int | None = None
        try:
            super().__init__(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**environment, EXIT_CODE: str(tell)},
                pass_fds=(tell,),
            )
        except BaseException:
            os.close(told)
            raise
        finally:
            os.close(tell)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, and give the exit code that it has told, or else its own."""
        code = super().wait(timeout)
        if self._told is not None:
            self._exit_code = _number(self._told)
            os.close(self._told)
            self._told = None
        return code if self._exit_code is None else self._exit_code


def _number(told: int) -> int | None:
    try:
        return int(os.read(told, 10))
    except (BlockingIOError, ValueError):
        return None


def end(code: int) -> None:
    """End this program with an exit code of Windows."""
    os.write(int(os.environ[EXIT_CODE]), str(code).encode())
    raise SystemExit(min(code, 255))
