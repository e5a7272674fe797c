# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds latchkeyctl.exe on Linux, with the ziglang wheel as the only toolchain.

The program is linked without a C runtime library: the two `.def` files list
every function that it calls. Every build gives the same bytes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from agent.packaging.resources import version_resource
from agent.packaging.workshop import zig

HERE = Path(__file__).resolve().parent
PROGRAM = "latchkeyctl.exe"
_COMPILE = (
    "-target", "x86_64-windows-gnu", "-c", "-Os", "-std=c17", "-fno-builtin", "-fno-stack-protector",
    "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror",
)  # fmt: skip
_LINK = (
    "/entry:start", "/machine:x64", "/subsystem:console,10.0", "/nodefaultlib", "/cetcompat", "/dynamicbase",
    "/highentropyva", "/nxcompat", "/opt:ref", "/Brepro", "/release",
)  # fmt: skip


def build(target: Path, version: str) -> None:
    """Build the program.

    Args:
        target: the file to write.
        version: the product's version, as `1.2.3`.

    Raises:
        WorkError: the toolchain is missing, or the build failed.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        work = Path(name)
        unit, resource = work / "latchkeyctl.obj", work / "version.res"
        zig("cc", *_COMPILE, HERE / "latchkeyctl.c", "-o", unit)
        script = version_resource(
            PROGRAM, "Latchkey command line", version, manifest=HERE / "latchkeyctl.manifest"
        )
        (work / "version.rc").write_text(script, encoding="utf-8")
        zig("rc", "/:no-preprocess", "/fo", resource, work / "version.rc")
        zig("lld-link", *_LINK, f"/out:{work / PROGRAM}", unit, resource, *_import_libraries(work))
        (work / PROGRAM).replace(target)


def _import_libraries(work: Path) -> list[Path]:
    libraries = []
    for names in sorted(HERE.glob("*.def")):
        library = work / f"{names.stem}.lib"
        zig("dlltool", "-m", "i386:x86-64", "-d", names, "-l", library)
        libraries.append(library)
    return libraries
