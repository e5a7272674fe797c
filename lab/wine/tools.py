# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Debian programs that the Wine PC is made with, and the cache of what they make."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "wine"
PACKAGES = {
    "wine": "wine",
    "wineserver": "wine",
    "mvn": "maven",
    "x86_64-w64-mingw32-dlltool": "binutils-mingw-w64-x86-64",
}
"""Each program that must be on the path, and Debian's package of it."""


class WineLabError(Exception):
    """The Wine PC could not be made or run; the text says what to do."""


def missing() -> str | None:
    """Return one sentence that says what a Wine PC lacks here; None when nothing is."""
    lacking = sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})
    if not lacking:
        return None
    return f"no Wine PC here: apt-get install --no-install-recommends {' '.join(lacking)}"


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    limit: float = 300.0,
) -> str:
    """Run a program to its end and return what it printed.

    Args:
        command: the program and its arguments.
        environment: replaces the environment; None keeps it.
        folder: where to run it.
        limit: seconds until it is ended.

    Raises:
        WineLabError: it failed, or took longer than `limit`.
    """
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, timeout=limit, check=True, text=True,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
    except subprocess.CalledProcessError as failure:
        told = f"{failure.stdout or ''}\n{failure.stderr or ''}".strip()[-6000:]
        msg = f"{Path(command[0]).name} ended with {failure.returncode}: {told}"
        raise WineLabError(msg) from None
    except subprocess.TimeoutExpired:
        msg = f"{Path(command[0]).name} was not done after {limit:.0f} s"
        raise WineLabError(msg) from None
    return done.stdout


def fingerprint(*parts: str | Path) -> str:
    """Return a short hash of texts and of the contents of files."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.read_bytes() if isinstance(part, Path) else part.encode()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()[:16]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def made_once(name: str, key: str, make: Callable[[Path], None]) -> Path:
    """Return the cached folder `name-key`; `make` fills it if it is not there yet.

    An unfinished folder never gets the final name, and older ones of the same
    name are removed: they would only take up room.
    """
    final = CACHE / f"{name}-{key}"
    with _locked(CACHE / f"{name}.lock"):
        if final.is_dir():
            return final
        for stale in CACHE.glob(f"{name}-*"):
            shutil.rmtree(stale)
        unfinished = CACHE / f"{name}-{key}.{os.getpid()}"
        make(unfinished)
        unfinished.rename(final)
    return final
