# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""User certificates of OpenSSH for Ed25519 keys, signed by an Ed25519 key. Pure: no file, no clock.

`PROTOCOL.certkeys` of OpenSSH defines the form; `ssh-keygen -s` writes it. One that this module returns is signed by
the authority that it names. Whether that authority counts, and at which time, is for the caller to say.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .ssh_signature import KEY_TYPE, Reader, SignatureError

CERTIFICATE_TYPE = "ssh-ed25519-cert-v01@openssh.com"
LONGEST = 8192
"""Characters of a certificate's line: one with three principals and eight extensions has about 900."""
OWN = "latchkey-"
"""The beginning of the names of Latchkey's extensions."""
SHOWN = 60
"""Characters of a critical option's name that a message shows."""
_LINE = re.compile(rf"{re.escape(CERTIFICATE_TYPE)} ([0-9A-Za-z+/]+={{0,2}})(?: [^\r\n]*)?")
_USER = 1
"""The type of a certificate for a person; 2 is one for a computer (PROTOCOL.certkeys)."""
_KEY_LENGTH, _SIGNATURE_LENGTH = 32, 64


class Certificate(NamedTuple):
    """The content of a valid certificate. `public_key` and `authority` are Ed25519's raw bytes.

    `valid_after` and `valid_before` are seconds since 1970; it is valid from the one to just before the other.
    `sha256`: the hash of the whole certificate in hexadecimal.
    """

    public_key: bytes
    serial: int
    key_id: str
    principals: tuple[str, ...]
    valid_after: int
    valid_before: int
    extensions: dict[str, str]
    authority: bytes
    sha256: str


def read(line: str) -> Certificate:
    """Return the content of a certificate that its authority has signed.

    Args:
        line: the certificate as `ssh-keygen -s` writes it; a comment may follow.

    Raises:
        SignatureError: it has another form, is not for a person with an Ed25519 key, names no principal, has a critical
            option, or was not signed by the authority that it names. No critical option is known here, so PROTOCOL's
            rule to refuse unknown ones refuses them all.
    """
    blob = _blob(line)
    reader = Reader(blob)
    if reader.string() != CERTIFICATE_TYPE.encode("ascii"):
        raise SignatureError("it is not a certificate of an Ed25519 key")
    reader.string()  # the random nonce against collisions
    public_key, serial = _sized(reader.string(), _KEY_LENGTH), reader.long_number()
    if reader.number() != _USER:
        raise SignatureError("it is not a certificate for a person")
    key_id, principals = _text(reader.string()), _principals(reader.string())
    valid_after, valid_before = reader.long_number(), reader.long_number()
    critical, extensions = reader.string(), reader.string()
    reader.string()  # reserved
    authority = _typed(reader.string(), _KEY_LENGTH, "authority")
    signed = blob[: len(blob) - len(reader.rest)]
    signature = _typed(reader.string(), _SIGNATURE_LENGTH, "signature")
    reader.end()
    _verify(authority, signature, signed)
    # Words of a certificate get into a message after its authority has signed them, and not at any length.
    if options := _options(critical):
        name = next(iter(options))[:SHOWN]
        raise SignatureError(f"it has the critical option {name!r}, which is not known here")
    digest = hashlib.sha256(blob).hexdigest()
    return Certificate(
        public_key,
        serial,
        key_id,
        principals,
        valid_after,
        valid_before,
        _options(extensions),
        authority,
        digest,
    )


def _blob(line: str) -> bytes:
    found = _LINE.fullmatch(line.strip()) if len(line) <= LONGEST else None
    if found is None:
        raise SignatureError(f"it is no line with an {CERTIFICATE_TYPE}")
    try:
        return base64.b64decode(found[1], validate=True)
    except binascii.Error:
        raise SignatureError("its content is no base64") from None


def _sized(value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise SignatureError(f"a part of it has {len(value)} bytes instead of {length}")
    return value


def _typed(blob: bytes, length: int, part: str) -> bytes:
    """Return a key or signature that must be Ed25519's (RFC 8709)."""
    reader = Reader(blob)
    if reader.string() != KEY_TYPE:
        raise SignatureError(f"its {part} is not Ed25519's")
    value = reader.string()
    reader.end()
    return _sized(value, length)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise SignatureError("a name in it is no UTF-8") from None


def _principals(blob: bytes) -> tuple[str, ...]:
    """Return the principals. A certificate without one counts for all to sshd; here it counts for none."""
    reader, names = Reader(blob), []
    while reader.rest:
        names.append(_text(reader.string()))
    if not names:
        raise SignatureError("it names no principal")
    return tuple(names)


def _options(blob: bytes) -> dict[str, str]:
    """Return options or extensions with their values. They are sorted, and none is there twice (PROTOCOL.certkeys).

    The values of others than Latchkey's may be bytes of any kind; they stay empty.
    """
    reader, options, last = Reader(blob), dict[str, str](), ""
    while reader.rest:
        name, data = _text(reader.string()), reader.string()
        if name <= last:
            raise SignatureError("its options are not sorted")
        options[name] = _value(data) if name.startswith(OWN) else ""
        last = name
    return options


def _value(data: bytes) -> str:
    reader = Reader(data)
    value = _text(reader.string()) if reader.rest else ""
    reader.end()
    return value


def _verify(authority: bytes, signature: bytes, signed: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(authority).verify(signature, signed)
    except (InvalidSignature, ValueError):
        raise SignatureError("its authority has not signed it") from None
