# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the product is called, and its codes: the same content gives the same codes."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import tomllib
import uuid
from pathlib import Path

import yaml

from .workshop import ROOT, WorkError

NAME = "Latchkey agent"
MANUFACTURER = "Latchkey contributors"
UPGRADE_CODE = uuid.UUID("8a5e4d0b-3a0c-4f8e-9a75-6f8f6f8d3d1c")
"""Names the product for ever: by it Windows Installer finds older and newer versions."""
_COMPONENTS = uuid.uuid5(UPGRADE_CODE, "components")
_PRODUCTS = uuid.uuid5(UPGRADE_CODE, "products")
_PACKAGES = uuid.uuid5(UPGRADE_CODE, "packages")
_EARLIEST = 315_532_800
"""1980-01-01: neither a zip nor a cabinet knows an earlier moment."""


def version() -> str:
    """Return the version, which agent and collection share.

    Raises:
        WorkError: they differ, or Windows Installer could not compare it.
    """
    agent = tomllib.loads((ROOT / "agent" / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    collection = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    if agent != collection:
        msg = f"agent/pyproject.toml says {agent}, galaxy.yml says {collection}: give both the same version"
        raise WorkError(msg)
    # "ProductVersion property", Microsoft Learn: three numbers count, 255.255.65535 at most.
    if not re.fullmatch(r"\d{1,3}\.\d{1,3}\.\d{1,5}", agent):
        msg = f"the version {agent} is not of the form 1.2.3, which Windows Installer compares"
        raise WorkError(msg)
    return str(agent)


def build_moment() -> int:
    """Return the one moment that everything in the build is dated, in seconds since 1970.

    SOURCE_DATE_EPOCH (reproducible-builds.org), else the last commit's.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is not None and not given.isdecimal():
        msg = f"SOURCE_DATE_EPOCH is {given!r}: it must be a number of seconds since 1970"
        raise WorkError(msg)
    return max(int(given) if given is not None else _last_commit(), _EARLIEST)


def _last_commit() -> int:
    command = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.stdout.strip() else _EARLIEST


def component_code(path: str) -> str:
    """Return the code of the component that holds an installed file or key."""
    return _code(uuid.uuid5(_COMPONENTS, path.lower()))


def product_code(digest: str) -> str:
    """Return the code of a product of this content."""
    return _code(uuid.uuid5(_PRODUCTS, digest))


def package_code(digest: str) -> str:
    """Return the code of a package of this content."""
    return _code(uuid.uuid5(_PACKAGES, digest))


def serial_number(digest: str) -> uuid.UUID:
    """Return the serial number of an SBOM of this content."""
    return uuid.uuid5(UPGRADE_CODE, digest)


def _code(code: uuid.UUID) -> str:
    return f"{{{str(code).upper()}}}"


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of(folder: Path, *more: str) -> str:
    """Return the SHA-256 of all names and contents in a folder, and of further texts."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{file.relative_to(folder).as_posix()}\0".encode())
        digest.update(file_digest(file).encode())
    for text in more:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()
