# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hidden package is not found by any search, and every omission that follows names it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.packaging import system_tools
from agent.packaging.system_tools import PACKAGES, Need, find
from tools import hidden_packages
from tools.hidden_packages import HidingError, listed, named, with_dependants

NEEDS = {name: value for name, value in vars(system_tools).items() if isinstance(value, Need)}
# clang is for fuzzing by hand; no test needs it.
BY_HAND = {"clang", "libclang-rt-14-dev"}


def program(folder: Path, name: str) -> Path:
    """Make a program that does nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / name
    made.write_text("#!/bin/sh\n", encoding="utf-8")
    made.chmod(0o755)
    return made


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with every program of the table and one other; its packages are known to a dpkg-query of its own."""
    files: dict[str, list[Path]] = {package: [] for package in listed()}
    for name, packages in PACKAGES.items():
        place = tmp_path / "usr" / ("sbin" if name == "sshd" else "bin")
        files.setdefault(packages[0], []).append(program(place, name))
    program(tmp_path / "usr/bin", "other")
    (tmp_path / "bin").symlink_to("usr/bin")
    monkeypatch.setenv("PATH", f"{tmp_path}/usr/bin:{tmp_path}/bin")
    needed = {"wine": "wine64 (>= 8) | wine32 (>= 8)", "openssh-server": "adduser, openssh-client (= 9)"}
    needed["samba"] = "samba-ad-dc | samba-ad-provision"
    needed["maven"] = "default-jre-headless | openjdk-17-jre-headless"

    def dpkg_query(order: str, *arguments: str) -> str:
        package = arguments[-1]
        return "\n".join(map(str, files[package])) if order == "--listfiles" else needed.get(package, "")

    monkeypatch.setattr(hidden_packages, "_dpkg_query", dpkg_query)
    return tmp_path


def hide(packages: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide packages from this process."""
    path = os.environ["PATH"]
    owned = hidden_packages.programs_of(with_dependants(packages), path)
    monkeypatch.setenv("PATH", hidden_packages.hide(owned, path, folder / "links"))


def test_the_list_is_what_the_table_names() -> None:
    """What is installed for the tests is what their needs ask for, and the other way round."""
    assert {package for packages in PACKAGES.values() for package in packages} - BY_HAND == set(listed())


def test_every_program_of_the_table_is_needed() -> None:
    """No row is left behind, and no need names a program without a row."""
    assert {program for need in NEEDS.values() for program in need.programs} == set(PACKAGES)


@pytest.mark.parametrize("package", listed())
def test_a_hidden_package_is_named_wherever_it_is_needed(
    package: str, computer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its programs are not found, all others are; whoever needs it says so with the command that installs it."""
    gone = {name for name, packages in PACKAGES.items() if set(packages) & set(with_dependants([package]))}
    hide([package], computer, monkeypatch)
    assert {name for name in PACKAGES if find(name) is None} == gone != set()
    assert shutil.which("other")
    for need in (need for need in NEEDS.values() if need.programs):
        told = need.missing() or ""
        assert (f"{need.absent}: apt-get install" in told) == bool(gone & set(need.programs)), told
        assert (package in told.split()) == (package in need.packages and bool(gone & set(need.programs)))


def test_all_can_be_hidden(computer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Together with what services' folders have; nothing else goes."""
    hide(named("all"), computer, monkeypatch)
    assert [name for name in PACKAGES if find(name)] == ["clang++"]
    assert shutil.which("other")


def test_a_program_that_is_a_link_to_a_hidden_one_is_hidden(
    computer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Debian's alternatives are: /usr/bin/wine, /etc/alternatives/wine, /usr/bin/wine-stable."""
    (computer / "alternative").symlink_to(computer / "usr/bin/wixl")
    (computer / "usr/bin/latest").symlink_to("../../alternative")
    assert shutil.which("latest")
    hide(["wixl"], computer, monkeypatch)
    assert not shutil.which("latest")


def test_other_folders_stay_as_they_are(computer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only a folder with a hidden program is replaced."""
    elsewhere = computer / "elsewhere"
    program(elsewhere, "mine")
    monkeypatch.setenv("PATH", f"{elsewhere}:{os.environ['PATH']}")
    hide(["wixl"], computer, monkeypatch)
    assert shutil.which("mine") == str(elsewhere / "mine")


def test_a_package_that_is_not_listed_is_refused() -> None:
    """The sentence names it and those that can be named."""
    with pytest.raises(HidingError, match=r"wixel: not in tools/system-packages\.txt\. Name some of: .*wixl"):
        named("wixel wixl")


def test_names_are_separated_by_spaces_or_commas() -> None:
    """As one writes them on a command line."""
    assert named("wixl,xvfb  maven") == ["wixl", "xvfb", "maven"]


def test_without_dpkg_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere than on Debian nothing is hidden silently."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HidingError, match="there is no dpkg-query here"):
        with_dependants(["wixl"])


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="there is no dpkg-query here")
def test_the_real_package_manager_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it tells of its own package, whose programs are hidden then."""
    assert "tar" in hidden_packages._depends("dpkg")
    assert subprocess.run(["dpkg-query", "--version"], capture_output=True, check=False).returncode == 0
    owned = hidden_packages.programs_of(["dpkg"], os.environ["PATH"])
    monkeypatch.setenv("PATH", hidden_packages.hide(owned, os.environ["PATH"], tmp_path / "links"))
    assert shutil.which("sh")
    assert not shutil.which("dpkg-query")
