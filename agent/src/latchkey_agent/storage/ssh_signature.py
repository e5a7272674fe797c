# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures and public keys in the forms of OpenSSH, for Ed25519 keys (RFC 8032). Pure: no file, no clock.

`PROTOCOL.sshsig` of OpenSSH defines the signature, RFC 8709 the key and the signature inside of it, RFC 4251 section
5 the strings that both consist of. `ssh-keygen -Y verify` reads what `sign` writes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
import textwrap
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from latchkey_agent.domain import fingerprint_of

KEY_TYPE = b"ssh-ed25519"
LONGEST = 4096
"""Characters of a signature's text: one of an Ed25519 key has about 300."""
_MAGIC = b"SSHSIG"
_VERSION = 1
_HASH = b"sha512"
_BEGIN, _END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
_LINE = 70
"""Characters of base64 in a line, as `ssh-keygen` writes them."""
_NUMBER = struct.Struct(">I")
_KEY_LENGTH, _SIGNATURE_LENGTH = 32, 64
_LINE_OF_KEY = re.compile(r"ssh-ed25519 ([0-9A-Za-z+/]{1,200}={0,2})(?: .*)?")


class SignatureError(Exception):
    """The text is no signature or key of this form, or the signature does not fit the signed message."""


class Signature(NamedTuple):
    """The content of a signature. `public_key` and `signature` are Ed25519's raw bytes."""

    public_key: bytes
    namespace: str
    signature: bytes


def sign(key: Ed25519PrivateKey, namespace: str, message: bytes) -> str:
    """Return the armored signature of a message.

    Args:
        key: signs.
        namespace: says what the message is, so that no signature counts for another purpose; ASCII, not empty.
        message: the bytes to sign.
    """
    public = key.public_key().public_bytes_raw()
    signature = key.sign(_signed(namespace, message))
    blob = _MAGIC + _NUMBER.pack(_VERSION)
    for part in (_key_blob(public), namespace.encode("ascii"), b"", _HASH, _pair(KEY_TYPE, signature)):
        blob += string(part)
    lines = textwrap.wrap(base64.b64encode(blob).decode("ascii"), _LINE)
    return "\n".join([_BEGIN, *lines, _END]) + "\n"


def parse(text: str) -> Signature:
    """Return the content of an armored signature; whether it is valid is not looked at.

    Raises:
        SignatureError: it has another form, another algorithm, or more than a signature.
    """
    reader = Reader(_unarmored(text))
    if reader.take(len(_MAGIC)) != _MAGIC or reader.number() != _VERSION:
        raise SignatureError("it is no SSH signature of version 1")
    public = _key_of(reader.string())
    namespace, _reserved, algorithm = reader.string(), reader.string(), reader.string()
    signature = Reader(reader.string())
    reader.end()
    kind, raw = signature.string(), signature.string()
    signature.end()
    if (algorithm, kind, len(raw)) != (_HASH, KEY_TYPE, _SIGNATURE_LENGTH):
        raise SignatureError("it is not made with Ed25519 and SHA-512")
    if not namespace or not namespace.isascii():
        raise SignatureError("it has no namespace")
    return Signature(public, namespace.decode("ascii"), raw)


def verify(text: str, namespace: str, message: bytes) -> bytes:
    """Return the raw public key that signed a message; the caller compares it with the key that it trusts.

    Args:
        text: the armored signature.
        namespace: the purpose that it must have been made for.
        message: the bytes that must have been signed.

    Raises:
        SignatureError: it has another form, is for another purpose, or does not fit the message.
    """
    found = parse(text)
    if found.namespace != namespace:
        msg = f"it is a signature for another purpose than {namespace!r}"
        raise SignatureError(msg)
    try:
        key = Ed25519PublicKey.from_public_bytes(found.public_key)
        key.verify(found.signature, _signed(namespace, message))
    except (InvalidSignature, ValueError):
        raise SignatureError("the signature does not fit what was signed") from None
    return found.public_key


def public_line(public_key: bytes) -> str:
    """Return a raw public key as a line of OpenSSH, without a comment."""
    return f"{KEY_TYPE.decode()} {base64.b64encode(_key_blob(public_key)).decode()}"


def public_key_of(line: str) -> bytes:
    """Return the raw public key of a line of OpenSSH.

    Raises:
        SignatureError: it is no Ed25519 key.
    """
    if (found := _LINE_OF_KEY.fullmatch(line.strip())) is None:
        raise SignatureError("it is no line with an Ed25519 key")
    try:
        return _key_of(base64.b64decode(found[1], validate=True))
    except binascii.Error:
        raise SignatureError("its key is no base64") from None


def fingerprint(public_key: bytes) -> str:
    """Return the fingerprint of a raw public key, as `ssh-keygen -l` prints it."""
    return fingerprint_of(public_line(public_key))


def _signed(namespace: str, message: bytes) -> bytes:
    """Return the bytes that the key signs (PROTOCOL.sshsig, section 2)."""
    parts = (namespace.encode("ascii"), b"", _HASH, hashlib.sha512(message).digest())
    return _MAGIC + b"".join(map(string, parts))


def _unarmored(text: str) -> bytes:
    lines = [] if len(text) > LONGEST else text.strip().splitlines()
    if len(lines) < 3 or (lines[0], lines[-1]) != (_BEGIN, _END):
        raise SignatureError("it is no SSH signature")
    try:
        return base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError):
        raise SignatureError("its content is no base64") from None


def _key_of(blob: bytes) -> bytes:
    reader = Reader(blob)
    kind, raw = reader.string(), reader.string()
    reader.end()
    if kind != KEY_TYPE or len(raw) != _KEY_LENGTH:
        raise SignatureError("its key is no Ed25519 key")
    return raw


def _key_blob(public_key: bytes) -> bytes:
    return _pair(KEY_TYPE, public_key)


def _pair(first: bytes, second: bytes) -> bytes:
    return string(first) + string(second)


def string(part: bytes) -> bytes:
    """Return a string as RFC 4251 writes it: its length, then its bytes."""
    return _NUMBER.pack(len(part)) + part


class Reader:
    """Reads the parts of a blob; each fault is a SignatureError."""

    def __init__(self, blob: bytes) -> None:
        self._left = blob

    def take(self, count: int) -> bytes:
        """Return the next bytes, which must be there."""
        if count > len(self._left):
            raise SignatureError("it is cut off")
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def number(self) -> int:
        """Return the next number."""
        value: int = _NUMBER.unpack(self.take(_NUMBER.size))[0]
        return value

    def long_number(self) -> int:
        """Return the next number of 64 bits."""
        return int.from_bytes(self.take(8), "big")

    @property
    def rest(self) -> bytes:
        """The bytes that were not read yet."""
        return self._left

    def string(self) -> bytes:
        """Return the next string."""
        return self.take(self.number())

    def end(self) -> None:
        """Raise unless everything was read."""
        if self._left:
            raise SignatureError("it has more than belongs to it")
