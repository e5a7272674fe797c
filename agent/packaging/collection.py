# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball and installs it. Every build machine gives the same bytes.

`python -m agent.packaging.collection` builds the tarball alone, without the programs that the MSI needs.
"""

from __future__ import annotations

import argparse
import gzip
import shlex
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from tools.sanity import CheckoutError, released_files

from . import hashes, product_identity
from .workshop import ROOT, WorkError, run

GALAXY = Path(sys.executable).with_name("ansible-galaxy")


def build(output: Path) -> Path:
    """Build the collection into a folder, which is created if needed; return the tarball.

    Raises:
        WorkError: the checkout is not a git clone, or ansible-galaxy refuses.
    """
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output) as name:
        work = Path(name)
        tree = work / "tree"
        for file in _files():
            target = tree / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / file, target)
        run([GALAXY, "collection", "build", "--output-path", work, tree])
        (made,) = work.glob("*.tar.gz")
        target = output / made.name
        _settle(made, target)
    return target


def install(tarball: Path, collections: Path) -> Path:
    """Install a tarball as its users do, without a network; return the folder of the collection.

    Args:
        tarball: the result of `build`.
        collections: the folder to name in `ANSIBLE_COLLECTIONS_PATH`. An installed collection is replaced.

    Raises:
        WorkError: ansible-galaxy refuses.
    """
    run([GALAXY, "collection", "install", "--offline", "--force", "--collections-path", collections, tarball])
    return collections / "ansible_collections" / "latchkey" / "consent"


def _files() -> list[str]:
    try:
        return released_files()
    except CheckoutError as error:
        raise WorkError(str(error)) from None


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


def main() -> int:
    """Build the tarball and the hashes of its folder; return the exit code."""
    parser = argparse.ArgumentParser(prog="agent.packaging.collection", description="Build the collection.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    output = parser.parse_args().output
    try:
        tarball = build(output)
        for former in set(output.glob("latchkey-consent-*.tar.gz")) - {tarball}:
            former.unlink()
        hashes.write(output)
    except WorkError as error:
        print(f"collection: {error}", file=sys.stderr)
        return 1
    print(tarball)
    print(
        f"Install it where your ansible-core is: ansible-galaxy collection install {shlex.quote(str(tarball))}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
