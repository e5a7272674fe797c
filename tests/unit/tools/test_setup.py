# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools import setup

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole search path."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> None:
    """Put a shell script on the search path."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def python(folder: Path, name: str, version: str, lacking: str = "", fit: str = "true") -> str:
    """Put an interpreter on the search path that answers the probe with this."""
    told = f'{{"version": [{version}], "lacking": [{lacking}], "fit": {fit}}}'
    program(folder, name, f"echo '{told}'")
    return str(folder / name)


def test_newest_python_wins(programs: Path) -> None:
    """Of several complete interpreters the newest is taken, by version and not by name."""
    python(programs, "python3.11", "3, 11, 9")
    python(programs, "python3.13", "3, 9, 0")
    newest = python(programs, "python3", "3, 12, 1")
    assert setup.find_interpreter(None) == newest


def test_python_beyond_the_pins_is_the_last_choice(programs: Path) -> None:
    """A Python newer than the pins were tried on serves only where there is no other."""
    newer = python(programs, "python3", "3, 99, 0")
    assert setup.find_interpreter(None) == newer
    tried = python(programs, "python3.11", "3, 11, 0")
    assert setup.find_interpreter(None) == tried


def test_shim_that_refuses_is_passed_over(programs: Path) -> None:
    """A name on the path that does not start (a version manager's shim) is no interpreter."""
    program(programs, "python3.13", "echo 'not selected' >&2; exit 127")
    whole = python(programs, "python3.11", "3, 11, 4")
    assert setup.find_interpreter(None) == whole


def test_pyenv_is_asked(programs: Path, tmp_path: Path) -> None:
    """Interpreters that pyenv keeps are found though its shims do not offer them."""
    folder = tmp_path / "versions/3.12.4/bin"
    folder.mkdir(parents=True)
    kept = python(folder, "python3", "3, 12, 4")
    program(programs, "pyenv", f"echo {tmp_path}")
    assert setup.find_interpreter(None) == kept


def test_other_implementations_do_not_serve(programs: Path) -> None:
    """Only a released CPython will do."""
    python(programs, "python3", "3, 13, 0", fit="false")
    with pytest.raises(setup.SetupError, match="found no CPython"):
        setup.find_interpreter(None)


def test_missing_part_names_the_package(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Debian's split-off part is missing, the one command that installs it is named."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    program(programs, "apt-get", "exit 0")
    exe = python(programs, "python3", "3, 11, 2", lacking='"ensurepip"')
    with pytest.raises(setup.SetupError) as caught:
        setup.find_interpreter(None)
    assert str(caught.value) == f"{exe} lacks ensurepip. Install it: sudo apt-get install python3.11-venv"


@pytest.mark.parametrize(
    ("manager", "command"),
    [
        ("apt-get", "apt-get install python3 python3-venv"),
        ("dnf", "dnf install python3"),
        ("x", "see https://"),
    ],
)
def test_no_python_names_the_command(
    programs: Path, monkeypatch: pytest.MonkeyPatch, manager: str, command: str
) -> None:
    """With no Python at all, the system's own way to install one is named."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(setup, "system_python", lambda: "python3")
    program(programs, manager, "exit 0")
    with pytest.raises(setup.SetupError, match=f"Install one: {command}"):
        setup.find_interpreter(None)


def test_asked_for_python_must_exist() -> None:
    """An interpreter that was asked for and is none is refused by name."""
    with pytest.raises(setup.SetupError, match="no-such-python is no CPython"):
        setup.find_interpreter("no-such-python")


def test_probe_accepts_this_interpreter() -> None:
    """The question that is put to interpreters is answered by a real one."""
    found = setup.probe(sys.executable)
    assert found is not None
    assert (found.version, found.lacking) == (sys.version_info[:3], ())


def test_stamp_follows_the_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A group is installed anew when its pins change, and only then."""
    pins = tmp_path / "run.txt"
    pins.write_text("one==1\n")
    monkeypatch.setattr(setup, "pins", lambda group: [pins])
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    assert not setup.is_current(tmp_path, "run")
    setup.stamp(tmp_path, "run").write_text(setup.fingerprint("run"))
    assert setup.is_current(tmp_path, "run")
    pins.write_text("one==2\n")
    assert not setup.is_current(tmp_path, "run")


def test_lost_base_interpreter_is_noticed(tmp_path: Path) -> None:
    """A virtual environment whose interpreter was removed is not taken for installed."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(tmp_path / "gone")
    setup.stamp(tmp_path, "run").write_text(setup.fingerprint("run"))
    assert not setup.is_current(tmp_path, "run")


def test_foreign_folder_is_not_cleared(tmp_path: Path) -> None:
    """A folder that holds anything but a virtual environment is refused and left as it is."""
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(setup.SetupError, match="not empty"):
        setup.create(tmp_path, sys.executable)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_interrupted_environment_is_not_whole(tmp_path: Path) -> None:
    """A virtual environment counts as made only when its making came to the end."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    assert not setup.is_whole(tmp_path)
    setup.stamp(tmp_path, "venv").touch()
    assert setup.is_whole(tmp_path)


def test_other_python_than_asked_for_is_refused(tmp_path: Path) -> None:
    """A virtual environment of another Python is not silently used in place of the one asked for."""
    config = tmp_path / "pyvenv.cfg"
    config.write_text(f"version = {'.'.join(map(str, sys.version_info[:3]))}\n")
    setup.refuse_other_python(tmp_path, sys.executable)
    config.write_text("version = 3.0.0\n")
    with pytest.raises(setup.SetupError, match=r"is of Python 3\.0\.0"):
        setup.refuse_other_python(tmp_path, sys.executable)


def test_failure_ends_without_a_traceback(tmp_path: Path) -> None:
    """What cannot be set up is said in a sentence, with exit code 1."""
    command = [
        sys.executable,
        setup.__file__,
        "run",
        "--venv",
        str(tmp_path / "v"),
        "--python",
        "no-such-python",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("setup: no-such-python is no CPython")
    assert "Traceback" not in done.stderr
