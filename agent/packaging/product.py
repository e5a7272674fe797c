# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lays out the folder to install: the trimmed runtime, the agent, the provider and the licences.

Every import searches the module path, and every folder and file access costs
time. The path therefore has few entries, and every module that can be imported
from an archive is in one.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent.native import build as native
from latchkey_agent.windows import names

from . import launcher, leftout
from .announcing import announce
from .artefacts import LINUX_PYTHON, unpacked
from .bytecode import compile_tree
from .runtime import PYWIN32_LEFT_OUT, WHEELS, remove, runtime
from .workshop import ROOT, fingerprint, made_once

if TYPE_CHECKING:
    from collections.abc import Iterable

AGENT = ROOT / "agent" / "src" / "latchkey_agent"
LIBRARY = "python313.zip"
AGENT_ARCHIVE = names.AGENT_ARCHIVE
FORWARDER = "python3.dll"
PROVIDER = native.DLL
SEARCH_PATH = (LIBRARY, AGENT_ARCHIVE, "lib")
NOT_DELIVERED = ("*.c", "*.h", "*.po", "*.pot", "*.pyi", "__pycache__", "py.typed", "schema.json")
NOTICES = Path(__file__).with_name("notices.txt")


def lay_out(target: Path, version: str, provider: Path | None) -> None:
    """Lay out all files to install in a new folder.

    Args:
        target: the folder to create.
        version: the product's version, as `1.2.3`.
        provider: the credential provider's DLL; None leaves it out.

    Raises:
        WorkError: a part cannot be downloaded or built.
    """
    shutil.copytree(_compiled_runtime(), target)
    add_agent(target / AGENT_ARCHIVE)
    launcher.build(target / launcher.PROGRAM, version)
    if provider is not None:
        shutil.copy2(provider, target)
    add_licences(target / "licences")


def _compiled_runtime() -> Path:
    """Return the trimmed runtime in byte code. It is cached, because it takes longest and rarely changes."""
    here = Path(__file__)
    parts = (here, here.with_name("leftout.py"), here.with_name("bytecode.py"), str(runtime()))
    return made_once("trimmed", fingerprint(*parts), _trim)


def _trim(target: Path) -> None:
    announce("trimming the delivered Python, and compiling it to byte code", 10)
    shutil.copytree(runtime(), target, ignore=shutil.ignore_patterns(*NOT_DELIVERED, "*.dist-info", "*.data"))
    _drop(target / "lib", leftout.names(leftout.STANDARD_LIBRARY))
    _drop(target, leftout.names(leftout.PYWIN32))
    _drop(target / "packages" / "win32", leftout.names(leftout.PYWIN32) | {"License"})
    _drop(target / "packages" / "win32" / "lib", leftout.names(leftout.PYWIN32))
    remove(target, ("python.exe", WHEELS))
    remove(target / "packages", (*leftout.CFFI, *PYWIN32_LEFT_OUT))
    for folder in ("packages/win32/lib", "packages/win32", "packages"):
        _merge(target / folder, target / "lib")
    compile_tree(target)
    _archive_library(target / "lib", target / LIBRARY)
    (target / "python313._pth").write_text("\r\n".join(SEARCH_PATH) + "\r\n", encoding="ascii")


def _drop(folder: Path, names: frozenset[str]) -> None:
    remove(folder, tuple(entry.name for entry in folder.iterdir() if entry.name.partition(".")[0] in names))


def _merge(folder: Path, library: Path) -> None:
    """Move all entries into the folder of modules; raises shutil.Error if a name exists there."""
    for entry in sorted(folder.iterdir()):
        shutil.move(entry, library)
    folder.rmdir()


def _archive_library(library: Path, target: Path) -> None:
    """Move modules without DLLs into an archive. Python cannot import a DLL from an archive."""
    pure = tuple(entry.name for entry in library.iterdir() if not _has_program(entry))
    files = [file for file in library.rglob("*.pyc") if file.relative_to(library).parts[0] in pure]
    _archive(target, library, files)
    remove(library, pure)


def _has_program(entry: Path) -> bool:
    return any(file.suffix in {".dll", ".pyd"} for file in (entry, *entry.rglob("*")))


def _archive(target: Path, root: Path, files: Iterable[Path]) -> None:
    """Put files into an archive under their paths relative to a folder.

    The files are stored uncompressed: the installer compresses the archive, and Python imports from it faster.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in sorted(files):
            archive.writestr(zipfile.ZipInfo(file.relative_to(root).as_posix()), file.read_bytes())


def add_agent(target: Path) -> None:
    """Write the agent's byte code and data into a new archive.

    Raises:
        WorkError: a file is not valid Python.
    """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        shutil.copytree(AGENT, root / AGENT.name, ignore=shutil.ignore_patterns(*NOT_DELIVERED))
        compile_tree(root)
        _archive(target, root, (file for file in root.rglob("*") if file.is_file()))


def add_licences(target: Path) -> None:
    """Copy the licences of all delivered parts into a new folder.

    Raises:
        WorkError: CPython, which contains its licence, cannot be downloaded.
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
