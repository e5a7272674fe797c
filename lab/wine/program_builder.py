# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the lab's programs for Windows: its LogonUI, and the tests' additions."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from agent.native import build
from agent.packaging.announcing import announce
from agent.packaging.workshop import ROOT, fingerprint, made_once, run, zig

from .prefix import CACHE

NATIVE = ROOT / "agent" / "native"
HARNESS = Path(__file__).parent / "harness"
LOGON_SCREEN = ("logon_screen", "screen", "rival", "import_stand_ins", "memory", "console")
"""The parts of the lab's LogonUI."""


def sources(*folders: Path) -> list[Path]:
    """Return every source file of the programs; `folders` are the caller's additional ones."""
    every = [path for folder in (NATIVE, HARNESS, *folders) for path in folder.rglob("*") if path.is_file()]
    return sorted(path for path in every if "__pycache__" not in path.parts)


def toolchain() -> str:
    """Return the version of the compiler."""
    return run([sys.executable, "-m", "ziglang", "version"])


def link_program(target: Path, parts: Iterable[Path], work: Path) -> None:
    """Build a console program like the DLL: without a runtime library."""
    objects = build.compile_sources([*parts, build.SOURCE / "runtime.cpp"], work, build.SOURCE, HARNESS)
    libraries = build.import_libraries(HARNESS / "imports", work)
    zig("lld-link", *build.LINK, "/subsystem:console", "/entry:Main", f"/out:{target}", *objects, *libraries)


def link_logon_screen(target: Path, work: Path) -> None:
    """Build the lab's LogonUI."""
    link_program(target, (HARNESS / f"{part}.cpp" for part in LOGON_SCREEN), work)


@cache
def logon_screen() -> Path:
    """Return the lab's LogonUI; build it if necessary.

    Raises:
        WorkError: the toolchain is missing or refuses the sources.
    """
    return made_once("logonscreen", fingerprint(*sources(), toolchain()), _build, CACHE) / "logon_screen.exe"


def _build(target: Path) -> None:
    announce("compiling the lab's logon screen", 10)
    work = target / "objects"
    work.mkdir(parents=True)
    link_logon_screen(target / "logon_screen.exe", work)
    shutil.rmtree(work)
