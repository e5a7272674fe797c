# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare the checkout: the virtual environment, the pinned requirements, the collection's path.

`pyproject.toml` names the groups of requirements, `requirements.txt` pins all of them with hashes. pip
installs uv from there, uv installs the group.

The system's own ``python3`` runs this file, so it uses the standard library only and nothing newer
than Python 3.7 outside annotations: a user of an old Python gets a sentence instead of a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parent.parent
AGENT = ROOT / "agent"
PROJECT = ROOT / "pyproject.toml"
LOCK = ROOT / "requirements.txt"
# Each group contains the ones before it.
GROUPS = ("run", "lab", "package", "test", "check", "mutants")
# Makes the virtual environment with uv in it, and installs no group: enough for `make pins`.
ONLY_UV = "uv"
OLDEST = (3, 11)
# The pinned requirements have wheels up to here; a newer Python serves only where it is alone.
NEWEST_TRIED = (3, 14)
NAMES = ("python3.14", "python3.13", "python3.12", "python3.11", "python3")

PROBE = """
import json, platform, sys
lacking = []
for name in ("ctypes", "ensurepip", "sqlite3", "ssl", "venv"):
    try:
        __import__(name)
    except ImportError:
        lacking.append(name)
fit = platform.python_implementation() == "CPython" and sys.version_info[3] == "final"
json.dump({"version": sys.version_info[:3], "lacking": lacking, "fit": fit}, sys.stdout)
"""


class SetupError(Exception):
    """Says what is missing and the one thing to do about it."""


class Interpreter(NamedTuple):
    """One Python found on this computer."""

    path: str
    version: tuple[int, ...]
    lacking: tuple[str, ...]


# --- which Python ---------------------------------------------------------------------------------


def named_on_path() -> Iterator[str]:
    """Yield the interpreters that the search path offers."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            yield found


def known_to_pyenv() -> Iterator[str]:
    """Yield what pyenv keeps: its shims on the path refuse versions that are not selected."""
    if not shutil.which("pyenv"):
        return
    asked = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=False)
    versions = Path(asked.stdout.strip() or os.devnull) / "versions"
    for exe in sorted(versions.glob("3.*/bin/python3")):
        yield str(exe)


def probe(exe: str) -> Interpreter | None:
    """Ask an interpreter for its version and missing parts; None when it does not serve at all."""
    try:
        asked = subprocess.run([exe, "-I", "-c", PROBE], capture_output=True, timeout=20, check=True)
        told = json.loads(asked.stdout.decode())
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(exe, tuple(told["version"]), tuple(told["lacking"])) if told["fit"] else None


def rank(found: Interpreter) -> tuple[bool, tuple[int, ...]]:
    """Order interpreters: those that the pins were tried on first, among them the newest."""
    return found.version[:2] <= NEWEST_TRIED, found.version


def find_interpreter(wanted: str | None) -> str:
    """Return the newest complete CPython, or the one that was asked for.

    Raises:
        SetupError: none is new enough, or the newest lacks a part of its standard library.
    """
    names: Iterable[str] = [wanted] if wanted else [*named_on_path(), *known_to_pyenv()]
    probed = [found for found in map(probe, dict.fromkeys(names)) if found]
    recent = sorted((found for found in probed if found.version >= OLDEST), key=rank, reverse=True)
    whole = [found.path for found in recent if not found.lacking]
    if whole:
        return whole[0]
    raise SetupError(missing_python(recent, wanted))


def missing_python(recent: list[Interpreter], wanted: str | None) -> str:
    """Say why no Python serves and which command helps."""
    if recent:
        best = recent[0]
        name = "python{}.{}".format(*best.version[:2])
        lacks = ", ".join(best.lacking)
        return f"{best.path} lacks {lacks}. Install it: {install_command(name, parts=True)}"
    what = f"{wanted} is no" if wanted else "found no"
    name = wanted or system_python()
    return f"{what} CPython 3.11 or newer. Install one: {install_command(name, parts=False)}"


def install_command(name: str, *, parts: bool) -> str:
    """Return the system's command that installs a Python, or the parts that Debian splits off."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    if shutil.which("apt-get"):
        return f"{sudo}apt-get install " + (f"{name}-venv" if parts else f"{name} {name}-venv")
    if shutil.which("dnf"):
        return f"{sudo}dnf install {name}"
    return "see https://www.python.org/downloads/"


def system_python() -> str:
    """Return the system's name of a new enough Python: Ubuntu 22.04 has 3.11 beside its default."""
    release = Path("/etc/os-release")
    text = release.read_text(encoding="utf-8") if release.exists() else ""
    return "python3.11" if re.search(r'^VERSION_ID="?22\.04"?$', text, re.M) else "python3"


# --- the virtual environment ----------------------------------------------------------------------


def pinned(*names: str) -> str:
    """Return the lines of the lock file that pin these packages, without conditions on the platform.

    Raises:
        SetupError: the lock file lacks one of them.
    """
    entries = re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8"))
    found = {entry.partition("==")[0]: re.sub(r" ;[^\\]*", " ", entry, count=1) for entry in entries}
    for name in names:
        if name not in found:
            raise SetupError(f"{LOCK.name} does not pin {name}. Pin it: make pins")
    return "\n".join(found[name].rstrip() for name in names) + "\n"


def fingerprint() -> str:
    """Hash everything that decides what a group installs."""
    groups = PROJECT.read_text(encoding="utf-8").partition("[dependency-groups]")[2].partition("\n[")[0]
    digest = hashlib.sha256(f"{ROOT}{groups}".encode())
    for path in (LOCK, AGENT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def stamp(venv: Path) -> Path:
    """Return the file that names the group installed last, and what it was installed from."""
    return venv / "latchkey.stamp"


def is_current(venv: Path, group: str) -> bool:
    """Tell whether a group, or one that contains it, is installed just as the lock file says."""
    if not is_whole(venv):
        return False
    if group == ONLY_UV:
        return True
    told = stamp(venv).read_text(encoding="utf-8") if stamp(venv).exists() else ""
    installed, _, source = told.partition(" ")
    return source == fingerprint() and installed in GROUPS[GROUPS.index(group) :]


def run(*command: str) -> None:
    """Run a command whose output matters only when it fails.

    Raises:
        SetupError: it failed; carries the end of its output.
    """
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        said = done.stdout.decode(errors="replace").strip().splitlines()[-15:]
        raise SetupError("\n  ".join(["this failed: " + " ".join(command), *said]))


def is_whole(venv: Path) -> bool:
    """Tell whether a virtual environment was made to its end, which is uv, and still starts."""
    # One whose base interpreter was removed keeps its files, but its link to the interpreter is broken.
    return (venv / "bin/python").exists() and (venv / "bin/uv").exists()


def create(venv: Path, wanted: str | None) -> None:
    """Make a virtual environment on the best interpreter, with nothing but uv in it.

    Raises:
        SetupError: the folder holds something else, which would be lost; or a command failed.
    """
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
        raise SetupError(f"{venv} is no virtual environment and is not empty. Name another folder")
    exe = find_interpreter(wanted)
    say(f"making {venv} with {exe}")
    run(exe, "-m", "venv", "--clear", str(venv))
    pins = venv / "uv.txt"
    pins.write_text(pinned("uv"), encoding="utf-8")
    pip = (str(venv / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--require-hashes", f"--requirement={pins}")


def refuse_other_python(venv: Path, wanted: str) -> None:
    """Refuse to go on with a virtual environment of another Python than the one asked for.

    Raises:
        SetupError: the versions differ.
    """
    asked = probe(find_interpreter(wanted))
    config = re.search(r"^version *= *(\S+)", (venv / "pyvenv.cfg").read_text(encoding="utf-8"), re.M)
    has = config.group(1) if config else "unknown"
    if asked and has != ".".join(map(str, asked.version)):
        raise SetupError(f"{venv} is of Python {has}, not of {wanted}. Name another folder with VENV=")


def uv_install(uv: Path, venv: Path, *what: str) -> None:
    """Let uv install something into a virtual environment.

    Raises:
        SetupError: it failed; carries the end of its output.
    """
    # uv reads its settings in `pyproject.toml` from the project's folder, or from the current one.
    run(
        str(uv), "pip", "install", "--quiet", f"--project={PROJECT.parent}", f"--python={venv / 'bin/python'}",
        *what,
    )  # fmt: skip


def install_group(uv: Path, venv: Path, group: str) -> None:
    """Install a group of `pyproject.toml` as the lock file pins it.

    Raises:
        SetupError: a download failed, or has none of the pinned hashes.
    """
    # uv compares each download with the hashes of the constraints, and refuses what has none there.
    uv_install(uv, venv, "--require-hashes", f"--constraints={LOCK}", f"--group={PROJECT}:{group}")


def install(venv: Path, group: str) -> None:
    """Install a group and the agent itself, editable.

    Raises:
        SetupError: a command failed; carries the end of its output.
    """
    say(f"installing the group {group} of {PROJECT.name}")
    uv = venv / "bin/uv"
    install_group(uv, venv, group)
    uv_install(uv, venv, "--no-deps", "--no-build-isolation", f"--editable={AGENT}")
    stamp(venv).write_text(f"{group} {fingerprint()}", encoding="utf-8")


def link_collection() -> None:
    """Let the checkout be found as an Ansible collection below build/collections."""
    link = ROOT / "build/collections/ansible_collections/latchkey/consent"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("../../../..", target_is_directory=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one set-up at a time change the checkout; the others wait."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build/setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(venv: Path, group: str, wanted: str | None) -> None:
    """Bring the checkout to where a group's commands can run."""
    link_collection()
    if wanted and is_whole(venv):
        refuse_other_python(venv, wanted)
    if is_current(venv, group):
        return
    with alone():
        if not is_whole(venv):
            create(venv, wanted)
        if not is_current(venv, group):
            install(venv, group)


def say(text: str) -> None:
    """Tell the person at the terminal what takes time."""
    print(f"setup: {text}", flush=True)


def main(arguments: list[str]) -> int:
    """Prepare what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description="Prepare this checkout.")
    parser.add_argument("group", choices=(ONLY_UV, *GROUPS))
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--python", default=None, help="use this interpreter, not the newest")
    asked = parser.parse_args(arguments)
    try:
        prepare(asked.venv.absolute(), asked.group, asked.python)
    except (SetupError, OSError) as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
