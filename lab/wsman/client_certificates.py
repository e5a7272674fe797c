# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Authentication by the certificate that a client shows in TLS, and its mapping to a local account.

A request asks for it by its Authorization header alone ([DSP0226], security profile https/mutual). Windows asks the
client for its certificate then: in TLS 1.3 by post-handshake authentication, in TLS 1.2 by a renegotiation. Python's
TLS cannot renegotiate, so with TLS 1.2 the lab asks each client in the handshake, and a client may answer with none. A
TLS 1.3 client that does not offer post-handshake authentication loses its connection, as on Windows (ansible/ansible
issues 77768 and 81197).
"""

from __future__ import annotations

import contextlib
import select
import ssl
import time
from functools import partial
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat import asn1

from lab.wsman.auth import CertificateRefusedError, PlainMessages, Verdict
from lab.wsman.tls import PRINCIPAL_NAME

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from lab.wsman.auth import Authenticator
    from lab.wsman.certificate_mapping import CertificateMapping

MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
"""The whole Authorization header of a request by certificate, and the name of its scheme."""
ANSWER_SECONDS = 10.0
"""Seconds that a client has to show its certificate."""


def ask_clients(context: ssl.SSLContext, mappings: Sequence[CertificateMapping]) -> None:
    """Let a server's context ask clients for the issuers' certificates. Raises OSError: a file is missing."""
    context.verify_mode = ssl.CERT_OPTIONAL
    context.post_handshake_auth = True
    for mapping in mappings:
        context.load_verify_locations(mapping.issuer)


def authenticator_maker(mappings: Sequence[CertificateMapping]) -> Callable[[socket.socket], Authenticator]:
    """Return the maker of the authenticators of TLS connections. Raises OSError, ValueError: an issuer is not PEM."""
    accounts = [
        (x509.load_pem_x509_certificate(one.issuer.read_bytes()), one.subject.casefold(), one.user)
        for one in mappings
    ]
    return partial(CertificateAuthenticator, accounts)


class CertificateAuthenticator(PlainMessages):
    """Maps the certificate of one connection's client. Each request has to ask for that."""

    def __init__(
        self, accounts: Sequence[tuple[x509.Certificate, str, str]], connection: socket.socket
    ) -> None:
        self._accounts = accounts
        self._connection = connection

    def authenticate(self, header: str, client: str) -> Verdict:
        """Ask the client for its certificate once, and map it.

        Raises:
            CertificateRefusedError: TLS has refused it; the client has the alert.
            ConnectionError: TLS has failed, as where the client does not offer post-handshake authentication.
        """
        if header.strip().casefold() != MUTUAL or not isinstance(self._connection, ssl.SSLSocket):
            return Verdict()
        try:
            shown = _certificate_of(self._connection)
        except ssl.SSLCertVerificationError as error:
            raise CertificateRefusedError(error.verify_message) from error
        except ssl.SSLError as error:
            raise ConnectionResetError(error.reason) from error
        user = "" if shown is None else self._user_of(x509.load_der_x509_certificate(shown))
        return Verdict(user=user, rejected=not user)

    def _user_of(self, shown: x509.Certificate) -> str:
        names = principal_names(shown)
        return next(
            (user for issuer, name, user in self._accounts if name in names and _has_signed(issuer, shown)),
            "",
        )


def _certificate_of(connection: ssl.SSLSocket) -> bytes | None:
    """Return the client's certificate, which TLS has checked; None if the client shows none. Raises ssl.SSLError."""
    if (known := connection.getpeercert(binary_form=True)) or connection.version() != "TLSv1.3":
        return known
    connection.verify_client_post_handshake()
    waited = connection.gettimeout()
    connection.settimeout(0)
    try:
        return _wait_for_certificate(connection)
    finally:
        connection.settimeout(waited)


def _wait_for_certificate(connection: ssl.SSLSocket) -> bytes | None:
    """Read until the certificate is there. The client sends nothing else: it waits for the answer to its request."""
    until = time.monotonic() + ANSWER_SECONDS
    connection.do_handshake()  # sends the question
    while (left := until - time.monotonic()) > 0:
        with contextlib.suppress(ssl.SSLWantReadError):
            if not connection.recv(1):
                return None
        if shown := connection.getpeercert(binary_form=True):
            return shown
        select.select([connection], [], [], left)
    return None


def principal_names(certificate: x509.Certificate) -> set[str]:
    """Return the user principal names of a certificate, in lower case."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    others = names.get_values_for_type(x509.OtherName)
    return {asn1.decode_der(str, one.value).casefold() for one in others if one.type_id == PRINCIPAL_NAME}


def _has_signed(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, TypeError, ValueError):
        return False
    return True
