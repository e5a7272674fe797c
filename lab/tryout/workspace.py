# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The player's folder: inventory, settings of Ansible, examples, and the collection as users install it."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from agent.packaging import collection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ROOT = Path(__file__).resolve().parents[2]
OWN_COLLECTIONS = ".lab-collections"
"""The lab's own installation; `ansible-galaxy` installs the player's beside it, into `collections`."""
EXAMPLES = Path(__file__).with_name("examples")
CONFIGURATION = """\
# Made by `make lab`.
[defaults]
inventory = inventory.json
collections_path = collections:.lab-collections
home = ansible
retry_files_enabled = false
host_key_checking = false
"""


class Workspace:
    """The folder in which the player's `ansible-playbook` runs.

    Args:
        folder: the folder; files of the player in it stay.
        socket: the socket of the command `lab`.
    """

    def __init__(self, folder: Path, socket: Path) -> None:
        self.folder = folder
        self._socket = socket
        self._examples: dict[Path, bytes] = {}

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which `ansible-playbook` and `lab` are found and find what they need."""
        programs = (self.folder / "bin", Path(sys.executable).parent)
        return {
            "PATH": os.pathsep.join([*map(str, programs), os.environ.get("PATH", os.defpath)]),
            "ANSIBLE_CONFIG": str(self.folder / "ansible.cfg"),
            "LC_ALL": "C.UTF-8",
        }

    def make(self, inventory: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the folder's files, but keep examples that the player has changed.

        Args:
            inventory: the variables of each PC.

        Raises:
            WorkError: the collection cannot be built or installed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_private("inventory.json", json.dumps({"office_pcs": {"hosts": inventory}}, indent=2))
        (self.folder / "ansible.cfg").write_text(CONFIGURATION, encoding="utf-8")
        self._write_commands()
        for example in EXAMPLES.iterdir():
            target = self.folder / example.name
            self._examples[target] = example.read_bytes()
            if not target.exists():
                target.write_bytes(self._examples[target])
        self._install()

    def remove(self) -> None:
        """Remove all that `make` made; what the player wrote or changed stays."""
        for name in ("inventory.json", "ansible.cfg", "activate"):
            (self.folder / name).unlink(missing_ok=True)
        for name in (OWN_COLLECTIONS, "bin", "ansible"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for path, content in self._examples.items():
            with suppress(FileNotFoundError):
                if path.read_bytes() == content:
                    path.unlink()
        with suppress(OSError):
            self.folder.rmdir()

    def _write_private(self, name: str, text: str) -> None:
        path = self.folder / name
        path.unlink(missing_ok=True)
        # The inventory has the password of the lab's own operator.
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text + "\n")

    def _write_commands(self) -> None:
        folder = self.folder / "bin"
        folder.mkdir(exist_ok=True)
        command = folder / "lab"
        command.write_text(
            "#!/bin/sh\n"
            f"exec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'lab/tryout/command.py'))} "
            f'{shlex.quote(str(self._socket))} "$@"\n',
            encoding="utf-8",
        )
        command.chmod(0o755)
        lines = [
            f"export {name}={shlex.quote(value)}\n"
            for name, value in self.environment.items()
            if name != "PATH"
        ]
        # They would be stronger than ansible.cfg.
        lines.append("unset ANSIBLE_COLLECTIONS_PATH ANSIBLE_INVENTORY\n")
        path = os.pathsep.join(map(str, (folder, Path(sys.executable).parent)))
        lines.append(f'export PATH={shlex.quote(path)}:"$PATH"\n')
        (self.folder / "activate").write_text("".join(lines), encoding="utf-8")

    def _install(self) -> None:
        """Build the collection and install it as users do: from its tarball, with ansible-galaxy."""
        with tempfile.TemporaryDirectory(prefix="latchkey-lab-") as name:
            collection.install(collection.build(Path(name)), self.folder / OWN_COLLECTIONS)
