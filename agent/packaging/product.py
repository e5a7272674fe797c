# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that is installed: the trimmed runtime, the agent, the provider, the licences."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from agent.native import build as native

from . import launcher, leftout
from .artefacts import LINUX_PYTHON, unpacked
from .bytecode import compile_tree
from .runtime import PYWIN32_LEFT_OUT, WHEELS, remove, runtime
from .workshop import ROOT, fingerprint, made_once

AGENT = ROOT / "agent" / "src" / "latchkey_agent"
LIBRARY = "python313.zip"
FORWARDER = "python3.dll"
PROVIDER = native.DLL
SEARCH_PATH = (LIBRARY, "lib", ".", "packages", r"packages\win32", r"packages\win32\lib")
NOT_DELIVERED = ("*.c", "*.h", "*.po", "*.pot", "*.pyi", "__pycache__", "py.typed", "schema.json")
NOTICES = Path(__file__).with_name("notices.txt")


def lay_out(target: Path, version: str, provider: Path | None) -> None:
    """Lay out everything that is installed in a new folder.

    Args:
        target: the folder.
        version: the product's, as `1.2.3`.
        provider: the credential provider's DLL; None leaves it out.

    Raises:
        WorkError: a part cannot be had or made.
    """
    shutil.copytree(_compiled_runtime(), target)
    add_agent(target / "packages" / AGENT.name)
    launcher.build(target / launcher.PROGRAM, version)
    if provider is not None:
        shutil.copy2(provider, target)
    add_licences(target / "licences")


def _compiled_runtime() -> Path:
    """Return the trimmed runtime in byte code; it changes seldom and takes longest."""
    here = Path(__file__)
    parts = (here, here.with_name("leftout.py"), here.with_name("bytecode.py"), str(runtime()))
    return made_once("trimmed", fingerprint(*parts), _trim)


def _trim(target: Path) -> None:
    shutil.copytree(runtime(), target, ignore=shutil.ignore_patterns(*NOT_DELIVERED, "*.dist-info", "*.data"))
    _drop(target / "lib", leftout.names(leftout.STANDARD_LIBRARY))
    _drop(target, leftout.names(leftout.PYWIN32))
    _drop(target / "packages" / "win32", leftout.names(leftout.PYWIN32) | {"License"})
    _drop(target / "packages" / "win32" / "lib", leftout.names(leftout.PYWIN32))
    remove(target, ("python.exe", WHEELS))
    remove(target / "packages", (*leftout.CFFI, *PYWIN32_LEFT_OUT))
    compile_tree(target)
    _zip_library(target)
    (target / "python313._pth").write_text("\r\n".join(SEARCH_PATH) + "\r\n", encoding="ascii")


def _drop(folder: Path, names: frozenset[str]) -> None:
    remove(folder, tuple(entry.name for entry in folder.iterdir() if entry.name.partition(".")[0] in names))


def _zip_library(target: Path) -> None:
    """Move the byte code of the standard library into one file, which is faster to install and to scan.

    Stored, not deflated: the installer compresses it, and Python imports it sooner.
    """
    library = target / "lib"
    with zipfile.ZipFile(target / LIBRARY, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(library.rglob("*.pyc")):
            member = zipfile.ZipInfo(file.relative_to(library).as_posix())
            archive.writestr(member, file.read_bytes())
    for entry in [path for path in library.iterdir() if path.suffix not in {".dll", ".pyd"}]:
        remove(library, (entry.name,))


def add_agent(target: Path) -> None:
    """Put the agent into a new folder, in byte code.

    Raises:
        WorkError: a file is no Python.
    """
    shutil.copytree(AGENT, target, ignore=shutil.ignore_patterns(*NOT_DELIVERED))
    compile_tree(target)


def add_licences(target: Path) -> None:
    """Put the licence of everything that is delivered into a new folder.

    Raises:
        WorkError: CPython's cannot be had.
    """
    target.mkdir()
    shutil.copyfile(ROOT / "LICENSE", target / "Latchkey.txt")
    shutil.copyfile(NOTICES, target / "notices.txt")
    shutil.copyfile(unpacked(LINUX_PYTHON) / "lib" / "python3.13" / "LICENSE.txt", target / "CPython.txt")
    for metadata in sorted((runtime() / "packages").glob("*.dist-info")):
        name = metadata.name.partition("-")[0]
        for part in ("licenses", "sboms"):
            for file in sorted((metadata / part).rglob("*")):
                if file.is_file():
                    shutil.copyfile(file, target / "-".join((name, *file.relative_to(metadata / part).parts)))
