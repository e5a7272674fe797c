# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with the agent's package, through the real ansible-playbook.

The PC's Windows Installer ends as the package's version says, see `installer.py`. The real one, and the real package,
are in tests/package.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.lab.provoked import provokes
from tests.lab.scenes import Fails, Played, Scene, played

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab.simulated.pc import SimulatedComputer

SYSTEM = "C:\\Windows\\System32\\"
PROGRAMS = {f"{SYSTEM}{name}": "tests.lab.installer" for name in ("reg.exe", "msiexec.exe")}
FILE = "{{ packages }}/latchkey-agent-%s-x64.msi"
THERE = ("0.4.0", "0.6.0", "1603.0.0", "1618.0.0")


def package(version: str, **options: object) -> dict[str, Any]:
    """Return the task that installs this version."""
    return {
        "name": f"package {version}",
        "latchkey.consent.agent_package": {"path": FILE % version, **options},
    }


def no_place(computer: SimulatedComputer) -> None:
    """Let the operator have no folder for temporary files."""
    folder = computer.operator_folder / "AppData"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_bytes(b"")


PACKAGES = Scene(
    "Each is told by its own code, and the installed version stays.",
    [
        Fails(package("0.4.0"), "package_older"),
        Fails(package("0.9.0"), "package_unreadable"),
        Fails(package("0.6.0", checksum="0" * 64), "package_checksum_wrong"),
        Fails(package("0.6.0"), "package_other_version"),
        Fails(package("1603.0.0"), "package_refused"),
        Fails(package("1618.0.0", timeout=1), "package_busy"),
        no_place,
        Fails(package("0.6.0"), "package_not_sent"),
    ],
    {"programs": PROGRAMS},
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Try all of it, one after the other."""
    folder = tmp_path_factory.mktemp("packages")
    for version in THERE:
        (folder / f"latchkey-agent-{version}-x64.msi").write_bytes(b"a package")
    PACKAGES.variables["packages"] = str(folder)
    with played(folder / "play", {"pc1": PACKAGES}) as all_played:
        yield all_played


@provokes(*PACKAGES.codes)
def test_a_package_comes_to_this(installed: Played) -> None:
    """Each task ends as the scene says."""
    assert installed.ends("pc1") == PACKAGES.ends, installed.job.output


def test_what_an_operator_reads_of_a_package(installed: Played) -> None:
    """Numbers of Windows Installer are explained, and nothing is changed that is not known to be."""
    refused = installed.job.result("package 1603.0.0")
    assert refused["msg"] == "Windows Installer ended with 1603: the installation failed and was undone."
    assert "for 1 s now (1618)" in installed.job.result("package 1618.0.0")["msg"]
    assert "0.5.0" in installed.job.result("package 0.4.0")["msg"]
    assert {result["changed"] for result in installed.job.results("package")} == {False}
