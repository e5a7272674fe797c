# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Authenticode signatures, made by osslsigncode with a certificate that whoever builds has."""

from __future__ import annotations

from pathlib import Path

from . import product_identity
from .system_tools import SIGNATURE
from .workshop import WorkError, run


def sign(file: Path, credentials: Path) -> None:
    """Sign a program, a DLL or an MSI in place.

    The signature's time is the build's, so that the same content and key give
    the same bytes.

    Args:
        file: what is signed.
        credentials: a PEM file with the certificate, what it hangs on, and the
            key; or a PKCS #12 file (`.p12`, `.pfx`), whose password stands in
            the file of the same name with `.password` appended.

    Raises:
        WorkError: osslsigncode is missing, or refuses the key or the file.
    """
    if lacking := SIGNATURE.missing():
        raise WorkError(lacking)
    if not credentials.is_file():
        msg = f"there is no certificate and key in {credentials}"
        raise WorkError(msg)
    signed = file.with_name(f"{file.name}.signed")
    run(
        ["osslsigncode", "sign", *_key(credentials), "-h", "sha256", "-n", product_identity.NAME,
         "-time", str(product_identity.build_moment()), "-in", file, "-out", signed]
    )  # fmt: skip
    signed.replace(file)


def _key(credentials: Path) -> list[str | Path]:
    if credentials.suffix not in {".p12", ".pfx"}:
        return ["-certs", credentials, "-key", credentials]
    password = credentials.with_name(f"{credentials.name}.password")
    given: list[str | Path] = ["-readpass", password] if password.exists() else []
    return ["-pkcs12", credentials, *given]
