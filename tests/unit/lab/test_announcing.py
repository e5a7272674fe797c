# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that takes more than a few seconds is announced before it begins."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from agent.native import build as native
from agent.packaging import artefacts, product, provider_build, runtime
from agent.packaging.announcing import announce, announced_to
from lab.tryout import lab_pc
from lab.tryout.choice import chosen
from lab.wine import installed, prefix, program_builder, wine_computer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import ModuleType


class BegunError(Exception):
    """The work has begun."""


def test_announcements_reach_those_who_listen() -> None:
    """Each listener of the moment gets the work, with its time only if its result is kept."""
    first: list[str] = []
    second: list[str] = []
    announce("before")
    with announced_to(first.append):
        announce("starting")
        with announced_to(second.append):
            announce("compiling", 20)
    announce("after")
    assert first == ["starting", "compiling (the first time only, about 20 s)"]
    assert second == first[1:]


def artefact(target: Path) -> None:
    """Download an artefact."""
    artefacts._fetch(artefacts.WINDOWS_PYTHON, target)


def pc(target: Path) -> None:
    """Start a Wine PC."""
    with wine_computer.wine_pc(target, name="PC"):
        pass


LONG: list[tuple[ModuleType, str, Callable[[Path], object], str]] = [
    (artefacts, "run", artefact, "downloading"),
    (runtime, "unpack_wheels", runtime._add_packages, "packages of the agent"),
    (native, "build", provider_build._build, "credential provider"),
    (product, "runtime", product._trim, "byte code"),
    (prefix, "environment", prefix._make, "Windows for Wine"),
    (installed, "PackagePC", installed._install, "to install the agent on"),
    (product, "lay_out", installed._package, "the agent's MSI"),
    (program_builder, "link_logon_screen", program_builder._build, "logon screen"),
]


def test_make_lab_says_the_work_before_its_first_pc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make lab PC=wine` tells of the long work between the PC's start and the moment at which it is up."""

    @contextmanager
    def start(*_arguments: object) -> Iterator[SimpleNamespace]:
        announce("making a Windows", 30)
        yield SimpleNamespace(computer=SimpleNamespace(name="PC-1"), customer="anna")

    said: list[str] = []
    monkeypatch.setattr(lab_pc, "_running", start)
    with lab_pc.running(chosen({"PCS": "1"}), tmp_path, said.append):
        announce("not of the start")
    assert said == [
        "pc1 starts",
        "making a Windows (the first time only, about 30 s)",
        "pc1 is up: PC-1, anna is signed in",
    ]


@pytest.mark.parametrize(("module", "name", "work", "words"), LONG, ids=[row[3] for row in LONG])
def test_long_work_is_announced_before_it_begins(
    module: ModuleType,
    name: str,
    work: Callable[[Path], object],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The announcement comes before the work's first call of another program or part."""

    def begin(*_arguments: object, **_options: object) -> None:
        raise BegunError

    said: list[str] = []
    monkeypatch.setattr(module, name, begin)
    monkeypatch.setattr(installed, "build_provider", lambda: tmp_path)
    target = tmp_path / "new"
    if work is installed._package:
        target.mkdir()
    with announced_to(said.append), pytest.raises(BegunError):
        work(target)
    assert [text for text in said if words in text and "the first time only" in text]


def test_the_start_of_a_wine_pc_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start is announced, without a time: its result is not kept."""

    class Stopped:
        """A PC that does not start."""

        def __init__(self, *_arguments: object) -> None:
            pass

        def __enter__(self) -> None:
            raise BegunError

        def __exit__(self, *_error: object) -> None:
            pass

    said: list[str] = []
    monkeypatch.setattr(wine_computer, "WineComputer", Stopped)
    with announced_to(said.append), pytest.raises(BegunError):
        pc(tmp_path)
    assert said == ["starting the Wine PC"]
