# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the software bill of materials (SBOM) of the MSI as CycloneDX JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from . import product_identity
from .artefacts import PYTHON_VERSION, WINDOWS_PYTHON
from .runtime import WHEELS, runtime

_LICENCES = {
    "cffi": "MIT",
    "cryptography": "Apache-2.0 OR BSD-3-Clause",
    "msgspec": "BSD-3-Clause",
    "pywin32": "PSF-2.0",
}
GPL = "GPL-3.0-or-later"


def write(target: Path, package: Path, version: str) -> None:
    """Write the bill of materials of a package.

    Args:
        target: the file to write.
        package: the MSI.
        version: the product's version, as `1.2.3`.

    Raises:
        WorkError: the runtime cannot be built.
        KeyError: `_LICENCES` lacks the licence of a new wheel.
    """
    digest = product_identity.file_digest(package)
    product = Component(
        type=ComponentType.APPLICATION, name=product_identity.NAME, version=version, bom_ref="latchkey-agent",
        licenses=[LicenseExpression(GPL)], hashes=[sha256(digest)],
    )  # fmt: skip
    parts = [_python(), *_libraries(), *_wheels()]
    save(target, product, parts, digest)


def save(target: Path, product: Component, parts: list[Component], digest: str) -> None:
    """Write a bill of materials. The same parts give the same bytes.

    Args:
        target: the file to write.
        product: the described artefact.
        parts: its parts, or its needs.
        digest: the SHA-256 of the artefact; the serial number comes from it.

    Raises:
        WorkError: the build's moment cannot be found.
    """
    bom = Bom(serial_number=product_identity.serial_number(digest), components=parts)
    bom.metadata.component = product
    bom.metadata.timestamp = datetime.fromtimestamp(product_identity.build_moment(), UTC)
    bom.register_dependency(product, parts)
    target.write_text(JsonV1Dot6(bom).output_as_string(indent=2) + "\n", encoding="utf-8")


def sha256(digest: str) -> HashType:
    """Return a SHA-256 as CycloneDX has it."""
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def _python() -> Component:
    group, name, version = WINDOWS_PYTHON.coordinates.split(":")[:3]
    return Component(
        type=ComponentType.FRAMEWORK, name="CPython", version=PYTHON_VERSION, bom_ref="cpython",
        licenses=[DisjunctiveLicense(id="Python-2.0.1")], hashes=[sha256(WINDOWS_PYTHON.sha256)],
        purl=PackageURL("maven", group, name, version, {"classifier": "windows-x86_64"}),
    )  # fmt: skip


def _libraries() -> list[Component]:
    """Return the libraries that CPython for Windows contains."""
    known = (
        ("SQLite", "3.49.1", DisjunctiveLicense(id="blessing")),
        ("libffi", "3.4", DisjunctiveLicense(id="MIT")),
        ("libmpdec", "2.5.1", DisjunctiveLicense(id="BSD-2-Clause")),
        ("Microsoft Visual C++ runtime", "14.44", DisjunctiveLicense(name="Microsoft distributable code")),
    )
    return [
        Component(
            type=ComponentType.LIBRARY, name=name, version=version, bom_ref=name.lower(), licenses=[licence]
        )
        for name, version, licence in known
    ]


def _wheels() -> list[Component]:
    """Return the packages from the index, each with its wheel's hash."""
    taken: dict[str, str] = json.loads((runtime() / WHEELS).read_text(encoding="utf-8"))
    components = []
    for file, digest in taken.items():
        name, version = file.split("-")[:2]
        components.append(
            Component(
                type=ComponentType.LIBRARY,
                name=name,
                version=version,
                bom_ref=name,
                hashes=[sha256(digest)],
                licenses=[LicenseExpression(_LICENCES[name])],
                purl=PackageURL("pypi", None, name, version),
            )
        )
    return components
