# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads CPython from Maven and wheels from the package index, and checks their pinned hashes."""

from __future__ import annotations

import hashlib
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

from tools import setup

from .announcing import announce
from .workshop import WorkError, fingerprint, made_once, run

COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
PINS = "windows"
"""The group of `pyproject.toml` with the delivered wheels."""


class Artefact(NamedTuple):
    """A jar from Maven.

    Attributes:
        coordinates: its Maven coordinates.
        inside: the folder inside it that is used.
        sha256: its SHA-256 in hexadecimal.
    """

    coordinates: str
    inside: str
    sha256: str


PYTHON_VERSION = "3.13.5"
WINDOWS_PYTHON = Artefact(
    "org.bytedeco:cpython:3.13.5-1.5.12:jar:windows-x86_64",
    "org/bytedeco/cpython/windows-x86_64",
    "cfe5502ffa7ea369be707b6d88bf68344732a7800450665080fb4267c01bfeae",
)
LINUX_PYTHON = Artefact(
    "org.bytedeco:cpython:3.13.5-1.5.12:jar:linux-x86_64",
    "org/bytedeco/cpython/linux-x86_64",
    "50ad91aa0baa57f0235bb666b87d8bf2a44e215d28c250de1030502906af143b",
)
"""The same version for the build machine. It compiles the byte code and contains CPython's licence."""


def unpacked(artefact: Artefact) -> Path:
    """Return the artefact's folder. Download it if it is not in the cache.

    Raises:
        WorkError: the download failed, or its hash differs from the pinned one.
    """
    name = artefact.coordinates.rpartition(":")[2]
    found = made_once(name, fingerprint(*artefact), lambda target: _fetch(artefact, target))
    return found / artefact.inside


def _fetch(artefact: Artefact, target: Path) -> None:
    announce(f"downloading {artefact.coordinates} with Maven", 15)
    run(["mvn", "-q", "-B", COPY_GOAL, f"-Dartifact={artefact.coordinates}", f"-DoutputDirectory={target}"])
    (jar,) = target.glob("*.jar")
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != artefact.sha256:
        msg = f"{artefact.coordinates} has the SHA-256 {found}, not the pinned one: do not use it"
        raise WorkError(msg)
    with zipfile.ZipFile(jar) as archive:
        archive.extractall(target)
    jar.unlink()


def pins(group: str) -> str:
    """Return the pinned requirements of a group of `pyproject.toml`.

    The group must list every package itself.

    Args:
        group: the name of the group.

    Raises:
        WorkError: the lock file lacks one of its packages.
    """
    groups = tomllib.loads(setup.PROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    try:
        return setup.pinned(*(entry.partition(" ")[0] for entry in groups[group]))
    except setup.SetupError as error:
        raise WorkError(str(error)) from None


def wheels(group: str, target: Path) -> list[Path]:
    """Download the wheels for 64-bit Windows of a group; return them sorted by name.

    Args:
        group: the name of a group of `pyproject.toml`.
        target: the folder to create.

    Raises:
        WorkError: a wheel is not pinned, a download failed, or its hash differs from the pinned ones.
    """
    target.mkdir()
    listed = target / "pins.txt"
    listed.write_text(pins(group), encoding="utf-8")
    run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps",
         "--require-hashes", "--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.13",
         "--dest", target, "--requirement", listed]
    )  # fmt: skip
    return sorted(target.glob("*.whl"))
