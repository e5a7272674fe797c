# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP authentication of clients.

Source: RFC 7617 (Basic); [MS-WSMV] section 2.2.9.1 (encrypted messages, for schemes that have them).
"""

from __future__ import annotations

import base64
import binascii
import ntpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.wsman.host import Host


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of checking a request's Authorization header.

    `user` is set once the client is authenticated. `challenges` are the answer's WWW-Authenticate headers:
    for a refusal, for a further step, or (SPNEGO's last token) for the final answer. `rejected`: a
    logon was tried and refused.
    """

    user: str = ""
    challenges: Sequence[str] = ()
    rejected: bool = False


class BadMessageError(Exception):
    """A message was encrypted for another connection or changed in transit."""


class CertificateRefusedError(ConnectionError):
    """TLS has refused the client's certificate, and with it the connection."""


class Authenticator(Protocol):
    """Authenticates one connection; holds that connection's state."""

    def authenticate(self, header: str, client: str) -> Verdict:
        """Check an Authorization header; an empty text means that the request has none."""
        ...

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """Return the plain message. Raises BadMessageError."""
        ...

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """Return the content type and body of an answer, encrypted if the request was."""
        ...


SOAP_TYPE = "application/soap+xml;charset=UTF-8"
ENCRYPTED_TYPE = "multipart/encrypted"
MULTI_ENCRYPTED_TYPE = "multipart/x-multi-encrypted"


def is_encrypted(content_type: str) -> bool:
    """Tell whether a scheme has encrypted the message of this content type."""
    return content_type.startswith((ENCRYPTED_TYPE, MULTI_ENCRYPTED_TYPE))


class PlainMessages:
    """The messages of a scheme that has no keys to encrypt them."""

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """Return the message unchanged. Raises BadMessageError: it is encrypted."""
        if is_encrypted(content_type):
            raise BadMessageError("the message is encrypted, but its scheme has no keys")
        return body

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """Return the message unchanged."""
        return SOAP_TYPE, message


class BasicAuthenticator(PlainMessages):
    """Basic authentication: every request carries user and password."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def authenticate(self, header: str, client: str) -> Verdict:
        """Let the computer check user and password."""
        refusal = Verdict(challenges=('Basic realm="WSMAN"',))
        scheme, _, encoded = header.partition(" ")
        if scheme.casefold() != "basic":
            return refusal
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return refusal
        if not colon or not self._host.check_password(user, password):
            return replace(refusal, rejected=bool(colon))
        return Verdict(user=ntpath.basename(user))
