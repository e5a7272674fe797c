# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Windows CPython and its packages, laid out as the agent is delivered.

    python.exe  pythonw.exe  python313.dll  python3.dll  python313._pth  *.dll
    lib/        the standard library, less what a service never needs
    packages/   cryptography, msgspec, pywin32

The `._pth` file alone decides where modules come from: no environment
variable, no user's folder and no site module has a say (CPython, "Finding
modules"). Facts of the artefact: its own `lib` and `libs`.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import zipfile
from pathlib import Path

from .tools import ROOT, WineLabError, fingerprint, made_once, run

ARTEFACT = "org.bytedeco:cpython:3.13.5-1.5.12:jar:windows-x86_64"
ARTEFACT_SHA256 = "cfe5502ffa7ea369be707b6d88bf68344732a7800450665080fb4267c01bfeae"
COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
INSIDE = "org/bytedeco/cpython/windows-x86_64"
SEARCH_PATH = ("lib", ".", "packages", r"packages\win32", r"packages\win32\lib")
PINS = ROOT / "requirements" / "windows.txt"
TEST_PINS = ROOT / "requirements" / "windows-test.txt"

_BESIDE_THE_EXECUTABLE = ("libffi-8.dll", "vcruntime140.dll", "vcruntime140_1.dll")
_LEFT_OUT = (
    "_ctypes_test", "_test", "_tkinter", "ensurepip", "idlelib", "pip", "pydoc_data", "pyshellext", "site-packages",
    "tcl86t", "test", "tk86t", "tkinter", "turtledemo", "venv", "xxlimited",
)  # fmt: skip
_PYWIN32_LEFT_OUT = (
    "PyWin32.chm", "adodbapi", "isapi", "pythoncom.py", "pythonwin", "pywin32.pth", "pywin32.version.txt", "win32com",
    "win32comext", "win32/Demos", "win32/include", "win32/libs", "win32/scripts", "win32/test",
)  # fmt: skip


def delivered() -> Path:
    """Return the folder of the runtime with the agent's packages, made if need be.

    Raises:
        WineLabError: a download failed, or is not what is pinned.
    """
    return made_once("runtime", fingerprint(ARTEFACT_SHA256, PINS, Path(__file__)), _lay_out)


def test_packages() -> Path:
    """Return the folder of what tests need inside Windows; it is never delivered."""
    return made_once("tests", fingerprint(TEST_PINS, Path(__file__)), _unpack_test_wheels)


def _lay_out(target: Path) -> None:
    source = _artefact() / INSIDE
    target.mkdir()
    shutil.copytree(
        source / "lib", target / "lib", ignore=shutil.ignore_patterns(*(f"{n}*" for n in _LEFT_OUT))
    )
    for file in (source / "python.exe", source / "bin" / "pythonw.exe", source / "python313.dll"):
        shutil.copy2(file, target)
    for name in _BESIDE_THE_EXECUTABLE:
        (target / "lib" / name).rename(target / name)
    (target / "python313._pth").write_text("\r\n".join(SEARCH_PATH) + "\r\n", encoding="ascii")
    make_forwarder(target / "python3.dll", dict.fromkeys(_stable_names(source), "python313"))
    _unpack(PINS, target / "packages")
    for library in (target / "packages" / "pywin32_system32").iterdir():
        library.rename(target / library.name)
    _remove(target / "packages", (*_PYWIN32_LEFT_OUT, "pywin32_system32"))


def _artefact() -> Path:
    return made_once("artefact", fingerprint(ARTEFACT_SHA256, INSIDE), _fetch_artefact)


def _fetch_artefact(target: Path) -> None:
    run(["mvn", "-q", "-B", COPY_GOAL, f"-Dartifact={ARTEFACT}", f"-DoutputDirectory={target}"])
    (jar,) = target.glob("*.jar")
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != ARTEFACT_SHA256:
        msg = f"{ARTEFACT} has the SHA-256 {found}, not the pinned one: it must not be used"
        raise WineLabError(msg)
    with zipfile.ZipFile(jar) as archive:
        archive.extractall(target)
    jar.unlink()


def _stable_names(source: Path) -> list[str]:
    # python3.lib is the one record in the artefact of what python3.dll exports.
    listed = run(["x86_64-w64-mingw32-nm", source / "libs" / "python3.lib"])
    names = {line.rpartition("__imp_")[2] for line in listed.splitlines() if "__imp_" in line}
    return sorted(names)


def make_forwarder(target: Path, exports: dict[str, str]) -> None:
    """Write a DLL that has no code: each export is another module's.

    Args:
        target: the DLL to write.
        exports: the name of each export, and the module (`module`) or the
            module's export (`module.name`) that it stands for.

    Raises:
        WineLabError: binutils refused it.
    """
    lines = [f"{name} = {to if '.' in to else f'{to}.{name}'}" for name, to in exports.items()]
    definition = target.with_suffix(".def")
    definition.write_text("\n".join([f"LIBRARY {target.name}", "EXPORTS", *lines, ""]), encoding="ascii")
    table = target.with_suffix(".exp")
    run(["x86_64-w64-mingw32-dlltool", "--input-def", definition, "--output-exp", table])
    run(
        ["x86_64-w64-mingw32-ld", "--shared", "--no-insert-timestamp", "--image-base", "0x180000000", "--entry", "0",
         "--dynamicbase", "--nxcompat", "--high-entropy-va", "-o", target, table]
    )  # fmt: skip
    definition.unlink()
    table.unlink()


def _unpack_test_wheels(target: Path) -> None:
    _unpack(TEST_PINS, target)


def _unpack(pins: Path, target: Path) -> None:
    target.mkdir(parents=True)
    wheels = target / ".wheels"
    run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps",
         "--require-hashes", "--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.13",
         "--dest", wheels, "--requirement", pins]
    )  # fmt: skip
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    _remove(target, (".wheels",))


def _remove(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        found = folder / name
        if found.is_dir():
            shutil.rmtree(found)
        else:
            found.unlink(missing_ok=True)
