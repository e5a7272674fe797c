# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role installs, sets up and removes the real package through Ansible's winrm connection, on a Wine PC."""

from __future__ import annotations

import secrets
import shutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging import product_identity
from agent.packaging.system_tools import WINE
from lab.computer import Reach
from lab.wine.wine_host import wine_host
from lab.wine.wine_package import PackagePC, for_wine
from lab.wsman.listener import Listener, ListenerConfig
from tests.lab.job import Operator
from tests.lab.provoked import provokes
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)
ORGANIZATION = {"name": "Example IT", "phone": "+49 30 1234567"}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackagePC]:
    """A PC without the agent."""
    require(WINE)
    with PackagePC(tmp_path_factory.mktemp("office") / "pc") as made:
        yield made


@pytest.fixture(scope="module")
def operator(office: PackagePC, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """An operator with the real ansible-playbook, and the PC in the inventory."""
    password = secrets.token_hex(16)
    host = wine_host(office.pc.folder, {"operator": password})
    listener = Listener(ListenerConfig(host=host, allow_unencrypted=True))
    listener.start()
    computer: Any = SimpleNamespace(reach=Reach("127.0.0.1", listener.port, "operator", password))
    made = Operator(tmp_path_factory.mktemp("operator"), {"pc1": computer})
    yield made
    made.stop()
    listener.stop()


@pytest.fixture(scope="module")
def offered(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package for this PC, under its released name."""
    return for_wine(
        package, tmp_path_factory.mktemp("dist") / f"latchkey-agent-{product_identity.version()}-x64.msi"
    )


def play(operator: Operator, *arguments: str, **variables: object) -> dict[str, Any]:
    """Run the playbook of the collection; return the result of the module."""
    operator.variables = {f"agent_{name}": value for name, value in variables.items()}
    job = operator.begin("latchkey.consent.install_agent", *arguments)
    job.wait(200)
    return job.result("Install, upgrade")


@provokes("settings_invalid", "setup_failed")
def test_the_role_brings_the_agent_and_takes_it_away(
    office: PackagePC, operator: Operator, offered: Path
) -> None:
    """The role installs, repeats, refuses wrong settings and operators, removes, and predicts in check mode."""
    wanted = {
        "path": str(offered),
        "checksum": product_identity.file_digest(offered),
        "organization": ORGANIZATION,
    }

    foreseen = play(operator, "--check", **wanted)
    assert foreseen["changed"], foreseen
    assert not office.pc.program_files.exists()

    installed = play(operator, **wanted, policy={"max_restarts": 5})
    assert (installed["status"], installed["changed"]) == ("ok", True), (installed, office.log)
    assert installed["agent"]["version"] == product_identity.version()
    assert (installed["agent"]["ready"], installed["agent"]["organization"]) == (True, "Example IT")
    assert "Example IT" in office.ctl("--json", "status").stdout.decode()
    settings = office.pc.program_data / "settings.toml"
    written = settings.read_bytes()
    assert b"max_restarts = 5" in written

    again = play(operator, **wanted, policy={"max_restarts": 5})
    assert (again["status"], again["changed"]) == ("ok", False), again

    wrong = play(operator, **wanted, policy={"max_restart": 5})
    assert (wrong["status"], wrong["error_code"]) == ("failed", "settings_invalid"), wrong
    assert settings.read_bytes() == written

    unknown = play(operator, **wanted, operators=["nobody-of-this-name"])
    assert (unknown["status"], unknown["error_code"]) == ("failed", "setup_failed"), unknown
    assert "nobody-of-this-name" in unknown["msg"]

    removed = play(operator, state="absent")
    assert (removed["status"], removed["changed"]) == ("ok", True), removed
    assert removed["erasure"]["confirmed"]
    assert not office.pc.program_files.exists()
    assert not office.pc.program_data.exists()
    assert not list(office.pc.path(r"C:\users").rglob("*.msi"))

    assert play(operator, state="absent")["changed"] is False


@provokes("package_refused")
def test_an_installer_that_fails_is_explained(office: PackagePC, operator: Operator, offered: Path) -> None:
    """Windows Installer's refusal of an invalid package is explained, and nothing is left on the PC."""
    broken = offered.with_name("latchkey-agent-9.9.9-x64.msi")
    broken.write_bytes(b"not an installer")
    result = play(operator, path=str(broken))
    assert (result["status"], result["error_code"]) == ("failed", "package_refused"), result
    assert not office.pc.program_files.exists()
    assert not list(office.pc.path(r"C:\users").rglob("*.msi"))
    shutil.rmtree(office.pc.program_data, ignore_errors=True)
