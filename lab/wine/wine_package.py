# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's MSI on a Wine PC: a copy for the lab replaces the parts that Wine cannot run.

| in the package | in the copy | why |
| --- | --- | --- |
| the service's module | the lab's service | Wine fakes some functions (`guest.adapters` lists them) |
| the steps except HardenService | run by `guest.guest_installation` | all files have the same owner |
| the property UPGRADINGPRODUCTCODE | a file of the lab | Wine does not set it |
| the step HardenService | left out | Wine knows none of the settings (Windows error 124) |

Everything else is the package's own: its files, tables, order and conditions.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from agent.packaging.database import Table
from agent.packaging.installer import HOST
from agent.packaging.runtime import runtime
from agent.packaging.workshop import run

from .agent_pc import SERVICE_LOG, WithWindows
from .prefix import compiled
from .wine_calls import PORT_FILE
from .wine_pc import PACKAGED_RUN, WinePC
from .wine_windows import WineWindows

if TYPE_CHECKING:
    from types import TracebackType

_LAB_NEEDS = ("_asyncio.pyd", "_overlapped.pyd", "asyncio")
_MODULES = {
    "latchkey_agent.windows.installation": "lab.wine.guest.guest_installation",
    "latchkey_agent.windows.service": "lab.wine.guest.guest_service",
}


def for_wine(package: Path, target: Path) -> Path:
    """Copy a package of the agent for a Wine PC; return the copy.

    Raises:
        WorkError: the file is not a package of the agent.
    """
    shutil.copyfile(package, target)
    with tempfile.TemporaryDirectory() as folder:
        tables = [
            Table.exported(target, n) for n in ("CustomAction", "ServiceInstall", "InstallExecuteSequence")
        ]
        actions, services, sequence = tables
        for table, column in ((actions, "Target"), (services, "Arguments")):
            for row in table.rows:
                table.put(row, column, _in_the_lab(table.at(row, column)))
        sequence.rows = [row for row in sequence.rows if sequence.at(row, "Action") != "HardenService"]
        imports = [word for table in tables for word in ("-i", table.write(Path(folder)))]
        run(["msibuild", target, *imports])
    return target


def _in_the_lab(arguments: str) -> str:
    for module, ours in _MODULES.items():
        arguments = re.sub(rf"-m {re.escape(module)}\b", lambda _m, m=ours: f"{PACKAGED_RUN} {m}", arguments)  # type: ignore[misc]
    return arguments


class PackagePC(WithWindows):
    """A context manager: a Wine PC that is on, with the lab's Windows behind it and no agent."""

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        """`keep`: keep the disk when the PC is switched off."""
        super().__init__(WinePC(folder))
        self._keep = keep

    def __enter__(self) -> Self:
        self.pc.make()
        self._add_library()
        # Compile with the delivered runtime: the product has no compiler.
        compiled(self.pc.folder, r"C:\lab\library")
        for made in (self.pc.program_files, self.pc.program_data):
            shutil.rmtree(made)
        self.pc.power_on()
        device = self.pc.run("/c", "echo %COMPUTERNAME%", program="cmd").strip()
        self._windows = WineWindows(device).__enter__()
        (self.pc.lab / PORT_FILE).write_text(str(self._windows.port), encoding="ascii")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_clients()
        if self._windows is not None:
            self._windows.__exit__(kind, error, trace)
        self.pc.power_off()
        if not self._keep:
            shutil.rmtree(self.pc.folder)

    def _add_library(self) -> None:
        """Add the libraries that the lab's side needs and the package lacks; the product must not see them."""
        target = self.pc.lab / "library"
        target.mkdir()
        for name in _LAB_NEEDS:
            source = runtime() / "lib" / name
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, target / name)

    @property
    def log(self) -> str:
        """The service's log."""
        return self.pc.lab_file(SERVICE_LOG) or "the service has not logged anything"

    def python(self, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        """Run the installed Python and return its output."""
        return self._ran(self.pc.start("-I", "-B", *arguments, program=self._host))

    @property
    def _host(self) -> Path:
        return self.pc.program_files / HOST

    def msiexec(self, *arguments: str, limit: float = 120.0) -> int:
        """Run Windows Installer silently; return the low byte of its exit code, as Linux keeps no more."""
        process = self.pc.start(*arguments, "/qn", program="msiexec")
        process.communicate(timeout=limit)
        return process.returncode

    def upgrade(self, package: str) -> int:
        """Install a newer package over the installed one; return the exit code."""
        sign = self.pc.lab / "upgrading"
        sign.touch()
        try:
            return self.msiexec("/i", package)
        finally:
            sign.unlink()

    def ctl(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run the installed latchkeyctl.exe and return its output."""
        program = self.pc.program_files / "latchkeyctl.exe"
        return self._ran(self.pc.start(*arguments, program=program), stdin)

    def _ran(
        self, process: subprocess.Popen[bytes], stdin: bytes = b""
    ) -> subprocess.CompletedProcess[bytes]:
        out, err = process.communicate(stdin, timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)
