# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs other programs, and caches their results."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.sanity import NO_GIT

from .system_tools import install_command

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "build" / "packaging"


class WorkError(Exception):
    """A part could not be built. The text has the reason and the remedy."""


def git(*words: str) -> str:
    """Run git in the checkout; return its output.

    Raises:
        WorkError: git is not installed, or refuses.
    """
    command = ["git", *words]
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except FileNotFoundError:
        raise WorkError(NO_GIT) from None
    except subprocess.CalledProcessError as failure:
        msg = f"git {words[0]} failed in {ROOT}: {failure.stderr.strip()}. Work in a clone"
        raise WorkError(msg) from None


def run(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    limit: float = 600.0,
) -> str:
    """Run a program to its end and return its standard output.

    Args:
        command: the program and its arguments.
        environment: replaces the environment; None keeps it.
        folder: the working directory; None keeps it.
        limit: seconds after which the program is ended.

    Raises:
        WorkError: the program is missing, it failed, or it took longer than `limit`.
    """
    name = Path(command[0]).name
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, timeout=limit, check=True, text=True,
            stdin=subprocess.DEVNULL, capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        msg = f"{name} is not on the path: {install_command([name])}"
        raise WorkError(msg) from None
    except subprocess.CalledProcessError as failure:
        output = f"{failure.stdout or ''}\n{failure.stderr or ''}".strip()[-6000:]
        msg = f"{name} failed with exit code {failure.returncode}: {output}"
        raise WorkError(msg) from None
    except subprocess.TimeoutExpired:
        msg = f"{name} did not end within {limit:.0f} s"
        raise WorkError(msg) from None
    return done.stdout


def zig(*arguments: str | Path) -> None:
    """Run the toolchain of the ziglang wheel. Its caches are in the checkout's build folder.

    Raises:
        WorkError: the wheel is missing, or the toolchain failed.
    """
    cache = str(ROOT / "build" / "native" / "zig-cache")
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    run([sys.executable, "-m", "ziglang", *arguments], environment=environment)


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
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def made_once(name: str, key: str, make: Callable[[Path], None], cache: Path = CACHE) -> Path:
    """Return the cached folder `name-key`. Build it if it does not exist.

    A folder gets its final name only when it is complete. Older folders of the
    same name are removed to free disk space.

    Args:
        name: the name of the part.
        key: the fingerprint of everything that the part is built from.
        make: builds the part in the given folder.
        cache: the folder of the cache.
    """
    final = cache / f"{name}-{key}"
    with _locked(cache / f"{name}.lock"):
        if final.is_dir():
            return final
        for stale in cache.glob(f"{name}-*"):
            shutil.rmtree(stale)
        unfinished = cache / f"{name}-{key}.{os.getpid()}"
        make(unfinished)
        unfinished.rename(final)
    return final
