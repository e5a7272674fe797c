# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds DLLs without code that forward their exports ("Forwarder RVA", PE Format, Microsoft Learn)."""

from __future__ import annotations

import struct
from pathlib import Path

from .workshop import WorkError, zig

_LINK = (
    "/dll",
    "/noentry",
    "/machine:x64",
    "/nodefaultlib",
    "/dynamicbase",
    "/highentropyva",
    "/nxcompat",
    "/Brepro",
)


def make_forwarder(target: Path, exports: dict[str, str]) -> None:
    """Write a DLL whose exports are forwarded.

    Args:
        target: the DLL to write.
        exports: for each export the module (`module`) or the module's export
            (`module.name`) that it is forwarded to.

    Raises:
        WorkError: the linker failed.
    """
    lines = [f"{name} = {to if '.' in to else f'{to}.{name}'}" for name, to in exports.items()]
    definition, source = target.with_suffix(".def"), target.with_suffix(".c")
    unit, library = target.with_suffix(".obj"), target.with_suffix(".lib")
    definition.write_text("\n".join([f"LIBRARY {target.name}", "EXPORTS", *lines, ""]), encoding="ascii")
    # lld-link writes no DLL without an object file.
    source.write_text("static const int nothing;\n", encoding="ascii")
    zig("cc", "-target", "x86_64-windows-gnu", "-c", "-w", source, "-o", unit)
    zig("lld-link", *_LINK, f"/def:{definition}", f"/out:{target}", f"/implib:{library}", unit)
    for used in (definition, source, unit, library):
        used.unlink()


def import_names(library: Path) -> list[str]:
    """Return the names in an import library, read from its first linker member.

    The member has a big-endian count, that many offsets, then that many names
    that end in a zero byte ("Archive (Library) File Format", PE Format,
    Microsoft Learn).

    Raises:
        WorkError: the file is not an import library.
    """
    content = library.read_bytes()
    if not content.startswith(b"!<arch>\n/ "):
        msg = f"{library.name} is not an import library"
        raise WorkError(msg)
    member = content[68 : 68 + int(content[56:66])]
    (count,) = struct.unpack_from(">I", member)
    names = member[4 + 4 * count :].split(b"\0")[:count]
    return sorted(
        {name.removeprefix(b"__imp_").decode("ascii") for name in names if name.startswith(b"__imp_")}
    )
