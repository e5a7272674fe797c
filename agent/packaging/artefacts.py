# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is downloaded: CPython from Maven, wheels from the package index, each by a pinned hash."""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

from tools import setup

from .workshop import WorkError, fingerprint, made_once, run

COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
PINS = "windows"
"""The group of `pyproject.toml` whose wheels the agent is delivered with."""


class Artefact(NamedTuple):
    """A jar of Maven: its coordinates, the folder in it that counts, and its SHA-256."""

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
"""The same version for the machine that builds: it makes the byte code, and has CPython's licence."""


def unpacked(artefact: Artefact) -> Path:
    """Return the artefact's folder, downloaded if need be.

    Raises:
        WorkError: the download failed, or is not what is pinned.
    """
    name = artefact.coordinates.rpartition(":")[2]
    found = made_once(name, fingerprint(*artefact), lambda target: _fetch(artefact, target))
    return found / artefact.inside


def _fetch(artefact: Artefact, target: Path) -> None:
    run(["mvn", "-q", "-B", COPY_GOAL, f"-Dartifact={artefact.coordinates}", f"-DoutputDirectory={target}"])
    (jar,) = target.glob("*.jar")
    found = hashlib.sha256(jar.read_bytes()).hexdigest()
    if found != artefact.sha256:
        msg = f"{artefact.coordinates} has the SHA-256 {found}, not the pinned one: it must not be used"
        raise WorkError(msg)
    with zipfile.ZipFile(jar) as archive:
        archive.extractall(target)
    jar.unlink()


def pins(group: str) -> str:
    """Return the pinned requirements of a group of `pyproject.toml` that lists every package itself.

    Raises:
        WorkError: the lock file lacks one of them.
    """
    groups = tomllib.loads(setup.PROJECT.read_text(encoding="utf-8"))["dependency-groups"]
    try:
        return setup.pinned(*(re.split("[ =]", entry)[0] for entry in groups[group]))
    except setup.SetupError as error:
        raise WorkError(str(error)) from None


def wheels(group: str, target: Path) -> list[Path]:
    """Download the wheels for 64-bit Windows that a group lists; return them by name.

    Raises:
        WorkError: one is not pinned, is not to be had, or has another hash than the pinned ones.
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
