# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""reg.exe and msiexec.exe of a PC that has version 0.5.0 of the agent's package.

An installation ends with the first number of the package's version as exit code. Only NEW is then installed; other
versions change nothing. A package that was damaged on its way to the PC cannot be opened.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

from lab.simulated.programs import windows_installer
from lab.simulated.programs.windows_installer import NOT_OPENED, NOT_RUN, programs

if TYPE_CHECKING:
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer

MODULE = "tests.lab.installer"
USUAL: dict[str, Any] = {"programs": programs(MODULE)}
"""The settings of a PC with these programs at the usual places."""

ELSEWHERE: dict[str, Any] = {
    "programs": programs(MODULE, r"D:\WINNT\Sysnative"),
    "variables": {
        "SystemRoot": "D:\\WINNT",
        "ProgramFiles": "E:\\Programme (x86)",
        "ProgramW6432": "E:\\Programme",
        "PROCESSOR_ARCHITEW6432": "AMD64",
    },
}
"""The settings of a PC with Windows on another drive, whose operator has a 32-bit PowerShell."""

WITHOUT_INSTALLER: dict[str, Any] = {"programs": {r"C:\Windows\System32\reg.exe": MODULE}}
"""The settings of a PC on which msiexec.exe may not be run."""

DENIED = "FEHLER: Zugriff verweigert"
"""The words of reg.exe while it is forbidden."""

NEW = "3010.0.0"
CONTENT = bytes(range(256)) * 3000
"""A package that is larger than one message of any connection."""

REASON = "It does not fit."
"""The reason in the log of a failed installation."""


def packages(folder: Path, *versions: str) -> None:
    """Write packages of these versions."""
    for version in versions:
        (folder / f"latchkey-agent-{version}-x64.msi").write_bytes(CONTENT)


def forbid_registry(computer: SimulatedComputer) -> None:
    """Let reg.exe fail, as for an account that may not read the registry."""
    computer.disk.with_name("forbidden").touch()


def allow_registry(computer: SimulatedComputer) -> None:
    """Let reg.exe answer again."""
    computer.disk.with_name("forbidden").unlink()


class Installer(windows_installer.Installer):
    """Windows Installer of one PC."""

    at_first = "0.5.0"

    def __init__(self, disk: Path) -> None:
        super().__init__(disk)
        self._forbidden = disk.with_name("forbidden")

    def query(self, key: str) -> int:
        """Print a key as reg.exe does, unless it is forbidden."""
        if self._forbidden.exists():
            sys.stderr.write(f"{DENIED}\r\n")
            return NOT_RUN
        return super().query(key)

    def install(self, package: str, log: str) -> int:
        """End with the first number of the version; write the log of a refusal."""
        named = re.search(r"latchkey-agent-((\d+)\.\d+\.\d+)-x64", package)
        if named is None or self.content(package) != CONTENT:
            return NOT_OPENED
        if named[1] == NEW:
            self.version = NEW
        else:
            with self.files.create(log) as file:
                file.write(f"Produkt: Latchkey agent -- {REASON}\r\n".encode("utf-16"))
        return int(named[2])


if __name__ == "__main__":
    windows_installer.main(Installer, *sys.argv[1:])
