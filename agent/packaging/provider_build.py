# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the credential provider's DLL, or takes it from the cache."""

from __future__ import annotations

from pathlib import Path

from agent.native import build as native

from .announcing import announce
from .workshop import CACHE, ROOT, WorkError, fingerprint, made_once


def build_provider() -> Path:
    """Return the DLL. Build it again if its sources have changed.

    Raises:
        WorkError: the toolchain is missing, or the build failed.
    """
    sources = sorted(
        path for path in (ROOT / "agent" / "native").rglob("*") if path.is_file() and path.suffix != ".pyc"
    )
    return made_once("provider", fingerprint(*sources), _build, CACHE) / native.DLL


def _build(target: Path) -> None:
    announce("compiling the credential provider", 60)
    try:
        native.build(target)
    except native.BuildError as fault:
        raise WorkError(str(fault)) from None
