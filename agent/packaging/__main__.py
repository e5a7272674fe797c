# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m agent.packaging`: build the whole release in one folder."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import (
    authenticode,
    collection,
    database,
    hashes,
    launcher,
    product,
    product_identity,
    provenance,
    sbom,
)
from .provider_build import build_provider
from .system_tools import PACKAGE
from .workshop import CACHE, ROOT, WorkError


def make_package(output: Path, version: str, credentials: Path | None = None) -> Path:
    """Build the MSI and its bill of materials; return the MSI.

    Args:
        output: the folder to write to.
        version: the product's version, as `1.2.3`.
        credentials: the certificate and key for `authenticode.sign`; None leaves the MSI unsigned.

    Raises:
        WorkError: a part cannot be downloaded or built.
    """
    target = output / f"latchkey-agent-{version}-x64.msi"
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name, "product")
        product.lay_out(folder, version, build_provider())
        if credentials is not None:
            for part in (launcher.PROGRAM, product.FORWARDER, product.PROVIDER):
                if (folder / part).exists():
                    authenticode.sign(folder / part, credentials)
        database.make(target, folder, version)
    if credentials is not None:
        authenticode.sign(target, credentials)
    sbom.write(target.with_suffix(".cdx.json"), target, version)
    return target


def _need_programs() -> None:
    if missing := PACKAGE.missing():
        raise WorkError(missing)


def _clear(output: Path) -> None:
    """Create the folder if it does not exist, and remove only the files of earlier builds."""
    output.mkdir(parents=True, exist_ok=True)
    for former in (*output.glob("latchkey-*"), output / "SHA256SUMS"):
        former.unlink(missing_ok=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="agent.packaging", description="Build the whole release.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument(
        "--sign", type=Path, default=None, metavar="FILE", help="certificate and key to sign with"
    )
    return parser.parse_args()


def main() -> int:
    """Build the whole release; return the exit code."""
    options = _arguments()
    began = time.monotonic()
    try:
        _need_programs()
        _clear(options.output)
        made = make_package(options.output, product_identity.version(), options.sign)
        tarball = collection.release(options.output)
        bill = made.with_suffix(".cdx.json")
        provenance.write(made.with_suffix(".provenance.json"), "make package", [made, bill], [bill])
        sums = hashes.write(options.output)
    except WorkError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    signed = f"signed with {options.sign.name}" if options.sign else "not signed"
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB, {signed})")
    print(tarball, sums, sep="\n")
    print(f"package: built in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
