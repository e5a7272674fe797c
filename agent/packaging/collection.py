# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection's tarball and installs it. The same files give the same bytes, if zlib is the same.

`python -m agent.packaging.collection` builds the tarball, its bill of materials and its provenance, without the
programs that the MSI needs.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import shlex
import shutil
import sys
import tarfile
import tempfile
from pathlib import Path

from tools import public_addresses
from tools.sanity import CheckoutError, released_files

from . import hashes, product_identity, provenance
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
        _lead_links(tree / "README.md")
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


def release(output: Path) -> Path:
    """Build the tarball, its bill of materials, its provenance and the hashes of the folder; return the tarball.

    Raises:
        WorkError: the tarball cannot be built.
    """
    tarball = build(output)
    for former in set(output.glob("latchkey-consent-*")) - {tarball}:
        former.unlink()
    describe(tarball)
    provenance.write(
        beside(tarball, "provenance.json"), "make collection", [tarball, beside(tarball, "cdx.json")]
    )
    hashes.write(output)
    return tarball


def describe(tarball: Path) -> Path:
    """Write the bill of materials beside a tarball; return it.

    Raises:
        WorkError: the build's moment cannot be found.
    """
    # The lab builds tarballs, too, and needs no bill.
    from . import collection_sbom  # noqa: PLC0415

    bill = beside(tarball, "cdx.json")
    collection_sbom.write(bill, tarball, product_identity.version())
    return bill


def beside(tarball: Path, ending: str) -> Path:
    """Return the path of a file that describes a tarball."""
    return tarball.with_name(f"{tarball.name.removesuffix('.tar.gz')}.{ending}")


def _lead_links(readme: Path) -> None:
    """Give the README full links, once there is a place that they can lead to."""
    known = public_addresses.read()
    if not public_addresses.are_reserved(known):
        text = public_addresses.with_full_links(readme.read_text(encoding="utf-8"), known["documentation"])
        readme.write_text(text, encoding="utf-8")


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
        lists = _ordered_lists(made)
        for member in sorted(made.getmembers(), key=lambda member: member.name):
            member.mtime = moment
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.pax_headers = {}
            content = lists.get(member.name) or (_content(made, member) if member.isfile() else None)
            member.size = len(content or b"")
            settled.addfile(member, io.BytesIO(content) if content is not None else None)


def _ordered_lists(made: tarfile.TarFile) -> dict[str, bytes]:
    """Return both lists of files that ansible-galaxy writes, in order: it takes the order of the file system."""
    files = json.loads(_content(made, made.getmember("FILES.json")))
    files["files"].sort(key=lambda file: str(file["name"]))
    listed = json.dumps(files, indent=True).encode()
    manifest = json.loads(_content(made, made.getmember("MANIFEST.json")))
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(listed).hexdigest()
    return {"FILES.json": listed, "MANIFEST.json": json.dumps(manifest, indent=True).encode()}


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read() if file else b""


def main() -> int:
    """Build the tarball and the hashes of its folder; return the exit code."""
    parser = argparse.ArgumentParser(prog="agent.packaging.collection", description="Build the collection.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    output = parser.parse_args().output
    try:
        tarball = release(output)
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
