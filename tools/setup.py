# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prepare the checkout: the virtual environment, the pinned requirements, the collection's path.

`pyproject.toml` names the groups of requirements, `requirements.txt` pins all of them with hashes. pip
installs uv from there, uv installs the group.

The system's own ``python3`` runs this file (`tools/setup.sh` finds it), so it uses the standard library
only and nothing newer than Python 3.7 outside annotations: a user of an old Python gets a sentence
instead of a traceback.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import fcntl
import hashlib
import json
import os
import platform
import pwd
import re
import shlex
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
GROUPS = ("run", "collection", "lab", "package", "test", "check", "mutants")
# The packages of Kerberos are compiled. They come with `KERBEROS_WITH` and larger groups, where these programs are.
KERBEROS, KERBEROS_WITH = "kerberos", "test"
KERBEROS_PROGRAMS = ("krb5-config", "gcc")
# They only pass calls on: without optimization they compile in less than half of the time.
QUICK_COMPILER = {"CFLAGS": "-O0 -g0"}
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
    if wanted and not re.fullmatch(r"python3(\.\d+)?", wanted):
        return f"{wanted} is no CPython 3.11 or newer. Name another one with PYTHON="
    what = f"{wanted} is no" if wanted else "found no"
    return f"{what} CPython 3.11 or newer. Install one: {install_command(wanted or system_python(), parts=False)}"


def install_command(name: str | None, *, parts: bool) -> str:
    """Return the system's command that installs a Python, or the parts that Debian splits off.

    Args:
        name: the command of that Python; None if the system's packages have none that is new enough.
        parts: install only the parts.
    """
    sudo = "" if os.geteuid() == 0 else "sudo "
    if name and shutil.which("apt-get"):
        return f"{sudo}apt-get install " + (f"{name}-venv" if parts else f"{name} {name}-venv")
    if name and shutil.which("dnf"):
        return f"{sudo}dnf install {name}"
    return "see https://www.python.org/downloads/"


def system_python() -> str | None:
    """Return the command of a Python that the system's packages offer and that is new enough; None if there is none.

    Ubuntu 22.04 and Red Hat's systems 8 and 9 have a newer Python beside their default one.
    """
    release = Path("/etc/os-release")
    text = release.read_text(encoding="utf-8") if release.exists() else ""
    if re.search(r'^VERSION_ID="?22\.04"?$', text, re.M):
        return "python3.11"
    default = probe("python3")
    if default is None or default.version >= OLDEST:
        return "python3"
    return "python3.12" if shutil.which("dnf") else None


# --- the virtual environment ----------------------------------------------------------------------


def pinned(*names: str) -> str:
    """Return the lines of the lock file that pin these packages, without conditions on the platform.

    A name may carry a version, `ansible==13.8.0`, where the lock file pins several for different Pythons.

    Raises:
        SetupError: the lock file lacks one of them.
    """
    entries = re.split(r"\n(?=\S)", LOCK.read_text(encoding="utf-8"))
    plain = [re.sub(r" ;[^\\]*", " ", entry, count=1) for entry in entries]
    found = {entry.partition("==")[0]: entry for entry in plain} | {
        entry.split()[0]: entry for entry in plain if entry
    }
    for name in names:
        if name not in found:
            raise SetupError(f"{LOCK.name} does not pin {name}. Pin it: make pins")
    return "\n".join(found[name].rstrip() for name in names) + "\n"


def fingerprint() -> str:
    """Hash everything that decides what a group installs."""
    groups = PROJECT.read_text(encoding="utf-8").partition("[dependency-groups]")[2].partition("\n[")[0]
    digest = hashlib.sha256(f"{ROOT}{groups}{compiles_kerberos()}".encode())
    for path in (LOCK, AGENT / "pyproject.toml"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def compiles_kerberos() -> bool:
    """Tell whether this computer has the programs that compile the packages of Kerberos."""
    return all(shutil.which(program) for program in KERBEROS_PROGRAMS)


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


def run(*command: str, venv: Path | None = None, more: dict[str, str] | None = None) -> None:
    """Run a command whose output matters only when it fails.

    Args:
        command: the program and its arguments.
        venv: the virtual environment that the command fills.
        more: further variables of its environment.

    Raises:
        SetupError: it failed; says why, or carries the end of its output.
    """
    environment = {**os.environ, **(more or {})}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, check=False
    )
    if done.returncode:
        output = done.stdout.decode(errors="replace").strip()
        lines = output.splitlines() or [""]
        sentence = explain_output(output, venv or ROOT)
        if sentence:
            raise SetupError(f"{sentence}\n  {Path(command[0]).name} reports: {lines[-1].strip()}")
        raise SetupError("\n  ".join(["this failed: " + " ".join(command), *lines[-15:]]))


def made_with(venv: Path) -> Path:
    """Return the file that a virtual environment gets last: its place, and the pin of the uv in it."""
    return venv / "uv.txt"


def is_whole(venv: Path) -> bool:
    """Tell whether a virtual environment was made to its end and at this place, and still starts.

    The scripts in a virtual environment name its place: they fail in one that was moved.
    """
    # One whose base interpreter was removed keeps its files, but its link to the interpreter is broken.
    if not ((venv / "bin/python").exists() and (venv / "bin/uv").exists() and made_with(venv).exists()):
        return False
    return made_with(venv).read_text(encoding="utf-8").startswith(f"# {os.path.realpath(str(venv))}\n")


def create(venv: Path, wanted: str | None) -> None:
    """Make a virtual environment on the best interpreter, with nothing but uv in it.

    Raises:
        SetupError: the folder holds something else, which would be lost; or a command failed.
    """
    if venv.exists() and any(venv.iterdir()) and not (venv / "pyvenv.cfg").exists():
        raise SetupError(f"{venv} is no virtual environment and is not empty. Name another folder")
    exe = find_interpreter(wanted)
    say(f"making {venv} with {exe}")
    run(exe, "-m", "venv", "--clear", str(venv), venv=venv)
    pins = venv / "uv.part.txt"
    pins.write_text(f"# {os.path.realpath(str(venv))}\n{pinned('uv')}", encoding="utf-8")
    pip = (str(venv / "bin/python"), "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "install", "--require-hashes", f"--requirement={pins}", venv=venv)
    pins.replace(made_with(venv))


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


def uv_install(uv: Path, venv: Path, *what: str, more: dict[str, str] | None = None) -> None:
    """Let uv install something into a virtual environment.

    Raises:
        SetupError: it failed; carries the end of its output.
    """
    # uv reads its settings in `pyproject.toml` from the project's folder, or from the current one.
    run(
        str(uv), "pip", "install", "--quiet", f"--project={PROJECT.parent}", f"--python={venv / 'bin/python'}",
        *what, venv=venv, more=more,
    )  # fmt: skip


def install_group(
    uv: Path, venv: Path, group: str, *options: str, more: dict[str, str] | None = None
) -> None:
    """Install a group of `pyproject.toml` as the lock file pins it.

    Args:
        uv: the program.
        venv: the virtual environment.
        group: the group's name.
        options: further options of uv.
        more: further variables of its environment.

    Raises:
        SetupError: a download failed, or has none of the pinned hashes.
    """
    # uv compares each download with the hashes of the constraints, and refuses what has none there.
    pins = ("--require-hashes", f"--constraints={LOCK}", f"--group={PROJECT}:{group}")
    uv_install(uv, venv, *pins, *options, more=more)


def install_kerberos(uv: Path, venv: Path, group: str) -> None:
    """Compile the packages of Kerberos for the tests; without them the tests that need them are left out."""
    if GROUPS.index(group) < GROUPS.index(KERBEROS_WITH) or not compiles_kerberos():
        return
    say("compiling the Python packages of Kerberos, for some minutes")
    try:
        install_group(uv, venv, KERBEROS, f"--build-constraints={LOCK}", more=QUICK_COMPILER)
    except SetupError as error:
        say(f"going on without Kerberos, whose tests are left out: {error}")


def install(venv: Path, group: str) -> None:
    """Install a group and the agent itself, editable.

    Raises:
        SetupError: a command failed; carries the end of its output.
    """
    say(f"installing the group {group} of {PROJECT.name}")
    uv = venv / "bin/uv"
    install_group(uv, venv, group)
    install_kerberos(uv, venv, group)
    uv_install(uv, venv, "--no-deps", "--no-build-isolation", f"--editable={AGENT}")
    stamp(venv).write_text(f"{group} {fingerprint()}", encoding="utf-8")


def link_collection() -> None:
    """Let the checkout be found as an Ansible collection below build/collections."""
    link = ROOT / "build/collections/ansible_collections/latchkey/consent"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        # Another set-up may make it at the same moment.
        with contextlib.suppress(FileExistsError):
            link.symlink_to("../../../..", target_is_directory=True)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let one set-up at a time change the checkout; the others wait."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build/setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another set-up of this checkout")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(venv: Path, group: str, wanted: str | None) -> None:
    """Bring the checkout to where a group's commands can run.

    Raises:
        SetupError: a part of the set-up failed.
        OSError: a file or folder cannot be written.
    """
    refuse_colon(venv)
    refuse_full_disk(venv)
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


# --- errors in a sentence --------------------------------------------------------------------------


UNTRUSTED = r"(?i)CERTIFICATE_VERIFY_FAILED|invalid peer certificate|UnknownIssuer"
UNREACHABLE = (
    r"NewConnectionError|ConnectTimeout|ReadTimeout|ProxyError|name resolution|from versions: none"
    r"|dns error|tcp connect error|error sending request|operation timed out"
)
NO_CACHE = r"Failed to initialize cache"
OUTPUTS = {
    UNTRUSTED: "the certificate of the package index is not trusted. Name the file of your organization's "
    "certificates: set PIP_CERT and SSL_CERT_FILE",
    NO_CACHE: "uv cannot write its cache. Name a folder that you can write to: set UV_CACHE_DIR",
    UNREACHABLE: "the package index cannot be reached. Check the network, or name a mirror: set PIP_INDEX_URL "
    "and UV_DEFAULT_INDEX. Then run the command again",
}
"""The errors of pip and uv that have a sentence."""
NO_SPACE = r"No space left on device|Errno 28|os error 28|Disk quota exceeded"
LITTLE_SPACE = 20_000_000
"""Bytes of free space below which a disk counts as full. Some errors do not name the reason: ensurepip's is lost."""
NEEDED_SPACE = "1.5 GB"
"""The largest group and uv's cache of it."""


def explain_output(output: str, venv: Path) -> str | None:
    """Return the sentence for the output of a failed command; None if the reason is not known."""
    if re.search(NO_SPACE, output) or free_space(existing(venv)) < LITTLE_SPACE:
        return explain_full_disk(venv)
    return next((sentence for pattern, sentence in OUTPUTS.items() if re.search(pattern, output)), None)


def explain_full_disk(path: Path) -> str:
    """Return the sentence for a full disk; it names the disk if that is still full."""
    # Path.expanduser raises where there is no home.
    cache = os.environ.get("UV_CACHE_DIR") or os.path.expanduser("~/.cache")  # noqa: PTH111
    temporary = os.environ.get("TMPDIR") or "/tmp"  # noqa: S108 - tempfile refuses a full disk
    places = [existing(place) for place in (path, ROOT / "build", Path(cache), Path(temporary))]
    fullest = min(places, key=free_space)
    if free_space(fullest) < LITTLE_SPACE:
        return f"the disk of {fullest} is full. Free up to {NEEDED_SPACE}, then run the command again"
    look = " ".join(quoted(place) for place in dict.fromkeys(places))
    return f"a disk is full. Find it with df -h {look}, free up to {NEEDED_SPACE}, then run the command again"


def refuse_full_disk(venv: Path) -> None:
    """Refuse to begin on a disk that is nearly full.

    Raises:
        SetupError: names the disk.
    """
    for place in (existing(ROOT / "build"), existing(venv)):
        if free_space(place) < LITTLE_SPACE:
            raise SetupError(explain_full_disk(place))


def free_space(path: Path) -> int:
    """Return the free bytes of a folder's disk."""
    return shutil.disk_usage(str(path)).free


def existing(path: Path) -> Path:
    """Return a path, or the nearest of its folders that the user can see."""
    for place in (path, *path.parents):
        with contextlib.suppress(OSError):
            place.stat()
            return place
    return Path("/")


def explain_os_error(error: OSError) -> str | None:
    """Return the sentence for a file or folder that cannot be written; None for other errors."""
    path = Path(os.fsdecode(error.filename)) if isinstance(error.filename, (str, bytes)) else ROOT
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return explain_full_disk(path)
    if error.errno == errno.EROFS:
        return f"the file system of {path} is read-only. Work in a clone elsewhere: git clone {quoted(ROOT)} ~/latchkey"
    if error.errno == errno.EACCES:
        return explain_denied(existing(path))
    return None


def explain_denied(path: Path) -> str:
    """Return the sentence for a file or folder that the user may not write or run."""
    owner, user = user_name(path.stat().st_uid), user_name(os.geteuid())
    if owner == user and path.name == "uv":
        return f"{path} cannot be started: its file system forbids programs. Name another folder with VENV="
    if owner == user:
        return f"{path} may not be written. Allow it: chmod -R u+rwX {quoted(path)}"
    return (
        f"{path} may not be written: it belongs to {owner}, and you are {user}. Use a clone of your own: "
        f"git clone {quoted(ROOT)} ~/latchkey; or take this one over: sudo chown -R {user} {quoted(ROOT)}"
    )


def user_name(number: int) -> str:
    """Return the name of a user, or the number if it has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def quoted(path: Path) -> str:
    """Return a path as a word of the shell."""
    return shlex.quote(str(path))


def refuse_colon(venv: Path) -> None:
    """Refuse folders that cannot be part of a search path.

    Raises:
        SetupError: the path of the checkout or of the virtual environment has a colon.
    """
    for path in (ROOT, venv):
        if os.pathsep in str(path):
            raise SetupError(
                f"the path {path} has a colon, which separates search paths. Move it to another folder"
            )


def refuse_other_system() -> None:
    """Refuse to prepare the lab on another system than Linux.

    Raises:
        SetupError: this is another system.
    """
    system = platform.system()
    if system != "Linux":
        name = {"Darwin": "macOS"}.get(system, system)
        raise SetupError(
            f"the lab needs Linux, and this computer runs {name}. Use a Linux computer or virtual machine"
        )


def say(text: str) -> None:
    """Tell the person at the terminal what takes time."""
    print(f"setup: {text}", flush=True)


def main(arguments: list[str]) -> int:
    """Prepare what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(description="Prepare this checkout.")
    parser.add_argument("group", choices=(ONLY_UV, *GROUPS))
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("--python", default=None, help="use this interpreter, not the newest")
    parser.add_argument("--lab", action="store_true", help="the command runs PCs of the lab")
    asked = parser.parse_args(arguments)
    try:
        if asked.lab:
            refuse_other_system()
        prepare(asked.venv.absolute(), asked.group, asked.python)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"setup: {explain_os_error(error) or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("setup: interrupted. Run the same command again: it completes the set-up", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
