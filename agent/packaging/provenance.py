# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes how artefacts were built: an in-toto statement (v1) with SLSA's provenance (v1) as its predicate.

The statement is not signed, and says so. Its value is the commit and the digests: build the commit again and compare.
Formats: in-toto.io/Statement/v1 and slsa.dev/provenance/v1.
"""

from __future__ import annotations

import json
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any

from tools import public_addresses

from . import product_identity
from .workshop import ROOT, git

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

UNSIGNED = "none. Build the commit again and compare the digests."


def write(target: Path, command: str, subjects: Iterable[Path], bills: Iterable[Path] = ()) -> None:
    """Write the statement about some artefacts.

    Args:
        target: the file to write.
        command: the command of the Makefile that built them.
        subjects: the artefacts.
        bills: bills of materials (CycloneDX JSON) of the foreign parts that were built into the artefacts.

    Raises:
        WorkError: git cannot tell the commit.
    """
    repository = public_addresses.read()["repository"]
    parts = [
        _foreign(part)
        for bill in bills
        for part in json.loads(bill.read_text(encoding="utf-8"))["components"]
    ]
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [_file(path) for path in subjects],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": f"{repository}#make",
                "externalParameters": {"command": command},
                "internalParameters": {
                    "SOURCE_DATE_EPOCH": product_identity.build_moment(),
                    "signature": UNSIGNED,
                },
                "resolvedDependencies": [_source(repository), _file(ROOT / "requirements.txt"), *parts],
            },
            "runDetails": {
                "builder": {
                    "id": f"{repository}#unsigned-build",
                    "version": {
                        "python": platform.python_version(),
                        "ansible-core": metadata.version("ansible-core"),
                    },
                }
            },
        },
    }
    target.write_text(json.dumps(statement, indent=2) + "\n", encoding="utf-8")


def _file(path: Path) -> dict[str, Any]:
    return {"name": path.name, "digest": {"sha256": product_identity.file_digest(path)}}


def _source(repository: str) -> dict[str, Any]:
    """Return the commit, with the number of files that differ from it."""
    changed = git("status", "--porcelain").splitlines()
    return {
        "uri": f"git+{repository}",
        "digest": {"gitCommit": git("rev-parse", "HEAD").strip()},
        "annotations": {"files_that_differ_from_the_commit": len(changed)},
    }


def _foreign(part: dict[str, Any]) -> dict[str, Any]:
    """Return a component of a bill of materials as a dependency."""
    digests = {one["alg"].lower().replace("-", ""): one["content"] for one in part.get("hashes", [])}
    described = {"name": part["name"], "annotations": {"version": part.get("version", "")}}
    return (
        described
        | ({"uri": part["purl"]} if "purl" in part else {})
        | ({"digest": digests} if digests else {})
    )
