# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the credential provider for Windows x64, on any Linux, with the ziglang wheel alone.

    python -m agent.native.build [--output FOLDER]

The DLL is linked without any runtime library: `imports/` lists every function
of Windows that it may call. Two builds give the same bytes: no path and no
time goes in, and the header's time stamp is a hash of the content (/Brepro).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from agent.packaging.product_identity import version
from agent.packaging.workshop import ROOT, WorkError, zig

SOURCE = Path(__file__).resolve().parent / "credential_provider"
OUTPUT = ROOT / "build" / "native"
DLL = "latchkey_credential_provider.dll"

COMPILE = (
    "-target", "x86_64-windows-gnu", "-c", "-Os", "-std=c++17", "-fno-exceptions", "-fno-rtti",
    # Nothing runs before the entry point, and no call into a runtime library is invented.
    "-fno-threadsafe-statics", "-Wglobal-constructors", "-fno-builtin", "-fno-strict-aliasing",
    "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Werror",
    # No frame may step over the guard page: there is no stack probe to touch it.
    "-Wframe-larger-than=3900",
    "-fstack-protector-strong", "-mguard=cf",
    "-DUNICODE", "-DWIN32_LEAN_AND_MEAN", "-D_FORTIFY_SOURCE=0",
)  # fmt: skip
LINK = (
    "/machine:x64", "/nodefaultlib", "/guard:cf", "/cetcompat", "/dynamicbase", "/highentropyva", "/nxcompat",
    "/opt:ref", "/Brepro", "/release",
)  # fmt: skip


class BuildError(WorkError):
    """The build failed; the text says why, and what to do."""


def compile_sources(sources: Sequence[Path], work: Path, *headers: Path) -> list[Path]:
    """Compile C++ files for Windows and return the object files, in the same order."""
    folders = [word for folder in headers for word in ("-I", folder)]
    targets = [work / f"{source.stem}.obj" for source in sources]

    def compile_one(source: Path, target: Path) -> None:
        zig("cc", *COMPILE, *folders, source, "-o", target)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources, targets))
    return targets


def import_libraries(folder: Path, work: Path) -> list[Path]:
    """Make one import library for each list of functions in a folder."""
    libraries: list[Path] = []
    for names in sorted(folder.glob("*.def")):
        library = work / f"{names.stem}-{len(libraries)}-{folder.parent.name}.lib"
        zig("dlltool", "-m", "i386:x86-64", "-d", names, "-l", library)
        libraries.append(library)
    return libraries


def version_resource(work: Path) -> Path:
    """Compile the file's version, which Windows Installer compares."""
    text = (SOURCE / "version.rc").read_text(encoding="utf-8")
    script = work / "version.rc"
    script.write_text(
        text.replace("1.2.3", version()).replace("1,2,3", version().replace(".", ",")), encoding="utf-8"
    )
    resource = work / "version.res"
    zig("rc", "/:no-preprocess", "/fo", resource, script)
    return resource


def build(output: Path = OUTPUT, source: Path = SOURCE) -> Path:
    """Build the DLL into a folder and return its path.

    Raises:
        WorkError: the toolchain is missing or refuses the sources.
    """
    if find_spec("ziglang") is None:
        msg = "no C++ compiler: install the ziglang wheel with python3 tools/setup.py test"
        raise BuildError(msg)
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as name:
        work = Path(name)
        parts = compile_sources(sorted(source.rglob("*.cpp")), work, source)
        parts += [*import_libraries(source / "imports", work), version_resource(work)]
        zig(
            "lld-link", *LINK, "/dll", "/subsystem:windows,10.0", "/entry:DllEntry", f"/out:{work / DLL}",
            f"/def:{source / 'credential_provider.def'}", f"/implib:{work / 'unused.lib'}", *parts,
        )  # fmt: skip
        return (work / DLL).replace(output / DLL)


def main() -> int:
    """Build as the command line says; return the exit code."""
    parser = argparse.ArgumentParser(description="Build the credential provider for Windows x64.")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FOLDER")
    try:
        print(build(parser.parse_args().output))
    except WorkError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
