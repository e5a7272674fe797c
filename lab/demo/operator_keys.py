# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of the demo's operator: one that signs, with its certificate, and a sealing key.

In an organisation `ssh-keygen` and the playbook `keys` make them. The demo also runs where `ssh-keygen` is missing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)

from lab.simulated.pc_settings import POLICY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SINCE, UNTIL = timedelta(minutes=5), timedelta(hours=10)
"""The certificate's time before and after now."""


@dataclass(frozen=True)
class OperatorKeys:
    """The keys of one demo, in files that only their owner reads.

    Attributes:
        policy: the text of a PC's settings that pins the organisation's authority.
    """

    folder: Path
    policy: str

    @property
    def variables(self) -> dict[str, Any]:
        """The role's variables that name the files."""
        signing, sealing = self.folder / "operator", self.folder / "sealing"
        return {"maintenance_signing_key": str(signing), "maintenance_sealing_key": str(sealing)}

    def forget(self) -> None:
        """Remove the private keys."""
        for path in self.variables.values():
            (self.folder / path).unlink(missing_ok=True)


def made_keys(folder: Path, requester: Mapping[str, str]) -> OperatorKeys:
    """Make an authority, a key with a certificate for the requester, and a sealing key.

    Args:
        folder: the folder for the files; it is made.
        requester: the `name`, `role` and `organization` that the certificate names.
    """
    folder.mkdir(parents=True)
    authority, operator, sealing = (Ed25519PrivateKey.generate() for _ in range(3))
    _write(folder / "operator", operator)
    _write(folder / "sealing", sealing)
    (folder / "operator-cert.pub").write_bytes(_certificate(authority, operator, requester) + b"\n")
    line = authority.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    pinned = (
        f'{POLICY}\n[signing]\nepoch = 1\norganization = "{requester["organization"]}"\n'
        f"authorities = {json.dumps([line])}\n"
    )
    return OperatorKeys(folder, pinned)


def _write(path: Path, key: Ed25519PrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))


def _certificate(
    authority: Ed25519PrivateKey, operator: Ed25519PrivateKey, requester: Mapping[str, str]
) -> bytes:
    now = datetime.now(UTC)
    builder = (
        SSHCertificateBuilder()
        .public_key(operator.public_key())
        .serial(1)
        .type(SSHCertificateType.USER)
        .key_id(requester["name"].encode())
        .valid_principals([requester["role"].encode()])
        .valid_after(int((now - SINCE).timestamp()))
        .valid_before(int((now + UNTIL).timestamp()))
        .add_extension(b"latchkey-organization", requester["organization"].encode())
        .add_extension(b"latchkey-role", requester["role"].encode())
    )
    return builder.sign(authority).public_bytes()
