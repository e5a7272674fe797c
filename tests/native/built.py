# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the provider and its harness for the tests, and the PC they run on."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from functools import cache
from pathlib import Path

from agent.native import build
from agent.packaging.workshop import fingerprint, made_once, run, zig
from lab.wine import program_builder as shared
from lab.wine.prefix import CACHE, environment
from lab.wine.program_builder import link_logon_screen, link_program, sources, toolchain
from lab.wine.wine_pc import WinePC

HARNESS = Path(__file__).parent / "harness"
PARSER = Path(__file__).parent / "parser"
# Undefined behaviour ends the program; wide text has Windows' 16 bits.
PARSER_FLAGS = (
    "-target", f"{platform.machine()}-linux-gnu", "-fPIC",
    "-O1", "-std=c++17", "-fshort-wchar", "-fno-exceptions", "-fno-rtti",
    "-fsanitize=undefined", "-fsanitize-trap=all",
)  # fmt: skip
PROGRAMS = ("fake_agent", "layout")


@cache
def programs() -> Path:
    """Return the folder with the DLL and the harness' programs, built if need be."""
    return made_once("provider", fingerprint(*sources(HARNESS), toolchain()), _build_all, CACHE)


def _build_all(target: Path) -> None:
    build.build(target)
    work = target / "objects"
    work.mkdir()
    link_logon_screen(target / "logon_screen.exe", work)
    for name in PROGRAMS:
        parts = (HARNESS / f"{name}.cpp", shared.HARNESS / "console.cpp")
        link_program(target / f"{name}.exe", parts, work)
    shutil.rmtree(work)


@cache
def parser_library() -> Path:
    """Return the parser as a shared library of this computer, built if need be."""
    parts = [*sorted(PARSER.glob("*.cpp")), *sorted((build.SOURCE / "wire").glob("*.cpp"))]
    headers = sorted([*PARSER.glob("*.h"), *(build.SOURCE / "wire").glob("*.h"), Path(__file__)])

    def make(target: Path) -> None:
        target.mkdir()
        # Compiled and linked apart: in one go the toolchain would first build a C library.
        objects = [target / f"{part.stem}.o" for part in parts]
        for part, unit in zip(parts, objects, strict=True):
            zig("cc", "-c", *PARSER_FLAGS, "-I", build.SOURCE, part, "-o", unit)
        zig("ld.lld", "-shared", *objects, "-o", target / "parser.so")

    return made_once("parser", fingerprint(*parts, *headers), make, CACHE) / "parser.so"


class BarePC(WinePC):
    """A Wine PC with only Windows and the programs of these tests on its disk."""

    def make(self) -> None:
        """Copy the disk and put the built programs on it."""
        shutil.copytree(_bare(), self.folder, symlinks=True, copy_function=_copy_or_link)
        for path in programs().iterdir():
            self.put(path, rf"C:\lab\{path.name}")


def _bare() -> Path:
    return made_once("bare", fingerprint(run(["wine", "--version"])), _make_bare, CACHE)


def _make_bare(target: Path) -> None:
    target.mkdir()
    for command in (["wine", "wineboot", "--init"], ["wine", "winecfg", "-v", "win10"], ["wineserver", "-w"]):
        run(command, environment=environment(target))


def _copy_or_link(source: str, target: str) -> str:
    # Windows' own files are shared with the template if the file system can: they are never written.
    if f"{os.sep}windows{os.sep}" in source:
        with contextlib.suppress(OSError):
            os.link(source, target)
            return target
    return shutil.copy2(source, target)
