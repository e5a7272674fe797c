# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The supported lines of ansible-core, each in its own environment."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from tools import setup

UV = Path(sys.executable).with_name("uv")
PINS = Path(__file__).with_name("pins")


@dataclass(frozen=True)
class Core:
    """A line of ansible-core, and the Pythons to run it on, the preferred one first.

    The group `controller` of `pyproject.toml` has this line for just these Pythons. A line with a file of `pins` is in
    no environment of a user's: it is installed over that group, and its column is `brief`.
    """

    line: str
    pythons: tuple[tuple[int, int], ...]
    brief: bool = False

    @property
    def folder(self) -> Path:
        """The folder of its environment."""
        return setup.ROOT / "build" / f"core-{self.line}"

    @property
    def pins(self) -> Path:
        """The packages that the line needs in another version than the group `controller` has; none if missing."""
        return PINS / f"{self.line}.txt"


CORES = (
    Core("2.16", ((3, 11), (3, 12)), brief=True),
    Core("2.17", ((3, 11), (3, 12)), brief=True),
    Core("2.18", ((3, 11), (3, 12), (3, 13)), brief=True),
    Core("2.19", ((3, 11),)),
    Core("2.20", ((3, 12),)),
    Core("2.21", ((3, 13), (3, 14))),
    Core("2.22", ((3, 13), (3, 14)), brief=True),
)


def interpreters() -> list[setup.Interpreter]:
    """Return every complete CPython of this computer."""
    names = dict.fromkeys([*setup.named_on_path(), *setup.known_to_pyenv()])
    return [found for found in map(setup.probe, names) if found and not found.lacking]


def choose(core: Core, found: list[setup.Interpreter]) -> setup.Interpreter | None:
    """Return the interpreter for a line; None if this computer has no suitable one."""
    for version in core.pythons:
        for one in found:
            if one.version[:2] == version:
                return one
    return None


def left_out(core: Core) -> str:
    """Return the reason for skipping a line, and the remedy."""
    versions = " or ".join(f"{major}.{minor}" for major, minor in core.pythons)
    return f"left out: ansible-core {core.line}: this computer has no CPython {versions}; install one"


def prepare(core: Core, interpreter: setup.Interpreter) -> str:
    """Make a line's environment unless it exists as pinned; return its Python.

    Raises:
        SetupError: a command failed; the text has the end of its output.
    """
    python = str(core.folder / "bin/python")
    mark = core.folder / "latchkey.stamp"
    pinned = core.pins.read_text(encoding="utf-8") if core.pins.exists() else ""
    wanted = f"{setup.fingerprint()} {interpreter.path}\n{pinned}"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return python
    setup.say(f"making {core.folder} with {interpreter.path}")
    setup.run(str(UV), "venv", "--quiet", "--clear", f"--python={interpreter.path}", str(core.folder))
    setup.install_group(UV, core.folder, "controller")
    if pinned:
        setup.uv_install(UV, core.folder, "--no-deps", "--require-hashes", f"--requirement={core.pins}")
        setup.run(str(UV), "pip", "check", f"--python={python}")
    if not core.brief:
        setup.install_kerberos(UV, core.folder, setup.KERBEROS_WITH)
    mark.write_text(wanted, encoding="utf-8")
    return python
