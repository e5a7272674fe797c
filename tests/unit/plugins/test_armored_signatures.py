# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH signatures: the real `ssh-keygen` and the collection agree, and a wrong one is refused with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _armored_signature as ssh
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.packaging.system_tools import SSH_KEYGEN
from tests.needs import require
from tests.unit.plugins.ssh_keys import DeviceKey, armored, disarmed, ssh_keygen, string

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MESSAGE = b'{"request":"r1"}'
NAMESPACE = "latchkey-receipt"


@pytest.fixture(scope="module")
def key() -> DeviceKey:
    """A PC's key."""
    return DeviceKey()


@pytest.fixture
def openssh() -> None:
    """The real `ssh-keygen`."""
    require(SSH_KEYGEN)


def refused(text: str, message: bytes = MESSAGE, namespace: str = NAMESPACE) -> str:
    """Return the reason for which a signature is refused."""
    with pytest.raises(ssh.SignatureError) as caught:
        ssh.verified(text, message, namespace)
    return str(caught.value)


# --- the real OpenSSH


@pytest.mark.usefixtures("openssh")
@pytest.mark.parametrize("algorithm", ["sha512", "sha256"])
def test_a_signature_of_openssh_is_verified(tmp_path: Path, key: DeviceKey, algorithm: str) -> None:
    """A signature that the real `ssh-keygen -Y sign` wrote is verified, and names its key."""
    private = key.write(tmp_path / "key")
    option = f"hashalg={algorithm}"
    made = ssh_keygen("-Y", "sign", "-O", option, "-f", private, "-n", NAMESPACE, given=MESSAGE)
    assert made.returncode == 0, made.stderr
    text = made.stdout.decode()
    assert ssh.parse(text).hash_algorithm == algorithm
    assert ssh.verified(text, MESSAGE, NAMESPACE) == key.blob
    assert refused(text, MESSAGE + b" ") == "it is not valid for this content"


@pytest.mark.usefixtures("openssh")
def test_openssh_verifies_the_tests_own_writer(tmp_path: Path, key: DeviceKey) -> None:
    """The writer of these tests makes what `ssh-keygen -Y check-novalidate` accepts, so the refusals below mean it."""
    signature = tmp_path / "message.sig"
    signature.write_text(key.sign(MESSAGE, NAMESPACE), encoding="ascii")
    checked = ssh_keygen("-Y", "check-novalidate", "-n", NAMESPACE, "-s", signature, given=MESSAGE)
    assert checked.returncode == 0, checked.stderr
    assert key.fingerprint.encode() in checked.stdout


@pytest.mark.usefixtures("openssh")
def test_the_fingerprint_is_that_of_openssh(tmp_path: Path, key: DeviceKey) -> None:
    """The fingerprint and the line of a key are those that `ssh-keygen` prints."""
    private = key.write(tmp_path / "key")
    line = ssh_keygen("-y", "-f", private).stdout.decode()
    blob = ssh.key_of_line(line)
    assert (blob, ssh.line_of(blob)) == (key.blob, line.strip())
    assert ssh.fingerprint(blob) in ssh_keygen("-l", "-f", private).stdout.decode()


@pytest.mark.usefixtures("openssh")
@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
def test_another_type_of_key_is_refused(tmp_path: Path, kind: str) -> None:
    """A valid signature of a key that is not Ed25519 is refused with its reason."""
    private = tmp_path / "key"
    assert ssh_keygen("-q", "-t", kind, "-N", "", "-f", private).returncode == 0
    text = ssh_keygen("-Y", "sign", "-f", private, "-n", NAMESPACE, given=MESSAGE).stdout.decode()
    assert text.startswith("-----BEGIN")
    assert refused(text) == "its key is not of the type ssh-ed25519"


# --- refusals


def test_a_signature_for_another_purpose_is_refused(key: DeviceKey) -> None:
    """A signature made for another namespace does not count."""
    assert refused(key.sign(MESSAGE, "git")) == "it was not made for latchkey-receipt"
    assert refused(key.sign(MESSAGE, NAMESPACE), namespace="latchkey-journal").startswith("it was not made")


def test_a_namespace_exchanged_afterwards_is_refused(key: DeviceKey) -> None:
    """The namespace is part of the signed bytes."""
    blob = disarmed(key.sign(MESSAGE, "latchkey-journal"))
    exchanged = blob.replace(string(b"latchkey-journal"), string(b"latchkey-receipt"))
    assert exchanged != blob
    assert refused(armored(exchanged)) == "it is not valid for this content"


def test_a_key_exchanged_afterwards_is_refused(key: DeviceKey) -> None:
    """A signature does not count for another key."""
    blob = disarmed(key.sign(MESSAGE, NAMESPACE)).replace(key.blob, DeviceKey().blob)
    assert refused(armored(blob)) == "it is not valid for this content"


def test_a_truncated_signature_is_refused(key: DeviceKey) -> None:
    """A signature that ends too early is refused, wherever it ends."""
    blob = disarmed(key.sign(MESSAGE, NAMESPACE))
    reasons = {refused(armored(blob[:size])) for size in range(1, len(blob))}
    assert reasons == {"it ends too early"}
    assert refused("") == refused(armored(b"")) == "it is no armored SSH signature"


def test_trailing_bytes_are_refused(key: DeviceKey) -> None:
    """Bytes behind the signature, its key or its value are refused."""
    blob = disarmed(key.sign(MESSAGE, NAMESPACE))
    assert refused(armored(blob + b"\0")) == "bytes follow its end"
    longer = blob.replace(string(key.blob), string(key.blob + b"\0"))
    assert refused(armored(longer)) == "bytes follow its end"
    text = key.sign(MESSAGE, NAMESPACE)
    assert refused(text + "more") == refused("more" + text) == "it is no armored SSH signature"


def test_an_oversized_signature_is_refused(key: DeviceKey) -> None:
    """A text that is too long is refused before it is read; a field that claims too much ends too early."""
    assert "longer than" in refused(key.sign(MESSAGE, "x" * 4096))
    blob = disarmed(key.sign(MESSAGE, NAMESPACE))
    assert refused(armored(blob[:10] + b"\xff" * 4 + blob[14:])) == "it ends too early"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda blob: b"SSHSIX" + blob[6:], "it does not begin as an SSH signature"),
        (lambda blob: blob[:9] + b"\x02" + blob[10:], "it has the version 2 instead of 1"),
        (
            lambda blob: blob.replace(string(b"sha512"), string(b"sha1")),
            "its hash algorithm is neither sha256 nor sha512",
        ),
    ],
)
def test_a_damaged_head_is_named(key: DeviceKey, change: Callable[[bytes], bytes], reason: str) -> None:
    """Magic, version and hash algorithm are checked."""
    assert refused(armored(change(disarmed(key.sign(MESSAGE, NAMESPACE))))) == reason


def test_a_reserved_field_is_refused(key: DeviceKey) -> None:
    """A reserved field with content is refused, since OpenSSH signs an empty one."""
    assert refused(key.sign(MESSAGE, NAMESPACE, reserved=b"x")) == "its reserved field is not empty"


def test_a_short_key_or_value_is_refused(key: DeviceKey) -> None:
    """A key has 32 bytes and a value 64."""
    blob = disarmed(key.sign(MESSAGE, NAMESPACE))
    short = string(b"ssh-ed25519") + string(b"k" * 31)
    assert refused(armored(blob.replace(string(key.blob), string(short)))) == (
        "its key has 31 bytes instead of 32"
    )
    value = string(b"ssh-ed25519") + string(b"v" * 63)
    assert refused(armored(blob[: -len(value) - 5] + string(value))) == (
        "its signature has 63 bytes instead of 64"
    )
    other = string(b"ssh-ed25518") + string(b"v" * 64)
    assert "its signature is not of the type" in refused(armored(blob[: -len(other) - 4] + string(other)))


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-rsa AAAA", "ssh-ed25519 AAAA", "ssh-ed25519 ä!"])
def test_a_line_that_is_no_key_is_refused(line: str) -> None:
    """Only the line of an Ed25519 key is read."""
    with pytest.raises(ssh.SignatureError):
        ssh.key_of_line(line)


def test_a_controller_without_ed25519_says_so(key: DeviceKey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A controller that cannot verify Ed25519 calls no signature valid or invalid."""
    monkeypatch.setattr(ssh, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(ssh.UncheckedSignatureError):
        ssh.verified(key.sign(MESSAGE, NAMESPACE), MESSAGE, NAMESPACE)


# --- anything


GOOD = DeviceKey()
SIGNED = GOOD.sign(MESSAGE, NAMESPACE)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(), st.binary().map(armored)))
@example("-----BEGIN SSH SIGNATURE-----\n=\n-----END SSH SIGNATURE-----")
@example("-----BEGIN SSH SIGNATURE-----\nA=A=\n-----END SSH SIGNATURE-----")
def test_anything_else_is_refused_by_the_one_exception(text: str) -> None:
    """Text and bytes of any kind leave by `SignatureError` only."""
    refused(text)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_no_changed_byte_is_accepted(data: st.DataObject) -> None:
    """A signature with one changed byte is refused, wherever it is, by `SignatureError` only."""
    blob = bytearray(disarmed(SIGNED))
    at = data.draw(st.integers(0, len(blob) - 1))
    blob[at] ^= data.draw(st.integers(1, 255))
    refused(armored(bytes(blob)))
    assert ssh.verified(SIGNED, MESSAGE, NAMESPACE) == GOOD.blob


@settings(max_examples=200, deadline=None)
@given(st.binary())
def test_any_bytes_as_a_key_leave_by_the_one_exception(blob: bytes) -> None:
    """Bytes of any kind as a public key leave by `SignatureError` only."""
    with pytest.raises(ssh.SignatureError):
        ssh.key_value(blob)
