# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of the tests, and SSH signatures written by Python: the second writer of the form beside `ssh-keygen`."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

if TYPE_CHECKING:
    from pathlib import Path


def string(value: bytes) -> bytes:
    """Return a field of RFC 4251, section 5."""
    return len(value).to_bytes(4, "big") + value


def armored(blob: bytes) -> str:
    """Return a signature's blob as PROTOCOL.sshsig arms it."""
    text = base64.b64encode(blob).decode()
    lines = [text[at : at + 70] for at in range(0, len(text), 70)]
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def disarmed(text: str) -> bytes:
    """Return the blob of an armored signature."""
    return base64.b64decode("".join(text.splitlines()[1:-1]))


@dataclass
class DeviceKey:
    """An Ed25519 key that signs as an agent does."""

    private: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def blob(self) -> bytes:
        """The public key's blob (RFC 8709, section 4)."""
        return string(b"ssh-ed25519") + string(self.private.public_key().public_bytes_raw())

    @property
    def line(self) -> str:
        """The public key as OpenSSH writes it."""
        return f"ssh-ed25519 {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """The fingerprint as `ssh-keygen -l` prints it."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    def sign(
        self, message: bytes, namespace: str, *, algorithm: str = "sha512", reserved: bytes = b""
    ) -> str:
        """Return the armored signature of a message."""
        digest = hashlib.new(algorithm, message).digest()
        fields = namespace.encode(), reserved, algorithm.encode()
        signed = b"SSHSIG" + b"".join(map(string, (*fields, digest)))
        value = string(b"ssh-ed25519") + string(self.private.sign(signed))
        head = b"SSHSIG" + (1).to_bytes(4, "big")
        return armored(head + b"".join(map(string, (self.blob, *fields, value))))

    def receipt(self, request: str = "r1", session: str = "CHG-1", **more: Any) -> dict[str, Any]:
        """Return a receipt as the agent answers it."""
        document = {
            "schema_version": "latchkey-receipt-2",
            "request": request,
            "session": session,
            "device_key": self.fingerprint,
            "closed": True,
            **more,
        }
        return {
            "request": request,
            "document": document,
            "signature": self.sign(canonical(document), "latchkey-receipt"),
            "public_key": self.line,
            "text": "Receipt",
        }

    def head(self, position: int = 5, content: str = "", device: str = "PC1") -> dict[str, Any]:
        """Return the head of a journal as the agent answers it."""
        told = {
            "device": device,
            "position": position,
            "hash": content or hashlib.sha256(str(position).encode()).hexdigest(),
            "at": "2026-11-23T22:00:00.000+01:00",
        }
        signature = self.sign(canonical({"schema_version": "latchkey-journal-1", **told}), "latchkey-journal")
        return {**told, "signature": signature, "public_key": self.line}

    def write(self, path: Path) -> Path:
        """Write the private key as OpenSSH reads it; return the path."""
        form = serialization.PrivateFormat.OpenSSH
        path.write_bytes(
            self.private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        )
        path.chmod(0o600)
        return path


def canonical(document: dict[str, Any]) -> bytes:
    """Return the bytes that are signed."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")


def ssh_keygen(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run `ssh-keygen`."""
    return subprocess.run(
        ["ssh-keygen", *map(str, arguments)], input=given, capture_output=True, check=False, timeout=30
    )
