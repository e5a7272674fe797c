# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays out the Windows CPython and its packages as the agent uses them, with their sources.

    python.exe  pythonw.exe  python313.dll  python3.dll  python313._pth  *.dll
    lib/        the standard library, without the parts that no program here needs
    packages/   cryptography, msgspec, pywin32

The `._pth` file alone defines the module search path: environment variables,
user folders and the site module have no effect (CPython, "Finding modules").
The artefact lacks python3.dll, which the wheel of cryptography imports (abi3).
This module builds it from the names in libs/python3.lib.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

from .announcing import announce
from .artefacts import PINS, WINDOWS_PYTHON, pins, unpacked, wheels
from .forwarder import import_names, make_forwarder
from .workshop import fingerprint, made_once

SEARCH_PATH = ("lib", ".", "packages", r"packages\win32", r"packages\win32\lib")
WHEELS = "wheels.json"
"""A file beside the packages: the names of the used wheels and their SHA-256."""
BESIDE_THE_EXECUTABLE = ("libffi-8.dll", "vcruntime140.dll", "vcruntime140_1.dll")
LEFT_OUT = (
    "_ctypes_test", "_test", "_tkinter", "ensurepip", "idlelib", "pip", "pydoc_data", "pyshellext", "site-packages",
    "tcl86t", "test", "tk86t", "tkinter", "turtledemo", "venv", "xxlimited",
)  # fmt: skip
"""Entries of the standard library that start with one of these names are left out."""
PYWIN32_LEFT_OUT = (
    "PyWin32.chm", "adodbapi", "isapi", "pythoncom.py", "pythonwin", "pywin32.pth", "pywin32.version.txt", "win32com",
    "win32comext", "win32/Demos", "win32/include", "win32/libs", "win32/scripts", "win32/test",
)  # fmt: skip


def runtime() -> Path:
    """Return the folder of the runtime with the agent's packages. Build it if it is not in the cache.

    Raises:
        WorkError: a download failed, or its hash differs from the pinned one.
    """
    here = Path(__file__)
    parts = (here, here.with_name("forwarder.py"), here.with_name("artefacts.py"), pins(PINS))
    return made_once("runtime", fingerprint(*parts), lay_out)


def lay_out(target: Path) -> None:
    """Lay out the runtime in a new folder.

    Raises:
        WorkError: a download failed, or its hash differs from the pinned one.
    """
    source = unpacked(WINDOWS_PYTHON)
    target.mkdir()
    shutil.copytree(
        source / "lib", target / "lib", ignore=shutil.ignore_patterns(*(f"{n}*" for n in LEFT_OUT))
    )
    for file in (source / "python.exe", source / "bin" / "pythonw.exe", source / "python313.dll"):
        shutil.copy2(file, target)
    for name in BESIDE_THE_EXECUTABLE:
        (target / "lib" / name).rename(target / name)
    (target / "python313._pth").write_text("\r\n".join(SEARCH_PATH) + "\r\n", encoding="ascii")
    names = import_names(source / "libs" / "python3.lib")
    make_forwarder(target / "python3.dll", dict.fromkeys(names, "python313"))
    _add_packages(target)


def _add_packages(target: Path) -> None:
    announce("downloading the packages of the agent", 5)
    packages = target / "packages"
    unpack_wheels(PINS, packages)
    for library in (packages / "pywin32_system32").iterdir():
        library.rename(target / library.name)
    remove(packages, (*PYWIN32_LEFT_OUT, "pywin32_system32"))
    (packages / WHEELS).rename(target / WHEELS)


def unpack_wheels(group: str, target: Path) -> None:
    """Download the wheels for 64-bit Windows of a group and unpack them into a folder.

    Args:
        group: the name of a group of `pyproject.toml`.
        target: the folder to create.

    Raises:
        WorkError: a wheel is not pinned, a download failed, or its hash differs from the pinned ones.
    """
    target.mkdir(parents=True)
    taken = wheels(group, target / ".wheels")
    hashes = {wheel.name: hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in taken}
    (target / WHEELS).write_text(json.dumps(hashes, indent=2), encoding="utf-8")
    for wheel in taken:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    remove(target, (".wheels",))


def remove(folder: Path, names: tuple[str, ...]) -> None:
    """Remove files and folders below a folder. Missing ones are ignored."""
    for name in names:
        found = folder / name
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)
