# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Wine prefix, made once: Wine's Windows 10 with the delivered runtime.

Facts about Wine 8.0 (Debian 12):

- without `wineserver -w` before the copy of a prefix, its latest settings are lost;
- Wine 8.0 has no bcryptprimitives.dll, which the wheel of cryptography imports;
  the stand-in forwards its one export, ProcessPrng, to SystemFunction036
  (RtlGenRandom, ntsecapi.h). It belongs to the lab and is not in the package.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from agent.packaging.announcing import announce
from agent.packaging.artefacts import pins
from agent.packaging.forwarder import make_forwarder
from agent.packaging.runtime import runtime, unpack_wheels
from agent.packaging.workshop import ROOT, fingerprint, made_once, run

from .addresses import keep_in_place

CACHE = ROOT / "build" / "wine"
TEST_PINS = "windows-test"
"""The group of `pyproject.toml` whose wheels the tests need on Windows."""

PROGRAM_FILES = Path("drive_c/Program Files/Latchkey")
PROGRAM_DATA = Path("drive_c/ProgramData/Latchkey")
LAB = Path("drive_c/lab")
SYSTEM = Path("drive_c/windows/system32")
SCREEN = "1024x768"
"""The size of a Wine PC's screen, if it has one."""
SERVICE_START_TIMEOUT = "50000"
"""Milliseconds that Wine waits for a started service to connect to its service control manager."""


def environment(prefix: Path) -> dict[str, str]:
    """Return the environment of every Wine program of this prefix.

    It is built from nothing: no variable of the caller's environment reaches the PC
    or its services. It also turns off random addresses (see `addresses`).
    """
    keep_in_place()
    return {
        "HOME": str(prefix),
        "LANG": "C.UTF-8",
        "PATH": os.environ["PATH"],
        # The same zone as the lab's simulated PCs; Wine translates it to Windows' name.
        "TZ": "Europe/Berlin",
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
        "WINEPREFIX": str(prefix),
    }


def template() -> Path:
    """Return the prefix that every Wine PC is a copy of; make it if necessary.

    Raises:
        WorkError: Wine could not make it.
    """
    key = fingerprint(run(["wine", "--version"]), runtime().name, pins(TEST_PINS), Path(__file__))
    return made_once("prefix", key, _make, CACHE)


def _make(target: Path) -> None:
    announce("making a Windows for Wine, with the delivered Python", 30)
    environ = environment(target)
    target.mkdir()
    run(["wine", "wineboot", "--init"], environment=environ)
    run(["wine", "winecfg", "-v", "win10"], environment=environ)
    _patient_services(environ)
    _virtual_desktop(environ)
    _own_folders(target / "drive_c" / "users")
    _install_runtime(target)
    run(["wineserver", "-w"], environment=environ)


def _patient_services(environ: dict[str, str]) -> None:
    # Windows gives a service 30 s to connect (ServicesPipeTimeout), Wine 10 s: too few on a busy computer.
    control = r"HKLM\System\CurrentControlSet\Control"
    _add_value(environ, control, "ServicesPipeTimeout", SERVICE_START_TIMEOUT)


def _virtual_desktop(environ: dict[str, str]) -> None:
    # With a screen, all windows and the taskbar are in one window, which gets the keys;
    # without this desktop every window would need a window manager.
    for key, name, value in (
        (r"HKCU\Software\Wine\Explorer", "Desktop", "Default"),
        (r"HKCU\Software\Wine\Explorer\Desktops", "Default", SCREEN),
    ):
        _add_value(environ, key, name, value)


def _add_value(environ: dict[str, str], key: str, name: str, value: str) -> None:
    run(["wine", "reg", "add", key, "/v", name, "/d", value, "/f"], environment=environ)


def _own_folders(users: Path) -> None:
    # Wine links Desktop, Documents and other folders to the folders of the user who runs it.
    for link in [path for path in users.rglob("*") if path.is_symlink()]:
        link.unlink()
        link.mkdir()


def _install_runtime(prefix: Path) -> None:
    stand_in = prefix / SYSTEM / "bcryptprimitives.dll"
    if not stand_in.exists():
        make_forwarder(stand_in, {"ProcessPrng": "ADVAPI32.SystemFunction036"})
    shutil.copytree(runtime(), prefix / PROGRAM_FILES)
    (prefix / PROGRAM_DATA).mkdir(parents=True)
    unpack_wheels(TEST_PINS, prefix / LAB / "packages")
    compiled(
        prefix, r"C:\Program Files\Latchkey\lib", r"C:\Program Files\Latchkey\packages", r"C:\lab\packages"
    )


def compiled(prefix: Path, *folders: str) -> None:
    """Compile the delivered Python files below these Windows folders.

    Python never compares this byte code with its source, and a service of the
    system never writes byte code (`-B`).
    """
    python = prefix / PROGRAM_FILES / "python.exe"
    run(
        [
            "wine",
            python,
            "-I",
            "-m",
            "compileall",
            "-q",
            "--invalidation-mode",
            "unchecked-hash",
            "-x",
            "win32more",
            *folders,
        ],
        environment=environment(prefix),
    )
