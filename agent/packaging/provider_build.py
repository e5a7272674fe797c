# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credential provider's DLL, from its own build."""

from __future__ import annotations

from pathlib import Path

from agent.native import build as native

from .workshop import CACHE, ROOT, WorkError, fingerprint, made_once


def build_provider() -> Path:
    """Return the DLL, built anew when its sources have changed.

    Raises:
        WorkError: the toolchain is missing or refuses the sources.
    """
    sources = sorted(
        path for path in (ROOT / "agent" / "native").rglob("*") if path.is_file() and path.suffix != ".pyc"
    )
    return made_once("provider", fingerprint(*sources), _build, CACHE) / native.DLL


def _build(target: Path) -> None:
    try:
        native.build(target)
    except native.BuildError as fault:
        raise WorkError(str(fault)) from None
