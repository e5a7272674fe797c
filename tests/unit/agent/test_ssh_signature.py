# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signatures in OpenSSH's form: made, read, checked, and compared with the real ssh-keygen."""

from __future__ import annotations

import base64
import random
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from agent.packaging.system_tools import SSH_KEYGEN
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.ssh_signature import SignatureError
from tests.needs import require

NAMESPACE = "latchkey-receipt"
MESSAGE = b'{"request":"1","terms":{"grace":5.0}}'
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
SIGNED = ssh_signature.sign(KEY, NAMESPACE, MESSAGE)


@pytest.fixture
def keygen() -> None:
    """Need the real ssh-keygen."""
    require(SSH_KEYGEN)


def ssh_keygen(*arguments: str, message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ssh-keygen with a message as its standard input."""
    return subprocess.run(["ssh-keygen", *arguments], input=message, capture_output=True, check=False)


def private_file(folder: Path) -> Path:
    """Write the private key for ssh-keygen."""
    file = folder / "key"
    file.touch(0o600)
    form = serialization.PrivateFormat.OpenSSH
    file.write_bytes(KEY.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return file


def body(blob: bytes) -> str:
    """Return a blob in the armor of a signature."""
    content = base64.b64encode(blob).decode()
    return f"-----BEGIN SSH SIGNATURE-----\n{content}\n-----END SSH SIGNATURE-----\n"


def blob() -> bytes:
    """Return the content of the valid signature."""
    return base64.b64decode("".join(SIGNED.splitlines()[1:-1]))


def string(part: bytes) -> bytes:
    """Return a string as RFC 4251 writes it."""
    return len(part).to_bytes(4, "big") + part


# --- with the real program ----------------------------------------------------------------------


@pytest.mark.usefixtures("keygen")
def test_ssh_keygen_verifies_what_the_agent_signs(tmp_path: Path) -> None:
    """`ssh-keygen -Y verify` accepts the agent's signature by the PC's line, and no other message, name or purpose."""
    known, signature = tmp_path / "known_pcs", tmp_path / "receipt.json.sig"
    line = ssh_signature.public_line(PUBLIC)
    known.write_text(f'pc1 namespaces="latchkey-receipt,latchkey-journal" {line}\n')
    signature.write_text(SIGNED)

    def verified(message: bytes, name: str = "pc1", namespace: str = NAMESPACE) -> bool:
        options = ("-f", str(known), "-I", name, "-n", namespace, "-s", str(signature))
        return ssh_keygen("-Y", "verify", *options, message=message).returncode == 0

    assert verified(MESSAGE)
    assert not verified(MESSAGE + b" ")
    assert not verified(MESSAGE, name="pc2")
    assert not verified(MESSAGE, namespace="latchkey-journal")
    unpinned = ("-Y", "check-novalidate", "-n", NAMESPACE, "-s", str(signature))
    assert ssh_keygen(*unpinned, message=MESSAGE).returncode == 0


@pytest.mark.usefixtures("keygen")
def test_the_agent_verifies_what_ssh_keygen_signs(tmp_path: Path) -> None:
    """The agent writes the same bytes as `ssh-keygen -Y sign`: Ed25519 has one signature for a message."""
    theirs = ssh_keygen("-Y", "sign", "-f", str(private_file(tmp_path)), "-n", NAMESPACE, message=MESSAGE)
    assert theirs.stdout.decode() == SIGNED
    assert ssh_signature.verify(theirs.stdout.decode(), NAMESPACE, MESSAGE) == PUBLIC


@pytest.mark.usefixtures("keygen")
def test_ssh_keygen_reads_the_public_key(tmp_path: Path) -> None:
    """`ssh-keygen -l` prints the agent's fingerprint for the agent's line."""
    file = tmp_path / "key.pub"
    file.write_text(ssh_signature.public_line(PUBLIC))
    printed = ssh_keygen("-l", "-f", str(file)).stdout.decode()
    assert printed.split()[1] == ssh_signature.fingerprint(PUBLIC)


# --- without it ---------------------------------------------------------------------------------


def test_a_signature_names_key_and_purpose() -> None:
    """A signature contains the key that made it and its purpose."""
    found = ssh_signature.parse(SIGNED)
    assert (found.public_key, found.namespace) == (PUBLIC, NAMESPACE)
    assert ssh_signature.public_key_of(ssh_signature.public_line(PUBLIC)) == PUBLIC
    assert ssh_signature.public_key_of(f"{ssh_signature.public_line(PUBLIC)} pc1\n") == PUBLIC


def test_a_signature_is_for_one_message_and_one_purpose() -> None:
    """A signature is refused for another message, and for another purpose."""
    assert ssh_signature.verify(SIGNED, NAMESPACE, MESSAGE) == PUBLIC
    with pytest.raises(SignatureError, match="does not fit"):
        ssh_signature.verify(SIGNED, NAMESPACE, MESSAGE + b" ")
    with pytest.raises(SignatureError, match="another purpose than 'latchkey-journal'"):
        ssh_signature.verify(SIGNED, "latchkey-journal", MESSAGE)


def test_a_signature_with_another_key_inside_is_refused() -> None:
    """Nobody can put their own key into a signature."""
    other = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    with pytest.raises(SignatureError, match="does not fit"):
        ssh_signature.verify(body(blob().replace(PUBLIC, other)), NAMESPACE, MESSAGE)


def test_every_cut_is_refused() -> None:
    """A signature that is cut off anywhere is refused."""
    whole = blob()
    for end in range(len(whole)):
        with pytest.raises(SignatureError):
            ssh_signature.verify(body(whole[:end]), NAMESPACE, MESSAGE)
    for end in range(len(SIGNED) - 1):
        with pytest.raises(SignatureError):
            ssh_signature.verify(SIGNED[:end], NAMESPACE, MESSAGE)


def test_every_changed_bit_is_refused() -> None:
    """A signature with one changed bit is refused, wherever it is; the reserved string alone has no meaning."""
    whole = blob()
    for place in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        with pytest.raises(SignatureError):
            ssh_signature.verify(body(bytes(changed)), NAMESPACE, MESSAGE)


def test_what_is_no_signature_is_refused() -> None:
    """Text of other forms leads to SignatureError, never to another exception."""
    key = string(b"ssh-ed25519") + string(PUBLIC)
    made = string(b"ssh-ed25519") + string(bytes(64))
    head = b"SSHSIG" + (1).to_bytes(4, "big") + string(key)
    texts = [
        "",
        "x" * (ssh_signature.LONGEST + 1),
        "\n" * 10,
        body(b""),
        body(b"SSHSIG" + (2).to_bytes(4, "big")),
        body(head + string(b"n") + string(b"") + string(b"sha256") + string(made)),
        body(head + string(b"") + string(b"") + string(b"sha512") + string(made)),
        body(head + string("\u00e4".encode()) + string(b"") + string(b"sha512") + string(made)),
        body(head + string(b"n") + string(b"") + string(b"sha512") + string(made) + b"x"),
        body(head + string(b"n") + string(b"") + string(b"sha512") + string(made + b"x")),
        body(head + string(b"n") + string(b"") + string(b"sha512") + string(string(b"ssh-rsa") + made)),
        body(head + b"\xff\xff\xff\xff"),
        SIGNED.replace("\n", "", 1),
        SIGNED.replace("U1NI", "\u00e4\u00f6\u00fc\u00df"),
        SIGNED + SIGNED,
    ]
    for text in texts:
        with pytest.raises(SignatureError):
            ssh_signature.parse(text)


def test_random_changes_raise_no_other_exception() -> None:
    """A thousand randomly changed signatures are refused, and none of them leads to another exception."""
    chance = random.Random(18)  # noqa: S311 - the same changes in each run
    whole = blob()
    for _ in range(1000):
        changed = bytearray(whole)
        for _ in range(chance.randrange(1, 9)):
            place = chance.randrange(len(changed))
            changed[place : place + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        if bytes(changed) == whole:
            continue
        with pytest.raises(SignatureError):
            ssh_signature.verify(body(bytes(changed)), NAMESPACE, MESSAGE)


def test_only_a_line_with_an_ed25519_key_is_one() -> None:
    """A line with another kind of key, or with no key, is refused."""
    encoding, form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ecdsa = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(encoding, form).decode()
    short = base64.b64encode(string(b"ssh-ed25519") + string(PUBLIC[:-1])).decode()
    for line in ("", "ssh-ed25519", "ssh-ed25519 AAA", f"ssh-ed25519 {short}", ecdsa, f"pc1 {SIGNED}"):
        with pytest.raises(SignatureError):
            ssh_signature.public_key_of(line)
