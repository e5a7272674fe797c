# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m agent.packaging`: everything that is released, in one folder."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from . import authenticode, collection, database, launcher, product, product_identity, sbom
from .provider_build import build_provider
from .system_tools import PACKAGE
from .workshop import CACHE, ROOT, WorkError


def make_package(output: Path, version: str, credentials: Path | None = None) -> Path:
    """Make the MSI and its bill of materials; return the MSI.

    Args:
        output: the folder to write to.
        version: the product's, as `1.2.3`.
        credentials: what to sign with (`signing.sign`); None leaves it unsigned.

    Raises:
        WorkError: a part cannot be had or made.
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


def write_hashes(output: Path) -> Path:
    """Write the SHA-256 of every file of a folder as sha256sum reads it; return the file."""
    target = output / "SHA256SUMS"
    files = sorted(path for path in output.iterdir() if path.is_file() and path != target)
    lines = [f"{product_identity.file_digest(file)}  {file.name}\n" for file in files]
    target.write_text("".join(lines), encoding="utf-8")
    return target


def _need_programs() -> None:
    if lacking := PACKAGE.missing():
        raise WorkError(lacking)


def _clear(output: Path) -> None:
    """Make the folder if need be, and remove what an earlier build left there; nothing else."""
    output.mkdir(parents=True, exist_ok=True)
    for former in (*output.glob("latchkey-*"), output / "SHA256SUMS"):
        former.unlink(missing_ok=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="agent.packaging", description="Make everything that is released.")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", metavar="FOLDER")
    parser.add_argument(
        "--sign", type=Path, default=None, metavar="FILE", help="certificate and key to sign with"
    )
    return parser.parse_args()


def main() -> int:
    """Make everything; return the exit code."""
    options = _arguments()
    began = time.monotonic()
    try:
        _need_programs()
        _clear(options.output)
        made = make_package(options.output, product_identity.version(), options.sign)
        tarball = collection.build(options.output)
        sums = write_hashes(options.output)
    except WorkError as error:
        print(f"package: {error}", file=sys.stderr)
        return 1
    signed = f"signed with {options.sign.name}" if options.sign else "not signed"
    print(f"{made} ({made.stat().st_size / 1e6:.1f} MB, {signed})")
    print(tarball, sums, sep="\n")
    print(f"package: made in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
