# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""reg.exe and msiexec.exe of a PC that has version 0.5.0 of the agent's package.

An installation ends with the first number of the package's version as exit code. Only NEW is then installed; other
versions change nothing. A package that was damaged on its way to the PC cannot be opened.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab.wsman.host import InvalidPathError, LocalHost
from lab.wsman.local_program import end

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer

SYSTEM = "C:\\Windows\\System32\\"
PROGRAMS = {f"{SYSTEM}{name}": "tests.lab.installer" for name in ("reg.exe", "msiexec.exe")}
"""The setting `programs` of a PC with these programs."""

NEW = "3010.0.0"
CONTENT = bytes(range(256)) * 3000
"""A package that is larger than one message of any connection."""

REASON = "It does not fit."
"""The reason in the log of a failed installation."""

NOT_OPENED = 1619
REGISTRY = """
HKEY_LOCAL_MACHINE\\SOFTWARE\\Latchkey\\Package
    ProductCode    REG_SZ    {{00000000-0000-5000-8000-000000000001}}
    Version    REG_SZ    {version}

"""


def packages(folder: Path, *versions: str) -> None:
    """Write packages of these versions."""
    for version in versions:
        (folder / f"latchkey-agent-{version}-x64.msi").write_bytes(CONTENT)


def prepare(computer: SimulatedComputer) -> None:
    """Write the path of the PC's disk for the programs; their only argument is the socket of its Windows."""
    (computer._pipes / "disk").write_text(str(computer.disk), encoding="utf-8")


class Installer:
    """Windows Installer of one PC."""

    def __init__(self, disk: Path) -> None:
        self._disk = LocalHost(root=disk, programs={}, passwords={})
        self._installed = disk.with_name("installed")

    def run(self, arguments: list[str]) -> int:
        """Answer the query, install or remove; return the exit code."""
        match arguments:
            case ["query", _]:
                return self._query()
            case ["/i", package, "/l*v", log, "/qn", "/norestart"]:
                return self._install(package, log)
            case ["/x", _, "/l*v", _, "/qn", "/norestart"]:
                self._installed.write_text("", encoding="ascii")
                return 0
        raise ValueError(arguments)

    def _query(self) -> int:
        version = self._installed.read_text(encoding="ascii") if self._installed.exists() else "0.5.0"
        sys.stdout.write(REGISTRY.format(version=version) if version else "")
        return int(not version)

    def _install(self, package: str, log: str) -> int:
        named = re.search(r"latchkey-agent-((\d+)\.\d+\.\d+)-x64", package)
        if named is None or not self._arrived(package):
            return NOT_OPENED
        if named[1] == NEW:
            self._installed.write_text(NEW, encoding="ascii")
        else:
            with self._disk.create(log) as file:
                file.write(f"Product: Latchkey agent -- {REASON}\r\n".encode("utf-16"))
        return int(named[2])

    def _arrived(self, package: str) -> bool:
        try:
            return self._disk.read(package, 0, 2 * len(CONTENT)) == CONTENT
        except (OSError, InvalidPathError):
            return False


if __name__ == "__main__":
    disk = Path(sys.argv[1]).with_name("disk")
    end(Installer(Path(disk.read_text(encoding="utf-8"))).run(sys.argv[2:]))
