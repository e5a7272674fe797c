# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the integration targets of the collection with `ansible-test windows-integration`; no network is needed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from lab.testbed import bed
from tools import sanity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ROOT / "tests" / "integration" / "targets"
HELPERS = "setup_"
"""The beginning of the names of roles that targets share; ansible-test hides them."""


def names() -> list[str]:
    """Return the names of all targets."""
    return sorted(path.name for path in TARGETS.iterdir() if not path.name.startswith(HELPERS))


class Tree:
    """A copy of the collection as it is released, at a path as ansible-test wants it.

    Args:
        folder: the folder for the copy and for a home; what was there of an earlier copy is replaced.
    """

    def __init__(self, folder: Path) -> None:
        self._home = folder / "home"
        self.collection = folder / "ansible_collections" / "latchkey" / "consent"

    def make(self, inventory: Mapping[str, Mapping[str, Any]]) -> None:
        """Copy the collection, and write the inventory with these hosts.

        Raises:
            CheckoutError: git cannot list the files of the checkout.
        """
        sanity.copy_tree(self.collection)
        sanity.make_home(self._home)
        _write_key(self._home / ".ansible" / "test" / "id_rsa")
        bed.write(self.collection / "tests" / "integration", inventory)

    def command(self, targets: Sequence[str]) -> list[str]:
        """Return the command that runs targets by their names, or all."""
        python = "{}.{}".format(*sys.version_info[:2])
        program = str(Path(sys.executable).with_name("ansible-test"))
        # Without --inventory it takes tests/integration/inventory.winrm.
        return [program, "windows-integration", "--python", python, *targets]

    def start(self, targets: Sequence[str], **options: Any) -> subprocess.Popen[bytes]:
        """Start ansible-test with targets by their names, or with all; `options` are those of Popen."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "HOME": str(self._home), "PATH": path, "LC_ALL": "C.UTF-8"}
        # They would be stronger than what ansible-test sets.
        for name in ("ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG", "PYTHONPATH"):
            environment.pop(name, None)
        return subprocess.Popen(
            self.command(targets), cwd=self.collection, env=environment, stdin=subprocess.DEVNULL, **options
        )


def _write_key(file: Path) -> None:
    """Write a key pair: ansible-test wants one for SSH, also where nothing is reached by SSH, and has no other way."""
    if file.exists():
        return
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    file.with_name("id_rsa.pub").write_bytes(public + b"\n")
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as stream:
        stream.write(private)
