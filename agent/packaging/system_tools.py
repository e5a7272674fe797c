# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system programs that packaging, lab and tests need: who needs which, and the sentence for an absent one.

Every part that needs a program of the system, or a wheel that some installations lack, is a `Need` here.
Nothing else decides whether a program is there.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PACKAGES = {
    "Xvfb": ("xvfb",),
    "clang++": ("clang", "libclang-rt-14-dev"),
    "msibuild": ("msitools",),
    "msiextract": ("msitools",),
    "msiinfo": ("msitools",),
    "mvn": ("maven",),
    "openssl": ("openssl",),
    "osslsigncode": ("osslsigncode",),
    "sftp": ("openssh-client",),
    "ssh": ("openssh-client",),
    "ssh-keygen": ("openssh-client",),
    "sshd": ("openssh-server",),
    "wine": ("wine", "wine64"),
    "wineserver": ("wine", "wine64"),
    "wixl": ("wixl",),
    "xdotool": ("xdotool",),
    "xkbcomp": ("x11-xkb-utils",),
}
"""Each program, and the Debian packages that it needs. Debian's `wine` is a script that starts the one of `wine64`."""
MODULES = frozenset({"cyclonedx", "pefile", "psrpcore", "win32more", "ziglang"})
"""The Python modules that parts need; the set-up for the tests installs all of them."""
SET_UP = "python3 tools/setup.py test"
APT = "apt-get install --no-install-recommends"


class Need(NamedTuple):
    """The programs and Python modules that one part needs; `absent` is the sentence for a computer without them."""

    absent: str
    programs: tuple[str, ...]
    modules: tuple[str, ...] = ()

    @property
    def packages(self) -> frozenset[str]:
        """The Debian packages that the part needs."""
        return frozenset(package for program in self.programs for package in PACKAGES[program])

    def missing(self) -> str | None:
        """Return the sentence that says what is absent and which command installs it; None if none is absent."""
        commands = list(_commands(self.programs, self.modules))
        return f"{self.absent}: {' && '.join(commands)}" if commands else None


WINE_ALONE = Need("there is no Wine here", ("wine", "wineserver"), ("ziglang",))
WINE = Need("there is no Wine PC here", ("wine", "wineserver", "mvn"), ("ziglang",))
SCREEN = Need("there is no screen for a Wine PC here", ("Xvfb", "xkbcomp", "xdotool"))
PACKAGE = Need(
    "no package is made here", ("mvn", "msibuild", "msiextract", "msiinfo", "wixl"), ("cyclonedx", "ziglang")
)
CPYTHON = Need("no CPython is fetched here", ("mvn",))
SIGNATURE = Need("nothing is signed here", ("osslsigncode",))
CERTIFICATE = Need("no certificate is made here", ("openssl",))
SSH = Need("there is no SSH server here", ("sshd", "ssh", "sftp", "ssh-keygen"))
COMPILER = Need("there is no C++ compiler here", (), ("ziglang",))
PSRP = Need("there is no PSRP here", (), ("psrpcore",))
DLL_READER = Need("nothing reads DLLs here", (), ("pefile",))
METADATA = Need("there is no Windows metadata here", (), ("win32more",))
FUZZER = Need("there is no libFuzzer here", ("clang++",))


def missing(*needs: Need) -> str | None:
    """Return the sentences of all needs that this computer does not meet; None if it meets them all."""
    return "; ".join(sentence for need in needs if (sentence := need.missing())) or None


def find(program: str) -> str | None:
    """Return a program's path, None if it is absent.

    Ordinary users' search path leaves out the folders of the system's services (`/usr/sbin`), so each `sbin`
    beside a `bin` of the path is searched, too.
    """
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    beside = [folder.with_name("sbin") for folder in folders if folder.name == "bin"]
    return shutil.which(program, path=os.pathsep.join(map(str, [*folders, *beside])))


def _commands(programs: Iterable[str], modules: Iterable[str]) -> Iterator[str]:
    absent = [program for program in programs if find(program) is None]
    if absent:
        yield f"{APT} {' '.join(sorted({package for one in absent for package in PACKAGES[one]}))}"
    if any(importlib.util.find_spec(module) is None for module in modules):
        yield SET_UP
