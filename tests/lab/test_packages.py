# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes of the agent's package on each connection, through the real ansible-playbook.

The PC's Windows Installer ends as the package's version says, see `installer.py`. The real one, and the real package,
are in tests/package.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from lab.ssh.files import missing
from tests.lab.installer import NEW, PROGRAMS, packages, prepare
from tests.lab.job import Operator
from tests.lab.provoked import provokes
from tests.lab.scenes import Fails, Played, Scene, Step, played

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from tests.lab.job import Job

FILE = "{{ packages }}/latchkey-agent-%s-x64.msi"
THERE = ("0.4.0", "0.6.0", "1603.0.0", "1618.0.0", NEW)
CONNECTIONS = {
    "winrm": "winrm, basic, HTTP",
    "psrp": "psrp, negotiate, HTTP",
    "ssh-powershell": "ssh, PowerShell",
    "ssh-cmd": "ssh, cmd",
}
"""Ansible's connections, and both shells that ssh can find behind it."""


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


def a_place(computer: SimulatedComputer) -> None:
    """Let the operator have one again."""
    (computer.operator_folder / "AppData").unlink()


STEPS: list[Step] = [
    prepare,
    Fails(package("0.4.0"), "package_older"),
    Fails(package("0.9.0"), "package_unreadable"),
    Fails(package("0.6.0", checksum="0" * 64), "package_checksum_wrong"),
    Fails(package("0.6.0"), "package_other_version"),
    Fails(package("1603.0.0"), "package_refused"),
    Fails(package("1618.0.0", timeout=1), "package_busy"),
    no_place,
    Fails(package("0.6.0"), "package_not_sent"),
    a_place,
]
SCENES = {
    name: Scene(
        "Each is told by its own code, and the installed version stays.",
        STEPS,
        {"programs": PROGRAMS},
        connection=connection,
    )
    for name, connection in CONNECTIONS.items()
}
CODES = next(iter(SCENES.values())).codes
on_each = pytest.mark.parametrize("host", CONNECTIONS)


@dataclass(frozen=True)
class Tried:
    """What came of the scenes, and of the role after them."""

    scenes: Played
    role: Job


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """Try all of it on every connection."""
    folder = tmp_path_factory.mktemp("packages")
    packages(folder, *THERE)
    left_out = "ssh" if missing() else "none"
    scenes = {name: scene for name, scene in SCENES.items() if not name.startswith(left_out)}
    for scene in scenes.values():
        scene.variables["packages"] = str(folder)
    with played(folder / "play", scenes) as all_played:
        yield Tried(all_played, role(folder, all_played.computers))


def role(folder: Path, computers: dict[str, SimulatedComputer]) -> Job:
    """Install the newest package with the collection's playbook, which is the role alone."""
    variables = {name: computer.inventory(CONNECTIONS[name]) for name, computer in computers.items()}
    operator = Operator(folder / "role", computers, host_variables=variables)
    operator.variables["agent_path"] = str(folder / f"latchkey-agent-{NEW}-x64.msi")
    job = operator.begin("latchkey.consent.install_agent")
    job.wait()
    return job


@pytest.fixture
def installed(tried: Tried, host: str) -> Tried:
    """What came of it on one connection."""
    if host not in tried.scenes.computers:
        pytest.skip(missing())
    return tried


@on_each
@provokes(*CODES)
def test_a_package_comes_to_this(installed: Tried, host: str) -> None:
    """Each task ends as the scene says, whatever carries the package and brings the installer's exit code back."""
    assert installed.scenes.ends(host) == SCENES[host].ends, installed.scenes.job.output


@on_each
def test_what_an_operator_reads_of_a_package(installed: Tried, host: str) -> None:
    """Numbers of Windows Installer are explained, and nothing is changed that is not known to be."""
    job = installed.scenes.job
    refused = job.result("package 1603.0.0", host)
    assert refused["msg"] == (
        "Windows Installer ended with 1603: the installation failed and was undone. It says: It does not fit."
    )
    assert "for 1 s now (1618)" in job.result("package 1618.0.0", host)["msg"]
    assert "0.5.0" in job.result("package 0.4.0", host)["msg"]
    assert {result["changed"] for result in job.results("package", host)} == {False}


@on_each
def test_the_role_installs_a_package(installed: Tried, host: str) -> None:
    """It is installed, the need for a restart comes through, the agent answers, and no copy of the package is left."""
    told = installed.role.result("Bring the consent agent", host)
    assert told["status"] == "ok", told["msg"]
    assert (told["version_before"], told["version"], told["changed"]) == ("0.5.0", NEW, True)
    assert told["restart_required"]
    assert told["agent"]["ready"]
    computer = installed.scenes.computers[host]
    assert [file for file in computer.operator_folder.rglob("*") if file.suffix == ".msi"] == []
