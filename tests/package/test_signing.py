# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs the package with a certificate made for the test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from agent.packaging import __main__ as packaging
from agent.packaging import authenticode, product, product_identity
from agent.packaging.system_tools import CERTIFICATE, PACKAGE, SIGNATURE
from agent.packaging.workshop import WorkError, run
from tests.needs import require

pytestmark = pytest.mark.timeout(900)


def test_a_given_certificate_signs_programs_and_package(package: Path, tmp_path: Path) -> None:
    """osslsigncode verifies the signed files, and detects a changed byte."""
    require(SIGNATURE, CERTIFICATE)
    credentials = certificate(tmp_path)
    copy = tmp_path / "agent.msi"
    shutil.copyfile(package, copy)
    authenticode.sign(copy, credentials)
    assert verified(copy, credentials)
    content = bytearray(copy.read_bytes())
    place = content.index(b"Latchkey contributors")
    content[place] ^= 1
    copy.write_bytes(content)
    assert not verified(copy, credentials)


def test_a_signed_package_has_signed_programs(tmp_path: Path) -> None:
    """Latchkey's own programs in a signed package are signed, and third-party files stay unchanged."""
    require(PACKAGE, SIGNATURE, CERTIFICATE)
    credentials = certificate(tmp_path)
    made = packaging.make_package(tmp_path, product_identity.version(), credentials)
    run(["msiextract", "--directory", tmp_path / "x", made])
    for name in ("latchkeyctl.exe", product.FORWARDER, product.PROVIDER):
        (program,) = (tmp_path / "x").rglob(name)
        assert verified(program, credentials), name
    assert verified(made, credentials)
    assert made.with_suffix(".cdx.json").exists()


def certificate(folder: Path) -> Path:
    """Make a certificate for the test; return the PEM file with it and its key."""
    key, body, target = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", body, "-days", "2",
         "-subj", "/CN=Latchkey test", "-addext", "extendedKeyUsage=codeSigning"],
        check=True, capture_output=True,
    )  # fmt: skip
    target.write_bytes(body.read_bytes() + key.read_bytes())
    return target


def verified(file: Path, credentials: Path) -> bool:
    """Return whether a file's signature is valid."""
    command: list[str | Path] = [
        "osslsigncode",
        "verify",
        "-in",
        file,
        "-CAfile",
        credentials,
        "-TSA-CAfile",
        credentials,
    ]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_wrong_certificate_is_reported(package: Path, tmp_path: Path) -> None:
    """A wrong certificate is an error, and the package stays unsigned."""
    require(SIGNATURE)
    with pytest.raises(WorkError, match="there is no certificate and key"):
        authenticode.sign(package, tmp_path / "none.pem")
    (tmp_path / "bad.pem").write_text("nothing")
    before = package.read_bytes()
    with pytest.raises(WorkError, match="osslsigncode failed"):
        authenticode.sign(package, tmp_path / "bad.pem")
    assert package.read_bytes() == before
