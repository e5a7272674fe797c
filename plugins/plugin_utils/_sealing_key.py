# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The operator's sealing key, and the key pair of each grant that is derived from it.

It is a private key of X25519, or one of Ed25519 as `ssh-keygen` writes it: either is 32 random bytes for HKDF.

Nothing is stored for a grant: HKDF-SHA256 (RFC 5869) derives its private key from the sealing key, the fingerprint of
the PC's device key, the session's name and a random value, which the PC keeps with the request. A half that was sealed
to one grant's key opens with no other key.
"""

from __future__ import annotations

import json
import os
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ._failure import failure
from ._private_file import why_shared

try:
    from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
except ImportError:  # pragma: no cover - the tests have a version with HPKE
    HAS_HPKE = False
else:
    HAS_HPKE = True

if TYPE_CHECKING:
    from ._failure import Failure

LARGEST = 16 * 1024
"""Largest file of a key that is read, in bytes: one of X25519 has 119, one of ssh-keygen about 400."""
_BEGIN, _OPENSSH = "-----BEGIN ", b"-----BEGIN OPENSSH PRIVATE KEY-----"
_PURPOSE = "latchkey-grant-key-1"


class UnopenedError(Exception):
    """A sealed half does not open with this key for this purpose."""


@dataclass(frozen=True)
class GrantKey:
    """The key pair of one grant.

    Attributes:
        public_key: the public key in hexadecimal.
    """

    public_key: str
    _private: bytes = field(repr=False)

    def open(self, sealed: bytes, info: bytes) -> bytes:
        """Return the half that was sealed to this key with HPKE (RFC 9180) for a purpose.

        Raises:
            UnopenedError: it was sealed to another key or for another purpose, or was changed.
        """
        try:
            return bytes(_suite().decrypt(sealed, X25519PrivateKey.from_private_bytes(self._private), info))
        except (InvalidTag, ValueError):
            raise UnopenedError from None


@dataclass(frozen=True)
class SealingKey:
    """The operator's private key. It is in no text, result or message."""

    _private: bytes = field(repr=False)

    def require_apart(self, signing_key: Ed25519PrivateKey) -> None:
        """Refuse a sealing key that is the signing key, too: one stolen file would then be both.

        Raises:
            Failure: `sealing_key_unusable`.
        """
        if self._private == signing_key.private_bytes_raw():
            raise _unusable("it is the signing key, too; make one of its own")

    def grant_key(self, device: str, session: str, nonce: str) -> GrantKey:
        """Return the key pair of one grant.

        Args:
            device: the fingerprint of the PC's device key.
            session: the name of the support session.
            nonce: 32 random bytes in hexadecimal.
        """
        # The agent composes names (NFC), so equal names are equal bytes.
        name = unicodedata.normalize("NFC", session)
        told = {"purpose": _PURPOSE, "device": device, "session": name, "nonce": nonce}
        info = json.dumps(told, sort_keys=True, separators=(",", ":")).encode("ascii")
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self._private)
        public = X25519PrivateKey.from_private_bytes(derived).public_key()
        return GrantKey(public.public_bytes_raw().hex(), derived)


def sealed_to(public_key: bytes, half: bytes, info: bytes) -> bytes:
    """Return a half sealed to the PC's key of one delivery.

    Raises:
        UnopenedError: it is no usable key.
    """
    try:
        return bytes(_suite().encrypt(half, X25519PublicKey.from_public_bytes(public_key), info))
    except ValueError:
        raise UnopenedError from None


def sealing_key(given: str | None) -> SealingKey | None:
    """Return the sealing key of an option: the path of a file, or its text; in PEM (RFC 5958) or OpenSSH's form.

    Raises:
        Failure: `sealing_key_unusable`, `hpke_missing`. Neither has anything of the key in its text.
    """
    if given is None:
        return None
    # By an empty variable the grant must not become one of one party.
    if not given.strip():
        raise _unusable("it is empty; leave it out, if the grant is to be of one party")
    if not HAS_HPKE:
        raise failure("hpke_missing")
    text = given.encode() if _BEGIN in given else _content(Path(given).expanduser())
    by_openssh = _OPENSSH in text
    key: object
    try:
        if by_openssh:
            # A value of YAML may have lost the line end that OpenSSH's form ends with.
            key = load_ssh_private_key(text.strip() + b"\n", password=None)
        else:
            key = load_pem_private_key(text, password=None)
    except TypeError:
        raise _unusable("it is protected with a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _unusable("it is no private key in PEM or of ssh-keygen") from None
    if isinstance(key, X25519PrivateKey) or (by_openssh and isinstance(key, Ed25519PrivateKey)):
        return SealingKey(key.private_bytes_raw())
    raise _unusable("it is a key of another kind than X25519, or Ed25519 of ssh-keygen")


def _content(path: Path) -> bytes:
    try:
        if not path.is_file():
            raise _unusable("there is no such file on the controller")
        with path.open("rb") as file:
            if shared := why_shared(os.fstat(file.fileno())):
                raise _unusable(shared)
            return file.read(LARGEST)
    except (OSError, ValueError) as fault:
        # The text may be a key without its first line: neither it nor the system's reason, which repeats it, is shown.
        reason = fault.strerror if isinstance(fault, OSError) else None
        raise _unusable(f"its file cannot be read: {reason or 'no path'}") from None


def _unusable(detail: str) -> Failure:
    return failure("sealing_key_unusable", detail=detail)


def _suite() -> Suite:
    """Return the algorithms, which are the agent's: X25519 and HKDF-SHA256, ChaCha20Poly1305 (RFC 9180, section 7)."""
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
