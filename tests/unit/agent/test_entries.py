# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted entries in the agent's folder: each is found, and no link is followed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from latchkey_agent.cli import entries, removal
from latchkey_agent.cli.entries import Entry, look, require_own, walk
from latchkey_agent.ports import PortError

SYSTEM, MALLORY = "S-1-5-18", "S-1-5-21-1-2-3-1013"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The agent's folder with files of its own."""
    made = tmp_path / "Latchkey"
    (made / "receipts").mkdir(parents=True)
    (made / "receipts/R-1.txt").write_text("receipt")
    (made / "journal.db").write_bytes(b"x")
    return made


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder of somebody else, with a file."""
    made = tmp_path / "outside"
    made.mkdir()
    (made / "precious.txt").write_text("precious")
    return made


def system(_: Path) -> str:
    """Say that everything belongs to the system."""
    return SYSTEM


def test_own_entries_are_accepted(folder: Path) -> None:
    """Files and folders of the system, and an empty folder, are no trap."""
    require_own(folder, system, (SYSTEM,))
    assert [entry.path.name for entry in walk(folder)] == ["journal.db", "R-1.txt", "receipts"]


@pytest.mark.parametrize("name", ["journal.db", "receipts", "receipts/R-1.txt"])
def test_an_entry_of_another_owner_is_refused(folder: Path, name: str) -> None:
    """The error names the entry and its owner, at any depth."""
    problem = f"{folder / name} belongs to {MALLORY}, not to the system"
    with pytest.raises(PortError, match=re.escape(problem)):
        require_own(folder, lambda path: MALLORY if path == folder / name else SYSTEM, (SYSTEM,))


PLANTED: dict[str, Callable[[Path, Path], object]] = {
    "a link to a file": lambda at, outside: at.symlink_to(outside / "precious.txt"),
    "a link to a folder": lambda at, outside: at.symlink_to(outside),
    "a link to nothing": lambda at, outside: at.symlink_to(outside / "missing"),
    "a hard link": lambda at, outside: os.link(outside / "precious.txt", at),
}


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("name", ["settings.toml", "receipts/R-2.txt"])
def test_a_planted_link_is_refused(
    folder: Path, outside: Path, plant: Callable[[Path, Path], object], name: str
) -> None:
    """A link is refused although its target belongs to the system."""
    plant(folder / name, outside)
    with pytest.raises(PortError, match=re.escape(f"{folder / name} leads to another place")):
        require_own(folder, system, (SYSTEM,))


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("name", ["settings.toml", "old/journal.db"])
def test_removal_follows_no_link(
    folder: Path, outside: Path, plant: Callable[[Path, Path], object], name: str
) -> None:
    """The link goes; its target keeps its place and its content."""
    (folder / name).parent.mkdir(exist_ok=True)
    plant(folder / name, outside)
    removal.wipe(folder)
    assert [path.name for path in folder.rglob("*")] == ["receipts", "R-1.txt"]
    assert (outside / "precious.txt").read_text() == "precious"


def test_a_link_in_place_of_the_receipts_is_removed(folder: Path, outside: Path) -> None:
    """Neither the link nor what it leads to counts as receipts."""
    (folder / "receipts/R-1.txt").unlink()
    (folder / "receipts").rmdir()
    (folder / "receipts").symlink_to(outside)
    removal.wipe(folder)
    assert not folder.exists()
    assert (outside / "precious.txt").read_text() == "precious"


def test_a_junction_is_a_link_although_it_is_listed_as_a_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only its attribute shows that it leads elsewhere; nothing below it is looked at."""

    class Junction:
        st_mode = folder.stat().st_mode
        st_file_attributes = 0x410
        st_nlink = 1

    def looked(path: Path) -> Entry:
        return Entry(path, Junction()) if path.name == "receipts" else look(path)  # type: ignore[arg-type]

    monkeypatch.setattr(entries, "look", looked)
    assert [entry.path.name for entry in walk(folder)] == ["journal.db", "receipts"]
    with pytest.raises(PortError, match="receipts leads to another place"):
        require_own(folder, system, (SYSTEM,))
    assert (looked(folder / "receipts").is_folder, looked(folder / "receipts").is_shared) == (True, False)
