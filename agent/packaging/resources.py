# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes and reads the version resource of a program, for Windows Installer and for users."""

from __future__ import annotations

import struct
from pathlib import Path

_SIGNATURE = struct.pack("<I", 0xFEEF04BD)
"""The first bytes of VS_FIXEDFILEINFO (verrsrc.h)."""

_SCRIPT = """\
1 VERSIONINFO
FILEVERSION {numbers}
PRODUCTVERSION {numbers}
FILEOS 0x40004
FILETYPE 1
BEGIN
  BLOCK "StringFileInfo"
  BEGIN
    BLOCK "040904b0"
    BEGIN
      VALUE "CompanyName", "Latchkey contributors"
      VALUE "FileDescription", "{description}"
      VALUE "FileVersion", "{version}.0"
      VALUE "LegalCopyright", "2026 Latchkey contributors, GPL-3.0-or-later"
      VALUE "OriginalFilename", "{name}"
      VALUE "ProductName", "Latchkey"
      VALUE "ProductVersion", "{version}.0"
    END
  END
  BLOCK "VarFileInfo"
  BEGIN
    VALUE "Translation", 0x409, 1200
  END
END
1 24 "{manifest}"
"""


def version_resource(name: str, description: str, version: str, *, manifest: Path) -> str:
    """Return a resource script with a program's version and manifest.

    Args:
        name: the program's file name.
        description: the name that Task Manager shows.
        version: the version, as `1.2.3`.
        manifest: the file with the application manifest.
    """
    numbers = ",".join([*version.split("."), "0"])
    return _SCRIPT.format(
        name=name, description=description, version=version, numbers=numbers, manifest=manifest
    )


def file_version(program: Path) -> str | None:
    """Return the version of a program or DLL, as `1.2.3.4`; None if it has no version resource."""
    content = program.read_bytes()
    found = content.find(_SIGNATURE)
    if not content.startswith(b"MZ") or found < 0:
        return None
    # dwFileVersionMS and dwFileVersionLS follow the signature and the structure's own version.
    high, low = struct.unpack_from("<II", content, found + 8)
    return f"{high >> 16}.{high & 0xFFFF}.{low >> 16}.{low & 0xFFFF}"
