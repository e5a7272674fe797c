# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs PCs for tests of the collection, and writes the files by which ansible-test and molecule find them."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from lab.simulated.connections import CONNECTIONS
from lab.simulated.pc_settings import POLICY
from lab.simulated.programs import windows_installer
from lab.simulated.simulated_pc import pc
from lab.testbed.obliging_customer import obliging
from lab.tryout import play_password
from latchkey_agent.protocol.frames import wipe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

GROUP = "windows"
"""The group of the inventory that ansible-test runs its targets on."""
INVENTORY = "inventory.winrm"
VARIABLES = "integration_config.yml"
"""The names that ansible-test gives to both files (ansible-core, `get_inventory_relative_path` and the layout)."""
CONNECTION = "winrm, basic, HTTP"
HOSTNAME = r"C:\Windows\System32\hostname.exe"
PACKAGE = "latchkey-agent-254.0.0-x64.msi"
"""A package for the lab's model of Windows Installer: newer than every released one, and within its limits."""

Inventory = dict[str, dict[str, Any]]


def settings() -> dict[str, Any]:
    """Return the settings of a PC on which every target can run."""
    return {
        "policy": f"{POLICY}allow_programs = true\n",
        "programs": {
            HOSTNAME: "lab.simulated.programs.hostname",
            **windows_installer.programs(),
        },
        "listeners": (CONNECTIONS[CONNECTION].listener,),
    }


@contextmanager
def running(folder: Path, number: int = 1, password: bytearray | None = None) -> Iterator[Inventory]:
    """Run PCs whose customers do as a test request asks; yield the variables of each by its name.

    Args:
        folder: the folder of the PCs' files.
        number: how many PCs.
        password: their customers' password (UTF-16LE), the caller's to overwrite; None makes one for each.

    Raises:
        LabError: one did not come up, or failed meanwhile.
    """
    with ExitStack() as stack:
        inventory = {}
        for name in (f"pc{count}" for count in range(1, number + 1)):
            secret = password or play_password.make()
            if password is None:
                stack.callback(wipe, secret)
            chosen = {"name": name.upper(), "password": secret, **settings()}
            computer = stack.enter_context(pc(folder / name, **chosen))
            stack.enter_context(obliging(computer))
            inventory[name] = computer.inventory(CONNECTION)
        yield inventory


def write(folder: Path, inventory: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the inventory, the variables of the targets and the package that they name into a folder."""
    package = folder / PACKAGE
    package.write_bytes(b"A package of the lab.\n")
    write_private(folder / INVENTORY, {GROUP: {"hosts": inventory}})
    write_private(folder / VARIABLES, {"agent_package_path": str(package)})


def write_private(path: Path, content: object) -> None:
    """Write plain data as JSON, which is also YAML: an inventory has the password of the lab's own operator."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(content, indent=2) + "\n")
