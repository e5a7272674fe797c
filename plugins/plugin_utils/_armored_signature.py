# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Reads and verifies detached SSH signatures (SSHSIG) of Ed25519 keys.

Sources: PROTOCOL.sshsig of OpenSSH for the signature, RFC 4251 section 5 for its fields, RFC 8709 for Ed25519 keys and
signatures in them. `ssh-keygen -Y sign` writes this form, `ssh-keygen -Y verify` reads it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import textwrap
from dataclasses import dataclass

try:
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ImportError:  # pragma: no cover - ansible-core depends on it
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

KEY_TYPE = "ssh-ed25519"
"""The only type of keys and signatures that is verified (RFC 8709, sections 3 and 6)."""

LONGEST = 4096
"""Largest signature that is read, in characters: one of Ed25519 with a namespace of 64 characters has under 400."""

_MAGIC = b"SSHSIG"
_VERSION = 1
_HASHES = frozenset({"sha256", "sha512"})
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
# OpenSSH requires a line end behind the first line, and ignores everything behind the last line's text.
_ARMOR = re.compile(rf"{_BEGIN}\r?\n([A-Za-z0-9+/=\r\n]+)\n{_END}[\r\n]*")


class SignatureError(Exception):
    """The signature does not count. The text is the reason, as the second half of a sentence."""


class UncheckedSignatureError(SignatureError):
    """This controller cannot verify Ed25519, so the signature may be valid or not."""


@dataclass(frozen=True)
class SshSignature:
    """A signature in its parts.

    Attributes:
        key: the public key's blob (RFC 8709, section 4), as the signature holds it.
        namespace: the purpose for which it was made.
        hash_algorithm: `sha256` or `sha512`.
        value: the signature of Ed25519, 64 bytes.
    """

    key: bytes
    namespace: str
    hash_algorithm: str
    value: bytes


class Fields:
    """Reads the fields of a blob from its beginning (RFC 4251, section 5)."""

    def __init__(self, blob: bytes) -> None:
        self._rest = blob

    def take(self, size: int) -> bytes:
        """Return the next bytes, which must be there."""
        if len(self._rest) < size:
            raise SignatureError("it ends too early")
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def number(self) -> int:
        """Return the next number of 32 bits."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Return the next string."""
        return self.take(self.number())

    def text(self) -> str:
        """Return the next string as text."""
        return self.string().decode("utf-8", "replace")

    @property
    def rest(self) -> bytes:
        """The bytes that were not read yet."""
        return self._rest

    def end(self) -> None:
        """Raise unless everything was read."""
        if self._rest:
            raise SignatureError("bytes follow its end")


def parse(armored: str) -> SshSignature:
    """Return the parts of an armored signature.

    Raises:
        SignatureError: it is no SSH signature, or not one of an Ed25519 key.
    """
    fields = Fields(_blob(armored))
    if fields.take(len(_MAGIC)) != _MAGIC:
        raise SignatureError("it does not begin as an SSH signature")
    if (version := fields.number()) != _VERSION:
        raise SignatureError(f"it has the version {version} instead of {_VERSION}")
    key, namespace = fields.string(), fields.text()
    if fields.string():
        raise SignatureError("its reserved field is not empty")
    hash_algorithm, signature = fields.text(), fields.string()
    fields.end()
    if hash_algorithm not in _HASHES:
        raise SignatureError("its hash algorithm is neither sha256 nor sha512")
    key_value(key)
    return SshSignature(key, namespace, hash_algorithm, _typed(signature, "signature", _SIGNATURE_BYTES))


def signed_json(document: dict[str, object]) -> bytes:
    """Return the bytes of a document that a PC signs: JSON with sorted keys, without spaces, in ASCII.

    Raises:
        SignatureError: the document cannot be written as JSON.
    """
    try:
        written = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        raise SignatureError("its document cannot be written as JSON") from None
    return written.encode("ascii")


def verified(armored: str, message: bytes, namespace: str) -> bytes:
    """Return the blob of the key that signed a message for a namespace.

    The signature shows that the holder of this key signed the message. It does not show whose key it is.

    Raises:
        SignatureError: the signature is none of the message, or was made for another namespace.
        UncheckedSignatureError: this controller cannot verify Ed25519.
    """
    parts = parse(armored)
    if parts.namespace != namespace:
        raise SignatureError(f"it was not made for {namespace}")
    digest = hashlib.new(parts.hash_algorithm, message).digest()
    fields = (namespace.encode(), b"", parts.hash_algorithm.encode(), digest)
    _verify(key_value(parts.key), parts.value, _MAGIC + b"".join(map(_string, fields)))
    return parts.key


def signed(key: Ed25519PrivateKey, message: bytes, namespace: str) -> str:
    """Return the armored signature of a message for a namespace, as `ssh-keygen -Y sign` writes it."""
    fields = (namespace.encode(), b"", b"sha512", hashlib.sha512(message).digest())
    value = key.sign(_MAGIC + b"".join(map(_string, fields)))
    public = _string(KEY_TYPE.encode()) + _string(key.public_key().public_bytes_raw())
    parts = (public, *fields[:3], _string(KEY_TYPE.encode()) + _string(value))
    blob = _MAGIC + _VERSION.to_bytes(4, "big") + b"".join(map(_string, parts))
    lines = textwrap.wrap(base64.b64encode(blob).decode("ascii"), 70)
    return "\n".join([_BEGIN, *lines, _END]) + "\n"


def _verify(key: bytes, value: bytes, signed: bytes) -> None:
    if not HAS_CRYPTOGRAPHY:
        raise UncheckedSignatureError("this controller has no Python package cryptography")
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(value, signed)
    except UnsupportedAlgorithm:
        raise UncheckedSignatureError("this controller's cryptography cannot verify Ed25519") from None
    except (InvalidSignature, ValueError):
        raise SignatureError("it is not valid for this content") from None


def _blob(armored: str) -> bytes:
    if len(armored) > LONGEST:
        raise SignatureError(f"it is longer than {LONGEST} characters")
    found = _ARMOR.fullmatch(armored)
    if found is None:
        raise SignatureError("it is no armored SSH signature")
    try:
        return base64.b64decode(re.sub(r"[\r\n]", "", found[1]), validate=True)
    except binascii.Error:
        raise SignatureError("its base64 is damaged") from None


def _string(value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + value


# --- public keys


def key_value(blob: bytes) -> bytes:
    """Return the 32 bytes of a public key's blob.

    Raises:
        SignatureError: it is no Ed25519 key.
    """
    return _typed(blob, "key", _KEY_BYTES)


def _typed(blob: bytes, name: str, size: int) -> bytes:
    fields = Fields(blob)
    if fields.text() != KEY_TYPE:
        raise SignatureError(f"its {name} is not of the type {KEY_TYPE}")
    value = fields.string()
    fields.end()
    if len(value) != size:
        raise SignatureError(f"its {name} has {len(value)} bytes instead of {size}")
    return value


def key_of_line(line: str) -> bytes:
    """Return the blob of a public key as OpenSSH writes it, `ssh-ed25519 AAAA...`. A comment may follow.

    Raises:
        SignatureError: it is no Ed25519 key.
    """
    words = line.split(None, 2) if len(line) <= LONGEST else []
    if len(words) < 2 or words[0] != KEY_TYPE:
        raise SignatureError(f"it is no public key of the type {KEY_TYPE}")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError("its base64 is damaged") from None
    key_value(blob)
    return blob


def line_of(blob: bytes) -> str:
    """Return a public key as OpenSSH writes it, without a comment."""
    return f"{KEY_TYPE} {base64.b64encode(blob).decode('ascii')}"


def fingerprint(blob: bytes) -> str:
    """Return a public key's fingerprint, as `ssh-keygen -l` prints it: `SHA256:` and base64 without its padding."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode("ascii").rstrip("=")
