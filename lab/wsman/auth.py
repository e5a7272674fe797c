# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is at the other end of a connection: HTTP authentication.

Source: RFC 7617 (Basic); [MS-WSMV] section 2.2.9.1 (encrypted messages, for schemes that have them).
"""

from __future__ import annotations

import base64
import binascii
import ntpath
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lab.wsman.host import Host


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a request's Authorization header.

    `user` is set once the client is known. `challenges` are the WWW-Authenticate headers to answer
    with, for a refusal, a further step, or (SPNEGO's last token) along with the answer.
    """

    user: str = ""
    challenges: Sequence[str] = ()


class BadMessageError(Exception):
    """A message was not encrypted for this connection, or was changed on its way."""


class Authenticator(Protocol):
    """Authenticates one connection; holds that connection's state."""

    def authenticate(self, header: str, client: str) -> Verdict:
        """Judge an Authorization header; an empty one means that there was none."""
        ...

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """The plain message. Raises BadMessageError."""
        ...

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """Content type and body of an answer, encrypted where the request was."""
        ...


SOAP_TYPE = "application/soap+xml;charset=UTF-8"
ENCRYPTED_TYPE = "multipart/encrypted"


class BasicAuthenticator:
    """User and password with every request."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def authenticate(self, header: str, client: str) -> Verdict:
        """Ask the computer about user and password."""
        refusal = Verdict(challenges=('Basic realm="WSMAN"',))
        scheme, _, encoded = header.partition(" ")
        if scheme.casefold() != "basic":
            return refusal
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return refusal
        if not colon or not self._host.check_password(user, password):
            return refusal
        return Verdict(user=ntpath.basename(user))

    def unwrap(self, content_type: str, body: bytes) -> bytes:
        """The message as it is; Basic has no encryption. Raises BadMessageError: it is encrypted."""
        if content_type.startswith(ENCRYPTED_TYPE):
            raise BadMessageError("the message is encrypted, but Basic has no keys")
        return body

    def wrap(self, message: bytes) -> tuple[str, bytes]:
        """The message as it is."""
        return SOAP_TYPE, message


AuthenticatorMaker = Callable[[], Authenticator]


def authenticator_makers(schemes: Sequence[str], host: Host) -> Mapping[str, AuthenticatorMaker]:
    """How to authenticate a connection by each scheme, by its name in lower case.

    Schemes are Basic, NTLM and Negotiate. Raises ValueError: a scheme that this server does not have.
    """
    return {scheme.casefold(): _maker(scheme, host) for scheme in schemes}


def _maker(scheme: str, host: Host) -> AuthenticatorMaker:
    match scheme.casefold():
        case "basic":
            return lambda: BasicAuthenticator(host)
        case "ntlm" | "negotiate":
            return _negotiate_maker(scheme, host)
    raise ValueError(f"unknown scheme {scheme!r}: use Basic, NTLM or Negotiate")


def _negotiate_maker(scheme: str, host: Host) -> AuthenticatorMaker:
    # pyspnego takes 10 MB and a quarter of a second: only those who use it pay.
    from lab.wsman.negotiate import AccountStore, NegotiateAuthenticator  # noqa: PLC0415

    store = AccountStore(host.name, host.accounts())
    return lambda: NegotiateAuthenticator(scheme, store)
