# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The product's name, version and codes. The same content gives the same codes."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
import uuid
from pathlib import Path

import yaml

from tools.sanity import NO_GIT

from .workshop import ROOT, WorkError

NAME = "Latchkey agent"
MANUFACTURER = "Latchkey contributors"
UPGRADE_CODE = uuid.UUID("8a5e4d0b-3a0c-4f8e-9a75-6f8f6f8d3d1c")
"""Identifies the product in all its versions. Windows Installer finds other versions by it. Never change it."""
_COMPONENTS = uuid.uuid5(UPGRADE_CODE, "components")
_PRODUCTS = uuid.uuid5(UPGRADE_CODE, "products")
_PACKAGES = uuid.uuid5(UPGRADE_CODE, "packages")
_EARLIEST = 315_532_800
"""1980-01-01: zip files and cabinets cannot store an earlier time."""


def version() -> str:
    """Return the common version of agent and collection.

    Raises:
        WorkError: their versions differ, or Windows Installer cannot compare the version.
    """
    agent = tomllib.loads((ROOT / "agent" / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    collection = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    if agent != collection:
        msg = f"agent/pyproject.toml says {agent}, galaxy.yml says {collection}: give both the same version"
        raise WorkError(msg)
    # "ProductVersion property", Microsoft Learn: Windows Installer uses three numbers, at most 255.255.65535.
    if not re.fullmatch(r"\d{1,3}\.\d{1,3}\.\d{1,5}", agent):
        msg = f"the version {agent} does not have the form 1.2.3, which Windows Installer needs"
        raise WorkError(msg)
    return str(agent)


def build_moment() -> int:
    """Return the build's time for all dates, in seconds since 1970.

    It is SOURCE_DATE_EPOCH (reproducible-builds.org), or else the time of the last commit.

    Raises:
        WorkError: SOURCE_DATE_EPOCH is not a number, or git is not installed.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is not None and not given.isdecimal():
        msg = f"SOURCE_DATE_EPOCH is {given!r}: it must be a number of seconds since 1970"
        raise WorkError(msg)
    return max(int(given) if given is not None else _last_commit(), _EARLIEST)


def _last_commit() -> int:
    command = ["git", "log", "-1", "--format=%ct"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise WorkError(NO_GIT) from None
    return int(done.stdout) if done.stdout.strip() else _EARLIEST


def component_code(path: str) -> str:
    """Return the code of the component for an installed file or key."""
    return _code(uuid.uuid5(_COMPONENTS, path.lower()))


def product_code(digest: str) -> str:
    """Return the product code for a digest of the content."""
    return _code(uuid.uuid5(_PRODUCTS, digest))


def package_code(digest: str) -> str:
    """Return the package code for a digest of the content."""
    return _code(uuid.uuid5(_PACKAGES, digest))


def serial_number(digest: str) -> uuid.UUID:
    """Return the serial number of the SBOM for a digest of the content."""
    return uuid.uuid5(UPGRADE_CODE, digest)


def _code(code: uuid.UUID) -> str:
    return f"{{{str(code).upper()}}}"


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(folder: Path, *more: str) -> str:
    """Return the SHA-256 of all names and contents in a folder, and of further texts, in hexadecimal."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(file_digest(file).encode())
    for text in more:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()
