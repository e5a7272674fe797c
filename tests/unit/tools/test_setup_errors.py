# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A set-up that cannot succeed says why, and what to do, in a sentence."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import platform
import shlex
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab.wsman import tls
from tests.waiting import eventually
from tools import setup

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

ROOT = setup.ROOT
SHELL = "/bin/sh"
UV = Path(sys.executable).with_name("uv")
NO_SERVER = "http://127.0.0.1:9/simple"
"""The discard port (RFC 863): no program listens there."""


def program(folder: Path, name: str, script: str) -> Path:
    """Put a shell script into a folder that is a search path."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{SHELL}\n{script}\n")
    path.chmod(0o755)
    return path


def start(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run tools/setup.sh with this search path."""
    command = [SHELL, str(ROOT / "tools/setup.sh"), *arguments]
    return subprocess.run(
        command, env={"PATH": str(path)}, cwd="/", capture_output=True, text=True, check=False
    )


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the checkout."""
    folder = tmp_path / "checkout"
    (folder / "build").mkdir(parents=True)
    monkeypatch.setattr(setup, "ROOT", folder)
    return folder


# --- which Python ---------------------------------------------------------------------------------


def test_no_python_is_said_with_the_commands(tmp_path: Path) -> None:
    """Without any Python, the sentence names the commands of two systems and the page for others."""
    done = start(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(
        "setup: found no CPython 3.11 or newer. Install one: apt-get install python3"
    )
    assert done.stderr.count("\n") == 1


def test_a_python_too_old_to_read_the_set_up_is_passed_over(tmp_path: Path) -> None:
    """A newer Python beside an old default one runs the set-up; if there is none, the same sentence is said."""
    this = shlex.quote(sys.executable)
    old = f'exec {this} -c "import sys; sys.version_info = (3, 6, 15)\n$2"'
    program(tmp_path / "bin", "python3", old)
    assert start(tmp_path / "bin").stderr.startswith("setup: found no CPython")
    program(tmp_path / "bin", "python3.11", f'exec {this} "$@"')
    assert (
        "PYTHON=" in start(tmp_path / "bin", "--python", "nope", "--venv", str(tmp_path / "v"), "run").stderr
    )


@pytest.mark.parametrize(
    ("manager", "advice"),
    [("apt-get", "see https://www.python.org/downloads/"), ("dnf", "dnf install python3.12")],
)
def test_an_old_system_is_not_sent_to_the_python_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: str, advice: str
) -> None:
    """Where the system's own Python is too old, installing it again is no advice."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    program(tmp_path, "python3", """echo '{"version": [3, 9, 2], "lacking": [], "fit": true}'""")
    program(tmp_path, manager, "exit 0")
    with pytest.raises(setup.SetupError) as caught:
        setup.find_interpreter(None)
    assert str(caught.value) == f"found no CPython 3.11 or newer. Install one: {advice}"


def test_the_lab_needs_linux(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On macOS a command of the lab ends with a sentence before it changes anything."""
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(setup, "prepare", lambda *_: pytest.fail("prepared"))
    assert setup.main(["--lab", "run"]) == 1
    sentence = "the lab needs Linux, and this computer runs macOS. Use a Linux computer or virtual machine"
    assert capsys.readouterr().err == f"setup: {sentence}\n"


@pytest.mark.parametrize("target", ["demo", "test", "explore", "unkind", "nights", "matrix", "bench"])
def test_commands_of_the_lab_say_that_they_are(target: str) -> None:
    """Their set-up refuses other systems."""
    assert "--lab" in dry_run(target)


@pytest.mark.parametrize("target", ["check", "format", "package", "collection", "pins"])
def test_other_commands_are_not_refused(target: str) -> None:
    """They do not need the lab."""
    assert "--lab" not in dry_run(target)


def test_folders_with_spaces_reach_the_set_up() -> None:
    """VENV and PYTHON may have spaces."""
    told = dry_run("demo", "VENV=/a b/v", "PYTHON=/a b/python3")
    assert '--venv "/a b/v" --python "/a b/python3"' in told
    assert '"/a b/v/bin/python" -m' in told


def dry_run(*words: str) -> str:
    """Return the commands that make would run."""
    return subprocess.run(
        ["make", "--dry-run", *words],
        cwd=ROOT, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


# --- network, disk, permissions -------------------------------------------------------------------


CLIENTS = pytest.mark.parametrize(
    "command",
    [
        (sys.executable, "-m", "pip", "download", "--no-deps", "--dest", "{}", "no-such-package"),
        (str(UV), "pip", "install", "--target", "{}", "no-such-package"),
    ],
    ids=["pip", "uv"],
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Names the index for pip and uv, which try it once and have no cache."""
    for name, value in (
        ("PIP_RETRIES", "0"),
        ("UV_HTTP_RETRIES", "0"),
        ("UV_CACHE_DIR", str(tmp_path / "cache")),
    ):
        monkeypatch.setenv(name, value)

    def use(address: str) -> None:
        for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX"):
            monkeypatch.setenv(name, address)

    return use


@CLIENTS
def test_an_index_out_of_reach_is_said(
    tmp_path: Path, index: Callable[[str], None], command: tuple[str, ...]
) -> None:
    """Pip and uv without a network: the sentence says what to check and how to name a mirror."""
    index(NO_SERVER)
    with pytest.raises(setup.SetupError, match=r"^the package index cannot be reached.*UV_DEFAULT_INDEX"):
        setup.run(*(word.format(tmp_path) for word in command))


@CLIENTS
def test_an_index_with_an_unknown_certificate_is_said(
    tmp_path: Path, index: Callable[[str], None], command: tuple[str, ...]
) -> None:
    """As behind the proxy of an organization: the sentence names the two variables for its certificates."""
    context = tls.server_context(tls.make_certificate(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=refused_by_client, args=(listener, context))
        thread.start()
        index(f"https://localhost:{listener.getsockname()[1]}/simple")
        with pytest.raises(setup.SetupError, match=r"^the certificate of the package index is not trusted"):
            setup.run(*(word.format(tmp_path) for word in command))
        thread.join(30)


def refused_by_client(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Offer the certificate to one client, which ends the handshake."""
    connection, _ = listener.accept()
    with connection, contextlib.suppress(OSError):
        context.wrap_socket(connection, server_side=True)


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for an account whose home does not exist."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "file/cache"))
    with pytest.raises(setup.SetupError, match=r"^uv cannot write its cache.*set UV_CACHE_DIR"):
        setup.run(str(UV), "pip", "install", "--target", str(tmp_path), "no-such-package")


def test_an_unknown_failure_shows_the_output() -> None:
    """A reason without a sentence is shown as the command gave it."""
    with pytest.raises(setup.SetupError, match=r"this failed: sh -c .*\n  something else$"):
        setup.run("sh", "-c", "echo something else; exit 1")


def test_a_full_disk_is_said() -> None:
    """A command that could not write says so, and how to find the disk."""
    with pytest.raises(setup.SetupError, match=r"^a disk is full\. Find it with df -h .*, free up to"):
        setup.run("sh", "-c", "echo x | cat > /dev/full")


def test_a_set_up_does_not_begin_on_a_full_disk(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is named, and the checkout is left as it is."""
    monkeypatch.setattr(setup, "free_space", lambda path: 0 if path == checkout / "build" else 10**12)
    with pytest.raises(setup.SetupError, match=rf"^the disk of {checkout}/build is full"):
        setup.prepare(checkout / ".venv", "run", None)
    assert [path.name for path in checkout.rglob("*")] == ["build"]


def test_a_file_of_another_user_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names both users and two ways out."""
    owner = setup.user_name(checkout.stat().st_uid)
    monkeypatch.setattr(os, "geteuid", lambda: 65533)
    told = setup.explain_os_error(PermissionError(errno.EACCES, "denied", str(checkout / "build/gone/x")))
    assert told is not None
    assert told.startswith(f"{checkout}/build may not be written: it belongs to {owner}, and you are 65533.")
    assert f"git clone {checkout} ~/latchkey" in told
    assert f"sudo chown -R 65533 {checkout}" in told


def test_an_own_file_that_is_locked_is_said(checkout: Path) -> None:
    """The command that allows writing is named, with the path as a word of the shell."""
    folder = checkout / "a b"
    folder.mkdir()
    told = setup.explain_os_error(PermissionError(errno.EACCES, "denied", str(folder / "x")))
    assert told == f"{folder} may not be written. Allow it: chmod -R u+rwX '{folder}'"


def test_a_disk_without_programs_is_said(checkout: Path) -> None:
    """A virtual environment on a file system that is mounted noexec."""
    (checkout / "uv").touch()
    told = setup.explain_os_error(PermissionError(errno.EACCES, "denied", str(checkout / "uv")))
    assert told is not None
    assert told.endswith("its file system forbids programs. Name another folder with VENV=")


def test_a_disk_that_is_read_only_is_said(checkout: Path) -> None:
    """The sentence names the folder and the clone elsewhere."""
    told = setup.explain_os_error(OSError(errno.EROFS, "read-only", str(checkout)))
    assert told == (
        f"the file system of {checkout} is read-only. Work in a clone elsewhere: git clone {checkout} ~/latchkey"
    )


def test_a_colon_in_the_path_is_said(checkout: Path) -> None:
    """A colon ends a folder in each search path; the checkout is left as it is."""
    with pytest.raises(setup.SetupError, match="has a colon"):
        setup.prepare(checkout / "a:b", "run", None)
    assert [path.name for path in checkout.rglob("*")] == ["build"]


# --- interruption, moves, two at once -------------------------------------------------------------


def test_ctrl_c_ends_the_set_up_with_a_sentence(tmp_path: Path) -> None:
    """A set-up that is interrupted while a program runs shows no traceback."""
    slow = program(tmp_path / "bin", "python3", f"touch {tmp_path}/started; exec sleep 60")
    process = subprocess.Popen(
        [sys.executable, setup.__file__, "run", "--venv", tmp_path / "v", "--python", slow],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    eventually((tmp_path / "started").exists, "the program started", 30)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert said == "setup: interrupted. Run the same command again: it completes the set-up\n"
    assert process.returncode == 130


def test_an_environment_without_a_finished_uv_is_made_again(tmp_path: Path) -> None:
    """Pip writes uv before it has finished: only the file that the set-up writes last counts."""
    venv = made(tmp_path / "venv")
    assert setup.is_whole(venv)
    setup.made_with(venv).unlink()
    assert not setup.is_whole(venv)


def test_a_moved_environment_is_made_again(tmp_path: Path) -> None:
    """The scripts in it start with the interpreter's former place."""
    moved = made(tmp_path / "venv").rename(tmp_path / "moved")
    assert not setup.is_whole(moved)


def made(venv: Path) -> Path:
    """Make a folder that counts as a virtual environment with uv."""
    (venv / "bin").mkdir(parents=True)
    for name in ("python", "uv"):
        (venv / "bin" / name).touch()
    setup.made_with(venv).write_text(f"# {venv}\nuv==1\n")
    return venv


def test_the_second_of_two_set_ups_says_that_it_waits(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It goes on when the first one has ended."""
    entered = threading.Event()

    def second() -> None:
        with setup.alone():
            entered.set()

    with (checkout / "build/setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        thread = threading.Thread(target=second)
        thread.start()
        said: list[str] = []

        def waits() -> bool:
            said.append(capsys.readouterr().out)
            return "waiting for another set-up" in "".join(said)

        eventually(waits, "it waits")
        assert not entered.is_set()
    thread.join(30)
    assert entered.is_set()


def test_two_set_ups_may_link_the_collection_at_once(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one finds the link that the first one has just made."""
    setup.link_collection()
    link = checkout / "build/collections/ansible_collections/latchkey/consent"
    is_symlink: Any = Path.is_symlink
    monkeypatch.setattr(Path, "is_symlink", lambda path: path != link and is_symlink(path))
    setup.link_collection()
    assert link.resolve() == checkout
