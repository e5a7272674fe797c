# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source distributions of pywinrm and pypsrp, in the versions of `requirements.txt`; they contain their tests."""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

from agent.packaging.workshop import WorkError, fingerprint, made_once, run
from tools import setup

if TYPE_CHECKING:
    from collections.abc import Mapping

CACHE = setup.ROOT / "build" / "matrix-clients"
NAMES = ("pypsrp", "pywinrm")
BACKEND = Path(__file__).with_name("pip_backend")


class Missing(Exception):
    """A source distribution is neither in the cache nor could it be downloaded. The text has reason and remedy."""


def unpacked() -> Mapping[str, Path]:
    """Return the folder of each source distribution, by the package's name. Download those that the cache lacks.

    Raises:
        Missing: the download failed, or its hash is not a pinned one.
    """
    pins = setup.pinned(*NAMES)
    try:
        folder = made_once("sources", fingerprint(pins), lambda target: _fetch(pins, target), CACHE)
    except WorkError as error:
        last = str(error).strip().splitlines()[-1]
        raise Missing(
            f"the source distributions of pypsrp and pywinrm could not be downloaded ({last}); "
            "connect this computer to the package index and run `make matrix` again"
        ) from None
    return {name: next(folder.glob(f"{name}-*/")) for name in NAMES}


def _fetch(pins: str, target: Path) -> None:
    target.mkdir(parents=True)
    listed = target / "pins.txt"
    listed.write_text(pins, encoding="utf-8")
    run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--retries=1", "download",
         "--no-deps", "--no-binary=:all:", "--no-build-isolation", "--require-hashes",
         f"--dest={target}", f"--requirement={listed}"],
        environment=os.environ | {"PYTHONPATH": str(BACKEND)},
        limit=120.0,
    )  # fmt: skip
    for archive in target.glob("*.tar.gz"):
        with tarfile.open(archive) as files:
            files.extractall(target, filter="data")
        archive.unlink()
