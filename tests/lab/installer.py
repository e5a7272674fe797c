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
from typing import TYPE_CHECKING, Any

from lab.wsman.host import InvalidPathError, LocalHost
from lab.wsman.local_program import end

if TYPE_CHECKING:
    from lab.simulated.simulated_pc import SimulatedComputer

MODULE = "tests.lab.installer"
USUAL: dict[str, Any] = {
    "programs": {rf"C:\Windows\System32\{name}": MODULE for name in ("reg.exe", "msiexec.exe")}
}
"""The settings of a PC with these programs at the usual places."""

ELSEWHERE: dict[str, Any] = {
    "programs": {rf"D:\WINNT\Sysnative\{name}": MODULE for name in ("reg.exe", "msiexec.exe")},
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

NOT_FOUND = "FEHLER: Der angegebene Registrierungsschl\u00fcssel bzw. Wert wurde nicht gefunden."
"""The words of reg.exe for a missing key on a German Windows."""

NOT_OPENED = 1619
TOP = """
HKEY_LOCAL_MACHINE\\SOFTWARE\\Classes
HKEY_LOCAL_MACHINE\\SOFTWARE\\Microsoft
"""
VENDOR = """
HKEY_LOCAL_MACHINE\\SOFTWARE\\Latchkey\\Package
"""
PACKAGE = """
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


def forbid_registry(computer: SimulatedComputer) -> None:
    """Let reg.exe fail, as for an account that may not read the registry."""
    computer.disk.with_name("forbidden").touch()


def allow_registry(computer: SimulatedComputer) -> None:
    """Let reg.exe answer again."""
    computer.disk.with_name("forbidden").unlink()


class Installer:
    """Windows Installer of one PC."""

    def __init__(self, disk: Path) -> None:
        self._disk = LocalHost(root=disk, programs={}, passwords={})
        self._installed = disk.with_name("installed")
        self._forbidden = disk.with_name("forbidden")

    def run(self, arguments: list[str]) -> int:
        """Answer the query, install or remove; return the exit code."""
        match arguments:
            case ["query", key, "/reg:64"]:
                return self._query(key)
            case ["/i", package, "/l*v", log, "/qn", "/norestart"]:
                return self._install(package, log)
            case ["/x", _, "/l*v", _, "/qn", "/norestart"]:
                self._installed.write_text("", encoding="ascii")
                return 0
        raise ValueError(arguments)

    def _query(self, key: str) -> int:
        """Print a key as reg.exe does; its exit code and its stream are the same for every fault."""
        version = self._installed.read_text(encoding="ascii") if self._installed.exists() else "0.5.0"
        keys = {r"HKLM\SOFTWARE": TOP}
        if version:
            keys[r"HKLM\SOFTWARE"] += "HKEY_LOCAL_MACHINE\\SOFTWARE\\Latchkey\n"
            keys[r"HKLM\SOFTWARE\Latchkey"] = VENDOR
            keys[r"HKLM\SOFTWARE\Latchkey\Package"] = PACKAGE.format(version=version)
        if self._forbidden.exists() or key not in keys:
            sys.stderr.write(f"{DENIED if self._forbidden.exists() else NOT_FOUND}\r\n")
            return 1
        sys.stdout.write(keys[key])
        return 0

    def _install(self, package: str, log: str) -> int:
        named = re.search(r"latchkey-agent-((\d+)\.\d+\.\d+)-x64", package)
        if named is None or not self._arrived(package):
            return NOT_OPENED
        if named[1] == NEW:
            self._installed.write_text(NEW, encoding="ascii")
        else:
            with self._disk.create(log) as file:
                file.write(f"Produkt: Latchkey agent -- {REASON}\r\n".encode("utf-16"))
        return int(named[2])

    def _arrived(self, package: str) -> bool:
        try:
            return self._disk.read(package, 0, 2 * len(CONTENT)) == CONTENT
        except (OSError, InvalidPathError):
            return False


if __name__ == "__main__":
    disk = Path(sys.argv[1]).with_name("disk")
    end(Installer(Path(disk.read_text(encoding="utf-8"))).run(sys.argv[2:]))
