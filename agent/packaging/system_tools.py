# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the system programs that packaging, lab and tests need.

Every part that needs a system program, or a wheel that some installations lack, has a `Need` here.
Only this module decides whether a program is installed.
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
    "chromedriver": ("chromium-driver",),
    "chromium": ("chromium",),
    "clang++": ("clang", "libclang-rt-14-dev"),
    "faketime": ("faketime",),
    "ffmpeg": ("ffmpeg",),
    "ffprobe": ("ffmpeg",),
    "msibuild": ("msitools",),
    "msiextract": ("msitools",),
    "msiinfo": ("msitools",),
    "gcc": ("gcc",),
    "java": ("openjdk-17-jre-headless",),
    "kinit": ("krb5-user",),
    "krb5-config": ("libkrb5-dev",),
    "mvn": ("maven", "openjdk-17-jre-headless"),
    "openssl": ("openssl",),
    "osslsigncode": ("osslsigncode",),
    "samba": ("samba", "samba-ad-dc", "samba-ad-provision"),
    "samba-tool": ("samba-common-bin",),
    "sftp": ("openssh-client",),
    "ssh": ("openssh-client",),
    "ssh-keygen": ("openssh-client",),
    "sshd": ("openssh-server",),
    "wine": ("wine", "wine64"),
    "wineserver": ("wine", "wine64"),
    "wixl": ("wixl",),
    "x11vnc": ("x11vnc",),
    "xdotool": ("xdotool",),
    "xkbcomp": ("x11-xkb-utils",),
}
"""The Debian packages that each program needs. Maven starts the `java` of the search path.
Debian's `wine` is a script that starts the program of `wine64`."""
MODULES = frozenset({
    "ansible_rulebook", "axe_playwright_python", "cyclonedx", "gssapi", "kerberos", "krb5", "pefile", "psrpcore",
    "pypdf", "selenium", "win32more", "ziglang",
})  # fmt: skip
"""The Python modules that some parts need. The set-up for the tests installs all of them; those of Kerberos, which
it has to compile, only where the programs of `KERBEROS` are."""
SET_UP = "python3 tools/setup.py test"
APT = "apt-get install --no-install-recommends"
APT_GET = Path("/usr/bin/apt-get")


class Need(NamedTuple):
    """The programs and Python modules that one part needs.

    Attributes:
        absent: the message for a computer without them.
        programs: the system programs.
        modules: the Python modules.
    """

    absent: str
    programs: tuple[str, ...]
    modules: tuple[str, ...] = ()

    @property
    def packages(self) -> frozenset[str]:
        """The Debian packages that the part needs."""
        return frozenset(package for program in self.programs for package in PACKAGES[program])

    def missing(self) -> str | None:
        """Return the message with the command that installs the missing parts; None if none is missing."""
        commands = list(_commands(self.programs, self.modules))
        return f"{self.absent}: {' && '.join(commands)}" if commands else None


WINE_ALONE = Need("cannot run Wine", ("wine", "wineserver"), ("ziglang",))
WINE = Need("cannot run a Wine PC", ("wine", "wineserver", "mvn"), ("ziglang",))
SCREEN = Need("cannot give a Wine PC a screen", ("Xvfb", "xkbcomp", "xdotool"))
FILM = Need("cannot film a Wine PC's screen", ("ffmpeg",))
FILM_READER = Need("cannot read a film", ("ffprobe",))
VNC = Need("cannot show a Wine PC's screen on a page", ("x11vnc",))
PACKAGE = Need(
    "cannot build the package", ("mvn", "msibuild", "msiextract", "msiinfo", "wixl"), ("cyclonedx", "ziglang")
)
RULEBOOK = Need("cannot run a rulebook", ("java",), ("ansible_rulebook",))
CPYTHON = Need("cannot download CPython", ("mvn",))
SIGNATURE = Need("cannot sign files", ("osslsigncode",))
CERTIFICATE = Need("cannot create a certificate", ("openssl",))
BROWSER = Need(
    "cannot show a page in a browser",
    ("chromium", "chromedriver"),
    ("axe_playwright_python", "pypdf", "selenium"),
)
SSH = Need("cannot run an SSH server", ("sshd", "ssh", "sftp", "ssh-keygen"))
SSH_KEYGEN = Need("cannot check SSH signatures by another program", ("ssh-keygen",))
DIRECTORY = Need("cannot run a directory", ("samba", "samba-tool", "kinit"))
KERBEROS = Need("cannot speak Kerberos", ("krb5-config", "gcc"), ("gssapi", "kerberos", "krb5"))
WRONG_CLOCK = Need("cannot give a program a wrong clock", ("faketime",))
COMPILER = Need("cannot compile C++", (), ("ziglang",))
PSRP = Need("cannot use PSRP", (), ("psrpcore",))
DLL_READER = Need("cannot read DLLs", (), ("pefile",))
METADATA = Need("cannot read the Windows metadata", (), ("win32more",))
FUZZER = Need("cannot run libFuzzer", ("clang++",))


def missing(*needs: Need) -> str | None:
    """Return the messages of all needs that this computer does not meet; None if it meets all."""
    return "; ".join(sentence for need in needs if (sentence := need.missing())) or None


def find(program: str) -> str | None:
    """Return the path of a program; None if it is not installed.

    The search path of ordinary users lacks the folders of system services (`/usr/sbin`). The function therefore
    also searches each `sbin` beside a `bin` of the path.
    """
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    beside = [folder.with_name("sbin") for folder in folders if folder.name == "bin"]
    return shutil.which(program, path=os.pathsep.join(map(str, [*folders, *beside])))


def install_command(programs: Iterable[str]) -> str:
    """Return the command that installs programs; on other systems than Debian's, their names to search for."""
    packages = " ".join(sorted({package for one in programs for package in PACKAGES.get(one, (one,))}))
    if APT_GET.exists():
        return f"{APT} {packages}"
    return f"install the programs {' '.join(programs)} (Debian's packages {packages})"


def _commands(programs: Iterable[str], modules: Iterable[str]) -> Iterator[str]:
    absent = [program for program in programs if find(program) is None]
    if absent:
        yield install_command(absent)
    if any(importlib.util.find_spec(module) is None for module in modules):
        yield SET_UP
