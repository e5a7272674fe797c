# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of ansible-core that the collection promises to work with, each in an environment of its own."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tools import setup

UV = Path(sys.executable).with_name("uv")


@dataclass(frozen=True)
class Core:
    """A line of ansible-core, and the Pythons to run it on, the preferred one first.

    The group `controller` of `pyproject.toml` has this line for just these Pythons.
    """

    line: str
    pythons: tuple[tuple[int, int], ...]

    @property
    def folder(self) -> Path:
        """Where its environment is."""
        return setup.ROOT / "build" / f"core-{self.line}"


CORES = (
    Core("2.19", ((3, 11),)),
    Core("2.20", ((3, 12),)),
    Core("2.21", ((3, 13), (3, 14))),
)


def interpreters() -> list[setup.Interpreter]:
    """Return every complete CPython of this computer."""
    names = dict.fromkeys([*setup.named_on_path(), *setup.known_to_pyenv()])
    return [found for found in map(setup.probe, names) if found and not found.lacking]


def choose(core: Core, found: list[setup.Interpreter]) -> setup.Interpreter | None:
    """Return the interpreter for a line, None where this computer has none that it runs on."""
    for version in core.pythons:
        for one in found:
            if one.version[:2] == version:
                return one
    return None


def left_out(core: Core) -> str:
    """Say why a line is not run, and what to do."""
    versions = " or ".join(f"{major}.{minor}" for major, minor in core.pythons)
    return f"left out: ansible-core {core.line}, for there is no CPython {versions} here; install one"


def prepare(core: Core, interpreter: setup.Interpreter) -> str:
    """Make a line's environment unless it is there as pinned; return its Python.

    Raises:
        SetupError: a command failed; carries the end of its output.
    """
    python = str(core.folder / "bin/python")
    mark = core.folder / "latchkey.stamp"
    wanted = f"{setup.fingerprint()} {interpreter.path}"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    setup.say(f"making {core.folder} with {interpreter.path}")
    setup.run(str(UV), "venv", "--quiet", "--clear", f"--python={interpreter.path}", str(core.folder))
    setup.install_group(UV, core.folder, "controller")
    mark.write_text(wanted, encoding="utf-8")
    return python
