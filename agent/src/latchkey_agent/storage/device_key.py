# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The device key of this PC: signs receipts and the journal's head with Ed25519, in OpenSSH's form.

It lies in a file of its own beside the journal, so a journal that is set aside does not change it. A controller
that knows the key would take a new one for another PC.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from latchkey_agent.ports import ForeignKeyError, KeyProtection
from latchkey_agent.protocol.frames import wipe

from . import atomic_file, ssh_signature
from .signed_json import DEVICE_KEY

NAME = "device.key"
"""The file in the agent's folder. While it is replaced there is a `device.new`, too."""
_ENTROPY = b"latchkey device key 1"
_ENTROPY_IN_JOURNAL = b"latchkey receipt key 1"
"""That of agents whose journal held the key."""
_SEED = 32


class KeptKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content: the public key, and the private one as the PC protects it.

    `replaces` is the public key before it, empty for the first one; `endorsement` that key's signature over this one,
    empty where it could not sign.
    """

    public_key: str
    protected: bytes
    replaces: str = ""
    endorsement: str = ""


_kept = msgspec.json.Decoder(KeptKey)


class DeviceKey:
    """Signs with a key that never leaves this PC in the clear.

    Attributes:
        public_key: the public key as a line of OpenSSH.
        fingerprint: its fingerprint, as `ssh-keygen -l` prints it.
        replaces: the public key before it, empty for the first one.
        endorsement: the SSH signature of that key over this one's line, empty where it could not sign.
    """

    def __init__(self, key: Ed25519PrivateKey, replaces: str = "", endorsement: str = "") -> None:
        self._key = key
        raw = key.public_key().public_bytes_raw()
        self.public_key = ssh_signature.public_line(raw)
        self.fingerprint = ssh_signature.fingerprint(raw)
        self.replaces = replaces
        self.endorsement = endorsement

    def sign(self, namespace: str, message: bytes) -> str:
        """Return the armored SSH signature of a message."""
        return ssh_signature.sign(self._key, namespace, message)


class DeviceKeyFile:
    """Keeps the device key.

    Args:
        folder: the agent's data; only the agent's account may read it.
        keys: protects the private key.
        random: returns that many random bytes.
    """

    def __init__(self, folder: Path, keys: KeyProtection, random: Callable[[int], bytes]) -> None:
        self._path = folder / NAME
        self._keys = keys
        self._random = random

    def load(self, in_journal: bytes | None) -> DeviceKey:
        """Return this PC's key; make a new key if there is none, or if it is another PC's.

        A key that was protected on another PC, or for another account, will never open here. A key that does not open
        for another reason stays as it is: a new one would make this PC another one for each controller.

        Args:
            in_journal: the key of an earlier agent, which kept it in its journal; the file goes before.

        Raises:
            OSError: the file cannot be read, or a new key cannot be written.
            PortError: the key does not open now, or the PC protects no new key.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return self._first(in_journal)
        try:
            kept = _kept.decode(content)
        except msgspec.DecodeError:
            # The file is replaced as a whole, so the disk or a person has changed it.
            return self._new()
        try:
            key = _opened(self._keys.unprotect(kept.protected, _ENTROPY))
        except ForeignKeyError:
            return self._new(kept.public_key)
        return DeviceKey(key, kept.replaces, kept.endorsement)

    def replace(self, old: DeviceKey | None) -> DeviceKey:
        """Make a new key, which the old one endorses; it is on the disk when this returns.

        Args:
            old: the key before it; None if that does not open, so that it endorses nothing.

        Raises:
            OSError: the file cannot be written; the old key stays.
            PortError: the PC protects no new key; the old one stays.
        """
        return self._new(old.public_key, old) if old is not None else self._new()

    def put_back(self, content: bytes) -> None:
        """Put an earlier content of the file back; raises OSError."""
        atomic_file.replace(self._path, content)

    def content(self) -> bytes:
        """Return the file's content; raises OSError."""
        return self._path.read_bytes()

    def _first(self, in_journal: bytes | None) -> DeviceKey:
        """Take over the key of an earlier agent, or make the first one."""
        if in_journal is not None:
            try:
                return self._keep(self._keys.unprotect(in_journal, _ENTROPY_IN_JOURNAL))
            except ForeignKeyError:
                pass  # It will never open here, and its public key is not known.
        return self._new()

    def _new(self, replaces: str = "", old: DeviceKey | None = None) -> DeviceKey:
        return self._keep(bytearray(self._random(_SEED)), replaces, old)

    def _keep(self, seed: bytearray, replaces: str = "", old: DeviceKey | None = None) -> DeviceKey:
        """Write the key with this seed, which is overwritten; return it, endorsed by the old one if that is known."""
        try:
            protected = self._keys.protect(seed, _ENTROPY)
            private = Ed25519PrivateKey.from_private_bytes(seed)
        finally:
            wipe(seed)
        line = DeviceKey(private).public_key
        endorsement = old.sign(DEVICE_KEY, line.encode("ascii")) if old is not None else ""
        kept = KeptKey(line, protected, replaces, endorsement)
        atomic_file.replace(self._path, msgspec.json.encode(kept))
        return DeviceKey(private, replaces, endorsement)


def _opened(seed: bytearray) -> Ed25519PrivateKey:
    try:
        return Ed25519PrivateKey.from_private_bytes(seed)
    finally:
        wipe(seed)
