# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a program of a Wine PC for a caller that reads its output to the end."""

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
"""Seconds without output after which to check whether the program has ended."""


class WineProgram(Program):
    """A program whose outputs end with it.

    The first program that needs Wine's desktop starts it, and the desktop inherits that program's
    streams: without this class they would stay open until the PC goes off.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        keep_in_place()
        super().__init__(command, environment)
        self.stdout, self.stderr = (_until_its_end(pipe, self) for pipe in (self.stdout, self.stderr))


def _until_its_end(pipe: IO[bytes] | None, program: Program) -> IO[bytes] | None:
    return cast("IO[bytes]", _Output(pipe, program)) if pipe else None


class _Output(io.RawIOBase):
    """The output of a program until its end."""

    def __init__(self, pipe: IO[bytes], program: Program) -> None:
        self._pipe = pipe
        self._program = program

    def readable(self) -> bool:
        """Return that the stream is readable."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Read the available bytes; none at the end."""
        while not self._has_output(SILENCE):
            # Its last output may have arrived since.
            if self._program.poll() is not None and not self._has_output(0):
                return 0
        target = memoryview(buffer)
        data = self._pipe.read(target.nbytes)
        target[: len(data)] = data
        return len(data)

    def _has_output(self, within: float) -> bool:
        return bool(select.select([self._pipe], [], [], within)[0])

    def close(self) -> None:
        """Close the pipe."""
        self._pipe.close()
        super().close()
