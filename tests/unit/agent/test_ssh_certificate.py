# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenSSH's user certificates: read as `ssh-keygen` and `cryptography` write them, and nothing else."""

from __future__ import annotations

import base64
import random
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import SSHCertificate, load_ssh_public_identity

from agent.packaging.system_tools import SSH_KEYGEN
from latchkey_agent.storage import ssh_certificate
from latchkey_agent.storage.ssh_signature import SignatureError, public_line, string
from tests.needs import require
from tests.unit.agent.signing import CA, OPERATOR_KEY, certificate

NOW = datetime(2026, 11, 23, 18, 0, tzinfo=UTC)
LINE = certificate(NOW)
BLOB = base64.b64decode(LINE.split()[1])
KIND = b"ssh-ed25519-cert-v01@openssh.com"


def line(blob: bytes) -> str:
    """Return a blob as a line of a certificate."""
    return f"{KIND.decode()} {base64.b64encode(blob).decode()}"


def built(
    *,
    options: bytes = b"",
    extensions: bytes = b"",
    principals: bytes = string(b"helpdesk"),
    key: bytes = b"k" * 32,
    signer: Ed25519PrivateKey = CA,
) -> str:
    """Return a certificate that `signer` signs for the authority, with parts that no honest program writes."""
    head = string(KIND) + string(b"n" * 32) + string(key) + (7).to_bytes(8, "big") + (1).to_bytes(4, "big")
    named = string(b"Olga") + string(principals) + bytes(8) + b"\xff" * 8
    authority = string(string(b"ssh-ed25519") + string(CA.public_key().public_bytes_raw()))
    signed = head + named + string(options) + string(extensions) + string(b"") + authority
    return line(signed + string(string(b"ssh-ed25519") + string(signer.sign(signed))))


def test_a_certificate_of_cryptography_is_read_as_cryptography_reads_it() -> None:
    """Both readers find the same parts."""
    found, theirs = ssh_certificate.read(LINE), load_ssh_public_identity(LINE.encode())
    assert isinstance(theirs, SSHCertificate)
    theirs.verify_cert_signature()
    assert found.public_key == OPERATOR_KEY.public_key().public_bytes_raw()
    assert found.authority == CA.public_key().public_bytes_raw()
    assert (found.serial, found.key_id.encode()) == (theirs.serial, theirs.key_id)
    assert [p.encode() for p in found.principals] == theirs.valid_principals
    assert (found.valid_after, found.valid_before) == (theirs.valid_after, theirs.valid_before)
    assert {k.encode(): v.encode() for k, v in found.extensions.items()} == theirs.extensions


def test_ssh_keygen_issues_certificates_that_count(tmp_path: Path) -> None:
    """The real program's certificate has name, roles, times and Latchkey's extensions beside OpenSSH's own."""
    require(SSH_KEYGEN)

    def run(*arguments: str) -> None:
        subprocess.run(["ssh-keygen", "-q", *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("ca", "operator"):
        run("-t", "ed25519", "-N", "", "-f", name)
    extension = "extension:latchkey-organization=Contoso IT"
    run(
        "-s",
        "ca",
        "-I",
        "Olga",
        "-n",
        "helpdesk,oncall",
        "-V",
        "-5m:+8h",
        "-z",
        "9",
        "-O",
        extension,
        "operator.pub",
    )
    found = ssh_certificate.read((tmp_path / "operator-cert.pub").read_text())
    assert (found.key_id, found.principals, found.serial) == ("Olga", ("helpdesk", "oncall"), 9)
    assert found.extensions["latchkey-organization"] == "Contoso IT"
    assert found.extensions["permit-pty"] == ""
    assert found.valid_before - found.valid_after == 8 * 3600 + 300
    assert public_line(found.authority) == " ".join((tmp_path / "ca.pub").read_text().split()[:2])
    run("-s", "ca", "-I", "Olga", "-n", "x", "-O", "force-command=whoami", "operator.pub")
    with pytest.raises(SignatureError, match="force-command"):
        ssh_certificate.read((tmp_path / "operator-cert.pub").read_text())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no line"),
        ("ssh-ed25519 AAAA", "no line"),
        (LINE + "\n" + LINE, "no line"),
        (LINE + " " + "c" * 10_000, "no line"),
        (f"{KIND.decode()} AAAAA", "base64"),
        (line(string(b"ssh-ed25519") + BLOB), "Ed25519 key"),
        (line(BLOB + b"x"), "more than belongs"),
        (line(BLOB[:-1]), "cut off"),
        (line(BLOB.replace(b"helpdesk", b"overlord")), "authority has not signed"),
        (built(key=b"k" * 31), "31 bytes"),
        (built(principals=b""), "no principal"),
        (built(principals=string(b"\xff")), "UTF-8"),
        (built(extensions=string(b"b") + string(b"") + string(b"a") + string(b"")), "not sorted"),
        (built(extensions=string(b"a") + string(b"") + string(b"a") + string(b"")), "not sorted"),
        (built(extensions=string(b"latchkey-a") + string(string(b"v") + b"x")), "more than belongs"),
        (built(extensions=string(b"latchkey-a") + string(string(b"\xff"))), "UTF-8"),
        (built(options=string(b"verify-required") + string(b"")), "verify-required"),
    ],
)
def test_another_form_is_refused(text: str, words: str) -> None:
    """Each fault has its reason."""
    with pytest.raises(SignatureError, match=words):
        ssh_certificate.read(text)


def test_the_built_certificate_is_right_but_for_its_fault() -> None:
    """Without a fault the certificates of the test above are read, and a comment may follow one."""
    named = string(b"latchkey-a") + string(string(b"v"))
    assert ssh_certificate.read(built(extensions=named)).extensions == {"latchkey-a": "v"}
    empty = string(b"latchkey-a") + string(b"")
    assert ssh_certificate.read(built(extensions=empty)).extensions == {"latchkey-a": ""}
    assert ssh_certificate.read(f"{LINE} olga@controller").key_id == "Olga Operator"


def test_another_programs_extension_may_have_any_value() -> None:
    """Bytes that are no text, or no string of OpenSSH, stay unread in an extension that is not Latchkey's."""
    for value in (b"\xff\x00", string(b"\xff"), b"\x00\x00\x00\x09x"):
        found = ssh_certificate.read(built(extensions=string(b"zz@corp") + string(value)))
        assert found.extensions == {"zz@corp": ""}


def test_a_stranger_chooses_no_words_of_a_message() -> None:
    """A critical option is named after the authority has signed it, and not at any length."""
    option = string(b"X" * 5000) + string(b"")
    with pytest.raises(SignatureError) as caught:
        ssh_certificate.read(built(options=option, signer=OPERATOR_KEY))
    assert str(caught.value) == "its authority has not signed it"
    with pytest.raises(SignatureError) as caught:
        ssh_certificate.read(built(options=option))
    assert len(str(caught.value)) < 150


def test_an_authority_that_is_no_point_of_the_curve_is_refused() -> None:
    """A key that OpenSSL does not take is a refusal like any other."""
    blob = BLOB.replace(CA.public_key().public_bytes_raw(), b"\xff" * 32)
    with pytest.raises(SignatureError, match="authority has not signed"):
        ssh_certificate.read(line(blob))


def test_no_changed_certificate_counts_and_none_stops_the_reader() -> None:
    """Of 3,000 certificates with changed, missing or repeated bytes none counts, and each is a plain refusal."""
    dice = random.Random(18)  # noqa: S311 - the same changes each time
    for _ in range(3000):
        blob = bytearray(BLOB)
        for _change in range(dice.randint(1, 4)):
            place = dice.randrange(len(blob))
            match dice.randrange(3):
                case 0:
                    blob[place] ^= dice.randint(1, 255)
                case 1:
                    del blob[place : place + dice.randint(1, 40)]
                case _:
                    blob[place:place] = blob[: dice.randint(1, 40)]
        if bytes(blob) != BLOB:
            with pytest.raises(SignatureError):
                ssh_certificate.read(line(bytes(blob)))


def test_keys_of_strangers_sign_nothing() -> None:
    """A certificate that a stranger signed names the stranger, so no pinned key is found in it."""
    stranger = Ed25519PrivateKey.generate()
    found = ssh_certificate.read(certificate(NOW, ca=stranger))
    assert found.authority == stranger.public_key().public_bytes_raw()
