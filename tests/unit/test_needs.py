# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test sees the system programs that it named, and is left out with a sentence where one is absent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DPKG_QUERY = """#!/bin/sh
case "$2" in wixl|xdotool) echo "{folder}/$2";; esac
"""
CONFTEST = """
from tests import needs
def pytest_configure(config):
    config.pluginmanager.register(needs)
"""
TESTS = """
import shutil, subprocess
import pytest
from agent.packaging.system_tools import Need
from tests.needs import have, require

WIXL, XDOTOOL = Need("no package", ("wixl",)), Need("no hands", ("xdotool",))

def seen():
    return [name for name in ("wixl", "xdotool") if shutil.which(name)]

@pytest.fixture(scope="session")
def hands():
    require(XDOTOOL)
    assert seen() == ["xdotool"]
    yield
    assert seen() == ["wixl", "xdotool"]

def test_names_nothing():
    with pytest.raises(FileNotFoundError):
        subprocess.run(["wixl"])
    assert seen() == []

def test_names_one():
    require(WIXL)
    subprocess.run(["wixl"], check=True)
    assert seen() == ["wixl"]

def test_makes_the_hands(hands):
    assert seen() == ["xdotool"]

def test_names_nothing_while_there_are_hands():
    assert seen() == []

def test_finds_the_hands_made(hands):
    assert seen() == ["xdotool"]

def test_names_both(hands):
    require(WIXL)
    assert seen() == ["wixl", "xdotool"]

def test_asks_what_there_is():
    assert have(WIXL) == (seen() == ["wixl"])
    assert have(XDOTOOL)
    assert "xdotool" in seen()
"""


def run(folder: Path, *there: str, tests: str = TESTS) -> str:
    """Run tests on a computer that has these programs; return the report."""
    programs = folder / "bin"
    programs.mkdir()
    for name in there:
        text = DPKG_QUERY.format(folder=programs) if name == "dpkg-query" else "#!/bin/sh\n"
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)
    (folder / "inner").mkdir()
    (folder / "inner/conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "inner/test_inner.py").write_text(tests, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", folder, "-q", "inner"],
        env={"PATH": str(programs), "PYTHONPATH": str(ROOT), "TMPDIR": str(folder)},
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not list(folder.glob("latchkey-needs-*"))
    return done.stdout


def test_a_test_sees_what_it_or_its_fixtures_named(tmp_path: Path) -> None:
    """So does each program that it starts. Until fixtures end, other tests' needs are out of sight again."""
    told = run(tmp_path, "dpkg-query", "wixl", "xdotool")
    assert "7 passed" in told, told
    assert "skipped" not in told


def test_the_report_says_which_test_lacks_what(tmp_path: Path) -> None:
    """The tests that named an absent program are left out, and no other; the command that installs it is named."""
    told = run(tmp_path, "dpkg-query", "xdotool")
    assert "5 passed, 2 skipped" in told, told
    sentence = "no package: apt-get install --no-install-recommends wixl"
    assert f"left out: 2 tests, since {sentence}\n      2 of inner/test_inner.py\n" in told, told


def test_without_dpkg_every_program_is_seen(tmp_path: Path) -> None:
    """Elsewhere than on Debian a test is still left out where a program is absent."""
    names_nothing = TESTS.partition("def test_")[0] + "def test_it():\n    assert seen() == ['wixl']\n"
    told = run(tmp_path, "wixl", tests=f"{names_nothing}    require(XDOTOOL)\n")
    assert "1 skipped" in told, told
