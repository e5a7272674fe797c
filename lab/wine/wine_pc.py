# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One Wine PC: a copy of the prefix, switched on, used and switched off.

`wineserver -p` keeps the machine on between programs; Debian's wrapper would
otherwise switch it off with the last one. It must start with the null device for all
three streams: the services inherit them, and a pipe's reader would wait forever.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from agent.packaging.installer import HOST
from agent.packaging.workshop import ROOT, WorkError, run

from .prefix import LAB, PROGRAM_DATA, PROGRAM_FILES, SYSTEM, compiled, environment, template
from .wine_calls import MACHINE_KEY_FILE

AGENT_SOURCE = ROOT / "agent" / "src" / "latchkey_agent"
LAB_SOURCE = ROOT / "lab"
LAB_RUN = r"C:\lab\lab\wine\guest\run_module.py"
"""Runs a module of the lab on the delivered runtime."""
PACKAGED_RUN = r"C:\lab\lab\wine\guest\packaged.py"
"""Runs a module of the lab on the runtime that the package has installed."""
_LAB_PARTS = ("__init__.py", "computer.py", "simulated", "wine")
_SHARED = (SYSTEM.parent, PROGRAM_FILES, LAB / "packages")


class WinePC:
    """A Windows PC in a folder of its own; a context manager that leaves no process and no file.

    `display` is the X server of its screen; None: the PC has no screen.
    """

    def __init__(self, folder: Path, display: str | None = None) -> None:
        self.folder = folder
        self._environment = environment(folder) | ({"DISPLAY": display} if display else {})
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.make()
        self.power_on()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.power_off()
        shutil.rmtree(self.folder)

    # --- the disk

    def make(self) -> None:
        """Copy the prefix, and add the agent and the lab's own parts."""
        copy_disk(template(), self.folder)
        shutil.copytree(
            AGENT_SOURCE, self.program_files / "packages" / "latchkey_agent", ignore=_no_byte_code
        )
        self._copy_lab()
        compiled(self.folder, r"C:\Program Files\Latchkey\packages\latchkey_agent", r"C:\lab\lab")

    def _copy_lab(self) -> None:
        for part in _LAB_PARTS:
            source, target = LAB_SOURCE / part, self.lab / "lab" / part
            if source.is_dir():
                shutil.copytree(source, target, ignore=_no_byte_code)
            else:
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(source, target)

    @property
    def program_files(self) -> Path:
        r"""The path of `C:\Program Files\Latchkey` on Linux."""
        return self.folder / PROGRAM_FILES

    @property
    def program_data(self) -> Path:
        r"""The path of `C:\ProgramData\Latchkey` on Linux."""
        return self.folder / PROGRAM_DATA

    @property
    def lab(self) -> Path:
        r"""The path of `C:\lab` on Linux, the folder of the lab's own files."""
        return self.folder / LAB

    def path(self, windows: str) -> Path:
        r"""Return the Linux path of a path on drive C (`C:\folder\file`)."""
        return self.folder / "drive_c" / windows.removeprefix("C:\\").replace("\\", "/")

    def written(self) -> list[Path]:
        """Return every file on the PC's disk that the template does not share."""
        files = (path for path in self.folder.rglob("*") if not path.is_symlink() and path.is_file())
        return sorted(path for path in files if path.stat().st_nlink == 1)

    def lab_file(self, name: str) -> str:
        """Return the text of a file in the lab's folder; empty if there is none."""
        file = self.lab / name
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def put(self, source: Path, windows: str) -> None:
        """Copy a file onto the PC's disk."""
        target = self.path(windows)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)

    def renew_machine_key(self) -> None:
        """Let DPAPI refuse all that it has sealed here, as after a restored profile."""
        (self.lab / MACHINE_KEY_FILE).write_bytes(secrets.token_bytes(32))

    # --- power

    def power_on(self) -> None:
        """Boot the PC; automatic services run when this returns.

        Raises:
            WorkError: Wine does not start.
        """
        if not (self.lab / MACHINE_KEY_FILE).exists():
            self.renew_machine_key()
        self._watch_over()
        for command in (["wineserver", "-p"], ["wine", "cmd", "/c", "exit"]):
            done = subprocess.run(
                command, env=self._environment, check=False,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                # Python ignores SIGXFSZ, and its child has to: a full disk must be an error, not a crash.
                restore_signals=False,
            )  # fmt: skip
            if done.returncode:
                msg = (
                    f"Wine does not start in {self.folder}: {' '.join(command)} ended with {done.returncode}"
                )
                raise WorkError(msg)

    def power_off(self) -> None:
        """End every program of the PC. Wine saves the registry but notifies no service."""
        if self._guard is not None:
            # This closes its standard input and waits for its end.
            self._guard.communicate()
            self._guard = None

    def cut_power(self) -> None:
        """Kill every program of the PC at once; unsaved registry changes are lost."""
        # First kill the processes whose loss would make the others write to the disk.
        for processes in ([p for p in self.processes() if "wineserver" in _name(p)], self.processes()):
            _signal(processes, signal.SIGKILL)
        while left := self.processes():
            _signal(left, signal.SIGKILL)
            time.sleep(0.01)
        self.power_off()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to every program of the PC, but not to the guard that ends it."""
        guard = str(self._guard.pid) if self._guard else ""
        _signal([process for process in self.processes() if process.name != guard], number)

    def processes(self) -> list[Path]:
        """Return the folders below /proc of every program of the PC (proc(5))."""
        # Every program of the PC has its prefix in the environment.
        mark = f"WINEPREFIX={self.folder}".encode()
        return [process for process in Path("/proc").glob("[0-9]*") if mark in _environment_of(process)]

    def service(self) -> Path | None:
        """Return the folder below /proc of the service's process, if it runs."""
        return next((process for process in self.processes() if hosts_service(process)), None)

    def _watch_over(self) -> None:
        # The guard's standard input closes when this process ends, even after a crash.
        self._guard = subprocess.Popen(
            ["sh", "-c", "cat; wineserver -k; exec wineserver -w"], env=self._environment, start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    # --- programs

    def start(self, *arguments: str | Path, program: str | Path | None = None) -> subprocess.Popen[bytes]:
        """Start a program of the PC, by default the delivered Python, with pipes for its streams."""
        return subprocess.Popen(
            ["wine", program or self.program_files / "python.exe", *arguments], env=self._environment, cwd=self.lab,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def start_module(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a module of the lab on the PC's runtime, with pipes for its streams."""
        if (self.program_files / "python.exe").exists():
            return self.start("-I", "-B", LAB_RUN, module, *arguments)
        host = self.program_files / HOST
        return self.start("-I", "-B", PACKAGED_RUN, module, *arguments, program=host)

    def run(self, *arguments: str | Path, program: str | Path | None = None, limit: float = 60.0) -> str:
        """Run a program of the PC to its end and return its output.

        Raises:
            WorkError: it failed, or took longer than `limit` seconds.
        """
        return run(
            ["wine", program or self.program_files / "python.exe", *arguments],
            environment=self._environment, folder=self.lab, limit=limit,
        )  # fmt: skip


def hosts_service(process: Path) -> bool:
    """Tell whether a process, given as its folder below /proc, hosts the agent's service."""
    try:
        return b"lab.wine.guest.guest_service" in (process / "cmdline").read_bytes()
    except OSError:
        # It has ended meanwhile.
        return False


def _environment_of(process: Path) -> list[bytes]:
    try:
        return (process / "environ").read_bytes().split(b"\0")
    except OSError:
        # It has ended meanwhile, or is not ours to look at.
        return []


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text(encoding="utf-8")
    except OSError:
        return ""


def _signal(processes: Iterable[Path], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(int(process.name), number)


def _no_byte_code(_folder: str, names: list[str]) -> set[str]:
    return {name for name in names if name == "__pycache__"}


def copy_disk(source: Path, target: Path) -> None:
    """Copy a PC's disk; what nobody writes in place is shared with the template."""
    shutil.copytree(source, target, symlinks=True, copy_function=_copy_or_link)


def _copy_or_link(source: str, target: str) -> str:
    # 700 MB per PC otherwise.
    if any(str(folder) in source for folder in _SHARED):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)
