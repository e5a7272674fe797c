# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""reg.exe and msiexec.exe of a PC on which the agent's package is installed.

A package whose file has arrived is installed; its version is the one in its name. The agent stays the lab's own.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import NoReturn

from lab.wsman.host import InvalidPathError, LocalHost
from lab.wsman.local_program import end
from latchkey_agent import __version__

DISK_NOTE = "disk"
"""The file beside the socket of the PC's Windows that names the folder of its disk."""
MODULE = "lab.simulated.programs.windows_installer"
NAMES = ("reg.exe", "msiexec.exe")
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
NOT_FOUND = "FEHLER: Der angegebene Registrierungsschl\u00fcssel bzw. Wert wurde nicht gefunden."
"""The words of reg.exe for a missing key on a German Windows."""
NOT_OPENED = 1619
NOT_RUN = 1
_NAMED = re.compile(r"latchkey-agent-(\d+\.\d+\.\d+)-x64")


def programs(module: str = MODULE, folder: str = r"C:\Windows\System32") -> dict[str, str]:
    """Return both programs for `Settings.programs`."""
    return {rf"{folder}\{name}": module for name in NAMES}


class Installer:
    """Windows Installer of one PC, and its registry. `disk` is the folder of the PC's disk."""

    at_first = __version__
    """The version that is installed at first."""

    def __init__(self, disk: Path) -> None:
        self.files = LocalHost(root=disk, programs={}, passwords={})
        self._installed = disk.with_name("installed")

    @property
    def version(self) -> str:
        """The installed version; empty if there is none."""
        return self._installed.read_text(encoding="ascii") if self._installed.exists() else self.at_first

    @version.setter
    def version(self, version: str) -> None:
        self._installed.write_text(version, encoding="ascii")

    def run(self, arguments: list[str]) -> int:
        """Answer the query, install or remove; return the exit code."""
        match arguments:
            case ["query", key, "/reg:64"]:
                return self.query(key)
            case ["/i", package, "/l*v", log, "/qn", "/norestart"]:
                return self.install(package, log)
            case ["/x", _, "/l*v", _, "/qn", "/norestart"]:
                self.version = ""
                return 0
        raise ValueError(arguments)

    def query(self, key: str) -> int:
        """Print a key as reg.exe does; its exit code and its stream are the same for every fault."""
        keys = {r"HKLM\SOFTWARE": TOP}
        if self.version:
            keys[r"HKLM\SOFTWARE"] += "HKEY_LOCAL_MACHINE\\SOFTWARE\\Latchkey\n"
            keys[r"HKLM\SOFTWARE\Latchkey"] = VENDOR
            keys[r"HKLM\SOFTWARE\Latchkey\Package"] = PACKAGE.format(version=self.version)
        if key not in keys:
            sys.stderr.write(f"{NOT_FOUND}\r\n")
            return NOT_RUN
        sys.stdout.write(keys[key])
        return 0

    def install(self, package: str, log: str) -> int:
        """Install a package; return the exit code. `log`: the path for the reason of a refusal."""
        named = _NAMED.search(package)
        if named is None or not self.content(package):
            return NOT_OPENED
        self.version = named[1]
        return 0

    def content(self, package: str) -> bytes:
        """Return the beginning of a package as it arrived on the PC; empty if it cannot be read."""
        try:
            return self.files.read(package, 0, 2_000_000)
        except (OSError, InvalidPathError):
            return b""


def main(kind: type[Installer], windows: str, *arguments: str) -> NoReturn:
    """Run one of the programs and end with its exit code. `windows`: the socket of the PC's Windows."""
    disk = Path(windows).with_name(DISK_NOTE).read_text(encoding="utf-8")
    end(kind(Path(disk)).run([*arguments]))


if __name__ == "__main__":
    main(Installer, *sys.argv[1:])
