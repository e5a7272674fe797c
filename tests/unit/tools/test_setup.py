# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import hashlib
import itertools
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tools import setup


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


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """A virtual environment that has what the set-up looks at: its interpreter and uv."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/python").symlink_to(sys.executable)
    (folder / "bin/uv").touch()
    setup.made_with(folder).write_text(f"# {folder}\n")
    return folder


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the lock file and the groups in place of the checkout's own."""
    (tmp_path / "requirements.txt").write_text("one==1\n")
    (tmp_path / "pyproject.toml").write_text(f"{GROUPS}{OTHER_TOOLS}")
    monkeypatch.setattr(setup, "LOCK", tmp_path / "requirements.txt")
    monkeypatch.setattr(setup, "PROJECT", tmp_path / "pyproject.toml")
    return tmp_path


GROUPS = '[dependency-groups]\nrun = [\n    "one==1",\n]\n'
OTHER_TOOLS = "\n[tool.ruff]\nline-length = 110\n"


@pytest.mark.parametrize(
    ("file", "text", "current"),
    [
        ("requirements.txt", "one==2\n", False),
        ("pyproject.toml", GROUPS.replace("run", "test") + OTHER_TOOLS, False),
        ("pyproject.toml", GROUPS + OTHER_TOOLS.replace("110", "100"), True),
    ],
)
def test_stamp_follows_the_pins(venv: Path, sources: Path, file: str, text: str, *, current: bool) -> None:
    """A group is installed again when the lock file or the groups change, and only then."""
    assert not setup.is_current(venv, "run")
    setup.stamp(venv).write_text(f"run {setup.fingerprint()}")
    assert setup.is_current(venv, "run")
    (sources / file).write_text(text)
    assert setup.is_current(venv, "run") is current


def test_larger_group_contains_the_smaller_ones(venv: Path) -> None:
    """After a group, the ones that it contains need nothing more; the ones that contain it do."""
    setup.stamp(venv).write_text(f"test {setup.fingerprint()}")
    assert [setup.is_current(venv, group) for group in setup.GROUPS] == [
        True,
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_groups_contain_each_other_as_the_set_up_says() -> None:
    """Each group of `pyproject.toml` that the set-up installs includes the one before it."""
    groups = tomllib.loads(setup.PROJECT.read_text())["dependency-groups"]
    for smaller, larger in itertools.pairwise(setup.GROUPS):
        assert {"include-group": smaller} in groups[larger]


def test_every_group_is_pinned_exactly() -> None:
    """The lock file has the version that each group asks for: nobody forgot `make pins`.

    The groups of ansible-core's other lines have pins of their own (`test_cores`).
    """
    groups = tomllib.loads(setup.PROJECT.read_text())["dependency-groups"]
    shared = [group for name, group in groups.items() if not name.startswith("core-")]
    entries = (entry for group in shared for entry in group if isinstance(entry, str))
    asked = {re.sub(r"\[.*?\]", "", entry) for entry in entries}
    locked = set(re.findall(r"^([\w.-]+==\S+)", setup.LOCK.read_text(), re.MULTILINE))
    versions = {entry.partition(" ")[0].lower() for entry in asked if "==" in entry.partition(" ")[0]}
    assert versions - locked == set()
    assert {entry for entry in asked if "=" not in entry} <= {entry.partition("==")[0] for entry in locked}


def test_pin_is_taken_out_of_the_lock_file(sources: Path) -> None:
    """A package's lines come whole, without the condition under which another platform would skip it."""
    one, two = ("    --hash=sha256:" + digit * 64 for digit in "12")
    (sources / "requirements.txt").write_text(
        f"# made\none==1 ; python_full_version >= '3.13' \\\n{one} \\\n{two}\none-more==2 \\\n{one}\n"
    )
    assert setup.pinned("one") == f"one==1 \\\n{one} \\\n{two}\n"
    with pytest.raises(setup.SetupError, match=r"does not pin two\. Pin it: make pins"):
        setup.pinned("one", "two")


def make_wheel(folder: Path, needs: str = "") -> str:
    """Put the smallest wheel of a package `one` into a folder; return its SHA-256. `needs`: a line of its metadata."""
    folder.mkdir()
    wheel = folder / "one-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("one.py", "")
        archive.writestr("one-1.dist-info/METADATA", f"Metadata-Version: 2.1\nName: one\nVersion: 1\n{needs}")
        archive.writestr("one-1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("one-1.dist-info/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_only_pinned_hashes_are_installed(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wheel is refused when the lock file has no hash of it, or another one."""
    digest = make_wheel(tmp_path / "wheels")
    for name, value in (("CACHE_DIR", "cache"), ("FIND_LINKS", "wheels")):
        monkeypatch.setenv(f"UV_{name}", str(tmp_path / value))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    uv, venv = Path(sys.executable).with_name("uv"), tmp_path / "new"
    setup.run(str(uv), "venv", "--quiet", f"--python={sys.executable}", str(venv))
    for pin in ("one==1\n", f"one==1 --hash=sha256:{'0' * 64}\n"):
        (sources / "requirements.txt").write_text(pin)
        with pytest.raises(setup.SetupError, match=r"(?i)this failed: .*hash"):
            setup.install_group(uv, venv, "run")
    (sources / "requirements.txt").write_text(f"one==1 --hash=sha256:{digest}\n")
    setup.install_group(uv, venv, "run")
    setup.run(str(venv / "bin/python"), "-c", "import one")


def test_a_wheel_comes_without_what_it_names_in_vain(
    tmp_path: Path, sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `pyproject.toml` says of a wheel's own requirements holds from whichever folder the set-up is run."""
    digest = make_wheel(tmp_path / "wheels", "Requires-Dist: two\n")
    for name, value in (("CACHE_DIR", "cache"), ("FIND_LINKS", "wheels")):
        monkeypatch.setenv(f"UV_{name}", str(tmp_path / value))
    monkeypatch.setenv("UV_NO_INDEX", "1")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    declared = '\n[[tool.uv.dependency-metadata]]\nname = "one"\nversion = "1"\nrequires-dist = []\n'
    (sources / "pyproject.toml").write_text(f"{GROUPS}{declared}")
    (sources / "requirements.txt").write_text(f"one==1 --hash=sha256:{digest}\n")
    uv, venv = Path(sys.executable).with_name("uv"), tmp_path / "new"
    setup.run(str(uv), "venv", "--quiet", f"--python={sys.executable}", str(venv))
    setup.install_group(uv, venv, "run")
    setup.run(str(venv / "bin/python"), "-c", "import one")


def test_kerberos_is_compiled_for_the_tests_where_the_headers_are(
    venv: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not for smaller groups and not without the headers; headers that come later install it."""
    wanted: list[str] = []
    monkeypatch.setattr(setup, "install_group", lambda *given, **_: wanted.append(given[2]))
    for group in setup.GROUPS:
        setup.install_kerberos(venv / "bin/uv", venv, group)
    without = setup.fingerprint()
    for name in setup.KERBEROS_PROGRAMS:
        program(programs, name, "")
    assert wanted == []
    for group in setup.GROUPS:
        setup.install_kerberos(venv / "bin/uv", venv, group)
    assert wanted == ["kerberos"] * 3
    assert setup.fingerprint() != without


def test_a_machine_that_cannot_compile_kerberos_goes_on(
    venv: Path, programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names each package that is left out, and the reason."""

    def fail(*_: object, **__: object) -> None:
        raise setup.SetupError("gcc: no")

    for name in setup.KERBEROS_PROGRAMS:
        program(programs, name, "")
    monkeypatch.setattr(setup, "install_group", fail)
    setup.install_kerberos(venv / "bin/uv", venv, "test")
    assert "whose tests are left out: gcc: no" in "".join(capsys.readouterr())


def test_lost_base_interpreter_is_noticed(venv: Path) -> None:
    """A virtual environment whose interpreter was removed is not taken for installed."""
    setup.stamp(venv).write_text(f"run {setup.fingerprint()}")
    assert setup.is_current(venv, "run")
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to(venv / "gone")
    assert not setup.is_current(venv, "run")


def test_foreign_folder_is_not_cleared(tmp_path: Path) -> None:
    """A folder that holds anything but a virtual environment is refused and left as it is."""
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(setup.SetupError, match="not empty"):
        setup.create(tmp_path, sys.executable)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_interrupted_environment_is_not_whole(venv: Path) -> None:
    """A virtual environment counts as made only when its making came to the end, which is uv."""
    assert setup.is_whole(venv)
    (venv / "bin/uv").unlink()
    assert not setup.is_whole(venv)


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
