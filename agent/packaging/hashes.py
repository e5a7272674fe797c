# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the hashes of the files of a release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import product_identity

if TYPE_CHECKING:
    from pathlib import Path


def write(output: Path) -> Path:
    """Write the SHA-256 of every file in a folder in sha256sum's format; return the file."""
    target = output / "SHA256SUMS"
    files = sorted(path for path in output.iterdir() if path.is_file() and path != target)
    lines = [f"{product_identity.file_digest(file)}  {file.name}\n" for file in files]
    target.write_text("".join(lines), encoding="utf-8")
    return target
