# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs the agent's package on each connection, through the real ansible-playbook.

The package's version decides the result of the PC's Windows Installer (see `installer.py`). tests/package uses the real
installer and the real package.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging.system_tools import SSH
from tests.lab import kinds
from tests.lab.installer import (
    DENIED,
    ELSEWHERE,
    NEW,
    USUAL,
    WITHOUT_INSTALLER,
    allow_registry,
    forbid_registry,
    packages,
)
from tests.lab.job import Operator
from tests.lab.provoked import provokes
from tests.lab.scenes import Fails, Played, Scene, Step, played
from tests.needs import have, require

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
"""Ansible's connections, and both default shells of ssh."""


def package(version: str, **options: object) -> dict[str, Any]:
    """Return the task that installs this version."""
    return {
        "name": f"package {version}",
        "latchkey.consent.agent_package": {"path": FILE % version, **options},
    }


def lock_temporary_folder(computer: SimulatedComputer) -> None:
    """Make the operator's temporary folder unusable."""
    folder = computer.operator_folder / "AppData"
    shutil.rmtree(folder, ignore_errors=True)
    folder.write_bytes(b"")


def unlock_temporary_folder(computer: SimulatedComputer) -> None:
    """Make the operator's temporary folder usable again."""
    (computer.operator_folder / "AppData").unlink()


REMOVAL: dict[str, Any] = {"name": "removal", "latchkey.consent.agent_package": {"state": "absent"}}
STEPS: list[Step] = [
    forbid_registry,
    Fails(REMOVAL, "package_unknown"),
    Fails(package("0.6.0"), "package_unknown"),
    allow_registry,
    Fails(package("0.4.0"), "package_older"),
    Fails(package("0.9.0"), "package_unreadable"),
    Fails(package("0.6.0", checksum="0" * 64), "package_checksum_wrong"),
    Fails(package("0.6.0"), "package_other_version"),
    Fails(package("1603.0.0"), "package_refused"),
    Fails(package("1618.0.0", timeout=1), "package_busy"),
    lock_temporary_folder,
    Fails(package("0.6.0"), "package_not_sent"),
    unlock_temporary_folder,
]
SCENES = {
    name: Scene(
        "Each failure has its own error code, and the installed version stays.",
        STEPS,
        # psrp alone can be told to use a 32-bit PowerShell; its PC has it, on unusual drives.
        ELSEWHERE if name == "psrp" and kinds.chosen() == kinds.SIMULATED else USUAL,
        connection=connection,
    )
    for name, connection in CONNECTIONS.items()
}
BARE = "without installer"
CODES = next(iter(SCENES.values())).codes
on_each = pytest.mark.parametrize("host", CONNECTIONS)


@dataclass(frozen=True)
class Tried:
    """The results of the scenes, and of the role after them."""

    scenes: Played
    role: Job


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tried]:
    """Play all scenes on every connection."""
    folder = tmp_path_factory.mktemp("packages")
    packages(folder, *THERE)
    left_out = "none" if have(SSH) else "ssh"
    scenes = {name: scene for name, scene in SCENES.items() if not name.startswith(left_out)}
    if kinds.chosen() == kinds.SIMULATED:
        scenes[BARE] = Scene(
            "PowerShell's words tell why Windows Installer was not run.",
            [Fails(package("0.6.0"), "package_not_run")],
            WITHOUT_INSTALLER,
        )
    for scene in scenes.values():
        scene.variables["packages"] = str(folder)
    with played(folder / "play", scenes) as all_played:
        chosen = {name: computer for name, computer in all_played.computers.items() if name != BARE}
        yield Tried(all_played, role(folder, chosen))


def role(folder: Path, computers: dict[str, SimulatedComputer]) -> Job:
    """Install the newest package with the collection's playbook, which runs only the role."""
    variables = {name: computer.inventory(CONNECTIONS[name]) for name, computer in computers.items()}
    operator = Operator(folder / "role", computers, host_variables=variables)
    operator.variables["agent_path"] = str(folder / f"latchkey-agent-{NEW}-x64.msi")
    job = operator.begin("latchkey.consent.install_agent")
    job.wait()
    return job


@pytest.fixture
def installed(tried: Tried, host: str) -> Tried:
    """The results on one connection."""
    if host not in tried.scenes.computers:
        require(SSH)
    return tried


@on_each
@provokes(*CODES)
def test_each_package_ends_as_expected(installed: Tried, host: str) -> None:
    """Each task ends with its expected error code or succeeds, on every connection."""
    assert installed.scenes.ends(host) == SCENES[host].ends, installed.scenes.job.output


@on_each
def test_exit_codes_of_the_installer_are_explained(installed: Tried, host: str) -> None:
    """The messages explain Windows Installer's exit codes, and a failed task reports no change."""
    job = installed.scenes.job
    refused = job.result("package 1603.0.0", host)
    assert refused["msg"] == (
        "Windows Installer ended with 1603: the installation failed and was undone. It says: It does not fit."
    )
    assert "for 1 s (1618)" in job.result("package 1618.0.0", host)["msg"]
    assert "0.5.0" in job.result("package 0.4.0", host)["msg"]
    assert {result["changed"] for result in job.results("package", host)} == {False}


@on_each
def test_a_registry_that_cannot_be_read_is_no_missing_agent(installed: Tried, host: str) -> None:
    """Absence is only what Windows says is absent: a fault of reg.exe ends the task in reg.exe's own words."""
    job = installed.scenes.job
    for result in (job.result("removal", host), job.results("package 0.6.0", host)[0]):
        assert (result["outcome"], result["changed"]) == ("refused", False)
        assert DENIED in result["msg"]


@provokes("package_not_run")
@pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="a Wine PC always has Windows Installer")
def test_an_installer_that_is_not_run_is_told_in_the_words_of_powershell(tried: Tried) -> None:
    """What PowerShell says on standard error reaches the operator."""
    result = tried.scenes.job.result("package 0.6.0", BARE)
    assert (result["error_code"], result["outcome"]) == ("package_not_run", "unknown")
    assert r"C:\Windows\System32\msiexec.exe' is not recognized" in result["msg"]


@on_each
def test_the_role_installs_a_package(installed: Tried, host: str) -> None:
    """The role installs the package, reports a needed restart, checks the agent, and leaves no copy of the package."""
    result = installed.role.result("Install, upgrade", host)
    assert result["status"] == "ok", result["msg"]
    assert (result["version_before"], result["version"], result["changed"]) == ("0.5.0", NEW, True)
    assert result["restart_required"]
    assert result["agent"]["ready"]
    computer = installed.scenes.computers[host]
    assert [file for file in computer.operator_folder.rglob("*") if file.suffix == ".msi"] == []
