# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""The operator's signing key with its OpenSSH user certificate, from files or values.

PROTOCOL.certkeys of OpenSSH defines the certificate. The PC checks it; here only the parts are read that the signed
text names, and whether key and certificate belong together.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ._armored_signature import Fields, SignatureError
from ._failure import failure
from ._private_file import why_shared

try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key
except ImportError:  # pragma: no cover - ansible-core depends on it
    HAS_CRYPTOGRAPHY = False
else:
    HAS_CRYPTOGRAPHY = True

if TYPE_CHECKING:
    from ._failure import Failure

CERTIFICATE_TYPE = "ssh-ed25519-cert-v01@openssh.com"
"""The only type of certificate that a PC accepts."""

_ORGANIZATION, _ROLE = "latchkey-organization", "latchkey-role"
_BESIDE = "-cert.pub"
_LARGEST = 16_384
_IN_A_KEY = "PRIVATE KEY-----"


@dataclass(frozen=True)
class Signer:
    """A key with its certificate.

    Attributes:
        key: signs.
        certificate: the certificate's line, without a comment.
        sha256: the hash of the certificate in hexadecimal.
        name: the person's name, the certificate's key id.
        organization: the organisation whose PCs the certificate is for.
        role: the person's role: the extension's, else the first principal.
    """

    key: Ed25519PrivateKey
    certificate: str
    sha256: str
    name: str
    organization: str
    role: str


def read_signer(key: str, certificate: str | None) -> Signer:
    """Return the key with its certificate.

    Args:
        key: the path of an OpenSSH private key on the controller, or the key itself.
        certificate: the path of the certificate, or its line; None for the file that ssh-keygen writes beside the key.

    Raises:
        Failure: `signing_key_unusable`. Its text has no part of the key.
    """
    # By an empty variable the request must not become an unsigned one, or one with another certificate.
    if not key.strip():
        raise _unusable("signing_key is empty; leave it out, if the request is not to be signed")
    if certificate is not None and not certificate.strip():
        raise _unusable("signing_certificate is empty; leave it out, if the certificate lies beside the key")
    if certificate is None and _IN_A_KEY in key:
        raise _unusable("signing_certificate is not set, and the key is not in a file")
    line = certificate or f"{key.removesuffix('.pub')}{_BESIDE}"
    private = _private(key if _IN_A_KEY in key else _content(key, "signing_key", secret=True))
    line = line if line.startswith(f"{CERTIFICATE_TYPE} ") else _content(line, "signing_certificate")
    try:
        return _signer(private, line.split())
    except (SignatureError, UnicodeDecodeError) as fault:
        raise _unusable(f"signing_certificate: {fault}") from None


def _unusable(detail: str) -> Failure:
    return failure("signing_key_unusable", detail=detail)


def _content(path: str, option: str, *, secret: bool = False) -> str:
    """Return the text of a file; a `secret` one must be its owner's alone."""
    try:
        with Path(path).expanduser().open("rb") as file:
            if secret and (shared := why_shared(os.fstat(file.fileno()))):
                raise _unusable(f"{option}: {shared}")
            return file.read(_LARGEST).decode("ascii")
    except (OSError, ValueError, RuntimeError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "it is no text of ASCII"
        raise _unusable(f"{option}: the file cannot be read ({reason})") from None


def _private(text: str) -> Ed25519PrivateKey:
    if not HAS_CRYPTOGRAPHY:
        raise _unusable("this controller has no Python package cryptography")
    try:
        # A value of YAML may have lost the line end that OpenSSH's form ends with.
        key = load_ssh_private_key((text.strip() + "\n").encode("ascii"), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The text of such an error may quote the key.
        detail = "signing_key: it is no OpenSSH private key without a passphrase"
        raise _unusable(detail) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable("signing_key: it is no Ed25519 key")
    return key


def _signer(private: Ed25519PrivateKey, words: list[str]) -> Signer:
    if len(words) < 2 or words[0] != CERTIFICATE_TYPE:
        raise SignatureError(f"it is no line with an {CERTIFICATE_TYPE}")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        raise SignatureError("its base64 is damaged") from None
    fields = Fields(blob)
    fields.string()  # the type once more
    fields.string()  # the random nonce
    if fields.string() != private.public_key().public_bytes_raw():
        raise SignatureError("it belongs to another key than signing_key")
    fields.take(8 + 4)  # the serial number and the kind
    name, principals = fields.text(), Fields(fields.string())
    role = principals.text() if principals.rest else ""
    fields.take(8 + 8)  # the times
    fields.string()  # the critical options
    named = _extensions(Fields(fields.string()))
    return Signer(
        key=private,
        certificate=f"{words[0]} {words[1]}",
        sha256=hashlib.sha256(blob).hexdigest(),
        name=name,
        organization=named.get(_ORGANIZATION, ""),
        role=named.get(_ROLE) or role,
    )


def _extensions(fields: Fields) -> dict[str, str]:
    found = {}
    while fields.rest:
        name, value = fields.text(), Fields(fields.string())
        # The value of another extension may be bytes of any kind.
        if name in {_ORGANIZATION, _ROLE}:
            found[name] = value.text() if value.rest else ""
    return found
