# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One command sets the public addresses, and refuses those that a reader could not open."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tools import public_addresses

if TYPE_CHECKING:
    from pathlib import Path

REAL = {
    "repository": "https://code.example.org/latchkey",
    "documentation": "https://docs.example.org/latchkey",
    "homepage": "https://code.example.org/latchkey",
    "issues": "https://code.example.org/latchkey/issues",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the two files that hold addresses."""
    for name in ("galaxy.yml", "README.md"):
        shutil.copyfile(public_addresses.ROOT / name, tmp_path / name)
    return tmp_path


def run(checkout: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Run the command in a checkout."""
    monkeypatch.setattr(sys, "argv", ["addresses", *words])
    return public_addresses.main(checkout)


def test_the_command_sets_all_addresses(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issues and homepage come from the repository if they are not given; comments of galaxy.yml stay."""
    words = ("--repository", f"{REAL['repository']}/", "--documentation", REAL["documentation"])
    assert run(checkout, monkeypatch, *words, "--issues", "", "--homepage", "") == 0
    assert public_addresses.read(checkout) == REAL
    assert not public_addresses.are_reserved(REAL)
    readme = (checkout / "README.md").read_text(encoding="utf-8")
    assert f"[issues]: {REAL['issues']}\n" in readme
    assert "latchkey.example" not in readme
    galaxy = (checkout / "galaxy.yml").read_text(encoding="utf-8")
    assert galaxy.count("#") == (public_addresses.ROOT / "galaxy.yml").read_text(encoding="utf-8").count("#")


@pytest.mark.parametrize(
    "address",
    [
        "http://code.example.org/x",
        "code.example.org/x",
        "https://",
        "https://user:word@code.example.org/x",
        "https://code.example.org/x?y=1",
        "https://code.example.org/x y",
        "https://code.example.org/x\nversion: 9.9.9",
    ],
)
def test_a_wrong_address_changes_nothing(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    """The command names the key and the form, and leaves both files."""
    before = (checkout / "galaxy.yml").read_text(encoding="utf-8")
    words = ("--repository", REAL["repository"], "--documentation", REAL["documentation"])
    assert run(checkout, monkeypatch, *words, "--issues", address) == 1
    assert "addresses: issues is " in capsys.readouterr().err
    assert (checkout / "galaxy.yml").read_text(encoding="utf-8") == before


def test_a_missing_address_is_asked_for(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Repository and site are needed."""
    assert run(checkout, monkeypatch, "--repository", REAL["repository"]) == 1
    assert "DOCUMENTATION=" in capsys.readouterr().err


def test_a_line_that_is_missing_is_named(checkout: Path) -> None:
    """A galaxy.yml without a line for an address is not half written."""
    galaxy = checkout / "galaxy.yml"
    galaxy.write_text(galaxy.read_text(encoding="utf-8").replace("issues: ", "bugs: "), encoding="utf-8")
    with pytest.raises(public_addresses.AddressError, match="0 lines for issues"):
        public_addresses.write(REAL, checkout)
    assert "code.example.org" not in galaxy.read_text(encoding="utf-8")
