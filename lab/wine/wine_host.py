# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Wine PC behind the lab's WinRM server: its files, and its programs run by Wine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from lab.wsman.host import InvalidPathError, LocalHost

from .prefix import environment
from .wine_program import WineProgram

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.wsman.local_program import Program

_SYSTEM = "C:\\Windows\\System32\\"


@dataclass(frozen=True)
class WineHost(LocalHost):
    """Drive C: is Wine's; every `.exe` on it is a program, in addition to `programs`."""

    kind: ClassVar[type[Program]] = WineProgram

    def _program(self, program: str) -> Sequence[str] | None:
        known = super()._program(program)
        if known is not None:
            return known
        # Wine finds its own programs by name; the files in system32 are only placeholders.
        if program.lower().startswith(_SYSTEM.lower()):
            return ("wine", program[len(_SYSTEM) :])
        try:
            file = self.locate(program)
        except InvalidPathError:
            return None
        return ("wine", os.fspath(file)) if file.is_file() and file.suffix.lower() == ".exe" else None


def wine_host(
    prefix: Path, passwords: Mapping[str, str], programs: Mapping[str, Sequence[str]] | None = None
) -> WineHost:
    """Return the host of a prefix, with the accounts that may connect and the lab's programs."""
    drive = prefix / "C"
    if not drive.is_symlink():
        drive.symlink_to("drive_c", target_is_directory=True)
    return WineHost(
        root=prefix, programs=programs or {}, passwords=passwords, environment=environment(prefix)
    )
