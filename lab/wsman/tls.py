# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS for the listener: the server's context, and certificates of the server and of clients."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from lab.wsman.tlsfiles import TlsFiles

if TYPE_CHECKING:
    from pathlib import Path

VALID = dt.timedelta(days=1)
PRINCIPAL_NAME = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
"""The user principal name among a certificate's alternative names (szOID_NT_PRINCIPAL_NAME of wincrypt.h)."""


def server_context(files: TlsFiles) -> ssl.SSLContext:
    """Return the TLS context of a listener. Raises OSError: the files are missing or not PEM."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(files.certificate, files.key)
    return context


def make_certificate(folder: Path, address: str = "127.0.0.1") -> TlsFiles:
    """Make a self-signed certificate for an IP address, valid for a day, in a folder.

    A client can name the certificate's file as the authority that it trusts, and it can sign clients' certificates.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    builder = _builder(address, _name(address), key).add_extension(alternative, critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return _write(
        TlsFiles(folder / "wsman.crt", folder / "wsman.key"), builder.sign(key, hashes.SHA256()), key
    )


def make_client_certificate(
    folder: Path, principal: str, issuer: TlsFiles, valid: dt.timedelta = VALID
) -> TlsFiles:
    """Make a client's certificate for a user principal name, in a folder.

    Args:
        folder: gets the two files.
        principal: the user principal name, `user@place`; Windows maps it to an account.
        issuer: signs it.
        valid: its time from now; a negative one makes an expired certificate.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.load_pem_x509_certificate(issuer.certificate.read_bytes())
    name = x509.OtherName(PRINCIPAL_NAME, asn1.encode_der(principal))
    builder = _builder(principal, authority.subject, key, valid)
    builder = builder.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
    signer = serialization.load_pem_private_key(issuer.key.read_bytes(), None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the issuer's key is none of an elliptic curve")
    return _write(
        TlsFiles(folder / "client.crt", folder / "client.key"), builder.sign(signer, hashes.SHA256()), key
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _builder(
    common: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid: dt.timedelta = VALID
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder(issuer_name=issuer, subject_name=_name(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * abs(valid))
        .not_valid_after(now + valid)
    )


def _write(files: TlsFiles, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> TlsFiles:
    """Write a certificate and its key; return the files."""
    files.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    _write_private(
        files.key,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    return files


def _write_private(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)
