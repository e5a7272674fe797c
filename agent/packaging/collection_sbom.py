# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the software bill of materials (SBOM) of the collection's tarball as CycloneDX JSON.

The tarball itself holds no foreign code. The bill lists the needs of its execution environment: the pinned Python
packages, and the system packages of the finished image on a system with RPM.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import LicenseExpression
from packageurl import PackageURL

from . import product_identity, sbom
from .workshop import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PINS = ROOT / "execution-environment/python.txt"
SYSTEM = ROOT / "meta/ee-bindep.txt"


def write(target: Path, tarball: Path, version: str) -> None:
    """Write the bill of materials of a tarball.

    Args:
        target: the file to write.
        tarball: the collection.
        version: its version, as `1.2.3`.

    Raises:
        WorkError: the build's moment cannot be found.
    """
    digest = product_identity.file_digest(tarball)
    product = Component(
        type=ComponentType.LIBRARY, name="latchkey.consent", version=version, bom_ref="latchkey.consent",
        licenses=[LicenseExpression(sbom.GPL)], hashes=[sbom.sha256(digest)],
    )  # fmt: skip
    sbom.save(target, product, [*_python_packages(), *_system_packages()], digest)


def _python_packages() -> list[Component]:
    pins = re.findall(r"^([\w.-]+)==(\S+)$", PINS.read_text(encoding="utf-8"), re.MULTILINE)
    return [
        Component(
            type=ComponentType.LIBRARY, name=name, version=version, bom_ref=f"pypi:{name}",
            # The connection decides whether the others are needed.
            scope=ComponentScope.REQUIRED if name == "ansible-core" else ComponentScope.OPTIONAL,
            purl=PackageURL("pypi", None, name, version),
        )
        for name, version in pins
    ]  # fmt: skip


def _system_packages() -> list[Component]:
    """Return the system packages; their versions are those of the base image."""
    names = re.findall(r"^(\S+) \[platform:rpm\]$", SYSTEM.read_text(encoding="utf-8"), re.MULTILINE)
    return [
        Component(
            type=ComponentType.APPLICATION, name=name, bom_ref=f"rpm:{name}",
            scope=ComponentScope.OPTIONAL, purl=PackageURL("rpm", None, name),
        )
        for name in names
    ]  # fmt: skip
