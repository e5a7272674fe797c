# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball. Every build machine gives the same bytes."""

from __future__ import annotations

import gzip
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.sanity import released_files

from . import product_identity
from .workshop import ROOT, run


def build(output: Path) -> Path:
    """Build the collection into a folder; return the tarball.

    Raises:
        WorkError: ansible-galaxy refuses.
    """
    with tempfile.TemporaryDirectory(dir=output) as name:
        work = Path(name)
        tree = work / "tree"
        for file in released_files():
            target = tree / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)
        galaxy = Path(sys.executable).with_name("ansible-galaxy")
        run([galaxy, "collection", "build", "--output-path", work, tree])
        (made,) = work.glob("*.tar.gz")
        target = output / made.name
        _settle(made, target)
    return target


def _settle(source: Path, target: Path) -> None:
    """Copy a tarball with fixed dates, owners and order, which would differ between builds."""
    moment = product_identity.build_moment()
    with (
        tarfile.open(source) as made,
        target.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=moment) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as settled,
    ):
        for member in sorted(made.getmembers(), key=lambda member: member.name):
            member.mtime = moment
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.pax_headers = {}
            settled.addfile(member, made.extractfile(member) if member.isfile() else None)
