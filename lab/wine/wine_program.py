# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program of a Wine PC, run for somebody who reads what it says to its end."""

from __future__ import annotations

import io
import select
from typing import IO, TYPE_CHECKING, cast

from lab.wsman.local_program import Program

from .addresses import keep_in_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from _typeshed import WriteableBuffer as Buffer

SILENCE = 0.5
"""Seconds without a word after which it is seen whether the program has ended."""


class WineProgram(Program):
    """Its outputs end with it.

    Wine's desktop is started by the first program that needs it and inherits that program's
    streams: without this their end would come when the PC goes off.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        keep_in_place()
        super().__init__(command, environment)
        self.stdout, self.stderr = (_until_its_end(pipe, self) for pipe in (self.stdout, self.stderr))


def _until_its_end(pipe: IO[bytes] | None, program: Program) -> IO[bytes] | None:
    return cast("IO[bytes]", _Output(pipe, program)) if pipe else None


class _Output(io.RawIOBase):
    """What a program says, until it has ended and says no more."""

    def __init__(self, pipe: IO[bytes], program: Program) -> None:
        self._pipe = pipe
        self._program = program

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read what there is; nothing at the end."""
        while not self._says_something(SILENCE):
            # What it said last may have come since.
            if self._program.poll() is not None and not self._says_something(0):
                return 0
        target = memoryview(buffer)
        data = self._pipe.read(target.nbytes)
        target[: len(data)] = data
        return len(data)

    def _says_something(self, within: float) -> bool:
        return bool(select.select([self._pipe], [], [], within)[0])

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()
        super().close()
