# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts as files: the signed bytes, and the signature beside them as `ssh-keygen -Y verify` reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from latchkey_agent.storage.signed_json import canonical_json

if TYPE_CHECKING:
    from pathlib import Path

    from latchkey_agent.protocol.answers import ReceiptView


def signature_of(file: Path) -> Path:
    """Return the file with the signature of a receipt's file."""
    return file.with_name(f"{file.name}.sig")


def write(file: Path, receipt: ReceiptView) -> list[Path]:
    """Write a receipt as it was signed, and its signature beside it; return both files.

    Raises:
        OSError: a file could not be written.
    """
    signature = signature_of(file)
    file.write_bytes(canonical_json(receipt.document))
    # As bytes: Windows would turn each end of a line into two characters.
    signature.write_bytes(receipt.signature.encode("ascii"))
    return [file, signature]
