# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts as files, and `latchkeyctl`'s check of them, beside the real ssh-keygen's."""

from __future__ import annotations

import io
import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.packaging.system_tools import SSH_KEYGEN
from latchkey_agent.cli import allowed_signers, ctl
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import RECEIPT, canonical_json
from tests.needs import require
from tests.unit.agent.bench import Bench
from tests.unit.agent.test_ctl import broken, run

NAMESPACES = 'namespaces="latchkey-receipt,latchkey-journal,latchkey-device-key,latchkey-half"'


@pytest.fixture
def written(bench: Bench, canary: bytearray, tmp_path: Path) -> Path:
    """The file of a closed receipt, beside its signature and the known PCs."""
    bench.lend(canary)
    [request] = bench.state.requests
    bench.result(rq.SessionEnd(session="CHG-1"))
    code, text = run(bench, "receipt", request, "--folder", str(tmp_path))
    file = tmp_path / "receipt.json"
    assert (code, text) == (0, f"{file}\n{file}.sig\n")
    key = bench.result(rq.DeviceKey())["public_key"]
    (tmp_path / "known_pcs").write_text(f"pc1 {NAMESPACES} {key}\n")
    return file


def checked(*arguments: str) -> tuple[int, str]:
    """Run `latchkeyctl receipt verify` without an agent; return its exit code and what it printed."""
    out = io.StringIO()
    code = ctl.main(["receipt", "verify", *arguments], stdout=out, connect=broken(AssertionError()))
    return code, out.getvalue()


def pinned(file: Path, pc: str = "pc1") -> tuple[int, str]:
    """Check a receipt against the known PCs."""
    return checked(str(file), "--known-pcs", str(file.with_name("known_pcs")), "--pc", pc)


def test_a_receipts_file_is_valid_for_latchkeyctl(written: Path) -> None:
    """The check names request, PC and key, and says whether the key was compared with anything."""
    document = json.loads(written.read_bytes())
    about = f"The receipt {document['request']} of the PC PC-07 is valid, and closed.\n"
    signed = f"It is signed by {document['device_key']}.\n"
    assert pinned(written) == (0, f"{about}{signed}known_pcs has this key for pc1.\n")
    code, text = checked(str(written))
    assert (code, text.startswith(about + signed)) == (0, True)
    assert "Nothing was compared with this key" in text


def test_a_receipts_file_is_valid_for_ssh_keygen(written: Path) -> None:
    """The real `ssh-keygen -Y verify` accepts the files as they are, and a changed receipt not."""
    require(SSH_KEYGEN)

    def verified(message: bytes) -> bool:
        arguments = ["-f", "known_pcs", "-I", "pc1", "-n", RECEIPT, "-s", "receipt.json.sig"]
        command = ["ssh-keygen", "-Y", "verify", *arguments]
        done = subprocess.run(command, input=message, cwd=written.parent, capture_output=True, check=False)
        return done.returncode == 0

    assert verified(written.read_bytes())
    assert not verified(written.read_bytes().replace(b"CHG-1", b"CHG-2"))


def test_a_changed_or_foreign_receipt_is_not_valid(written: Path) -> None:
    """A changed receipt, another PC's name and a missing line are not valid."""
    content = written.read_bytes()
    written.write_bytes(content.replace(b"CHG-1", b"CHG-2"))
    assert pinned(written) == (1, "The receipt is NOT VALID: the signature does not fit what was signed.\n")
    written.write_bytes(content)
    code, text = pinned(written, "pc2")
    assert (code, text.endswith("known_pcs has no such key for pc2 that counts now.\n")) == (1, True)
    written.with_name("known_pcs").write_text("# nothing\n")
    assert pinned(written)[0] == 1


@pytest.mark.parametrize("body", [b"no JSON", b"[]", b"{}", b'"text"', b"[" * 100_000])
def test_what_is_signed_and_no_receipt_is_not_valid(tmp_path: Path, body: bytes) -> None:
    """A signature over something else does not make it a receipt."""
    file, key = tmp_path / "receipt.json", Ed25519PrivateKey.generate()
    file.write_bytes(body)
    file.with_name("receipt.json.sig").write_text(ssh_signature.sign(key, RECEIPT, body))
    assert checked(str(file)) == (1, "The receipt is NOT VALID: it is signed, but no receipt.\n")


def test_a_receipt_that_names_another_key_is_not_valid(written: Path) -> None:
    """A receipt that another key signed, and that names the PC's key, is not valid."""
    key = Ed25519PrivateKey.generate()
    body = canonical_json(json.loads(written.read_bytes()) | {"purpose": "Another"})
    written.write_bytes(body)
    written.with_name("receipt.json.sig").write_text(ssh_signature.sign(key, RECEIPT, body))
    code, text = checked(str(written))
    assert code == 1
    assert text.startswith("The receipt is NOT VALID: it names the key SHA256:")


RAW = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
KEY = ssh_signature.public_line(RAW)
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC).timestamp()
LINES = [
    ("pc1 {key}", True),
    ("pc0,pc1 {key} with a comment", True),
    ('"pc1" {key}', True),
    ("\t pc1\t {key}\r", True),
    ("pc* {key}", True),
    ("p?1 {key}", True),
    ("pc*,!pc1 {key}", False),
    ("pc2 {key}", False),
    ("PC1 {key}", False),
    ("# pc1 {key}", False),
    (f"pc1 {NAMESPACES} {{key}}", True),
    ('pc1 NameSpaces="latchkey-*" {key}', True),
    ('pc1 namespaces="latchkey-journal" {key}', False),
    ('pc1 namespaces="*,!latchkey-receipt" {key}', False),
    ('pc1 valid-after="20200101",valid-before="20990101Z" {key}', True),
    ('pc1 valid-after="20980101" {key}', False),
    ('pc1 valid-before="202001011200" {key}', False),
    ('pc1 valid-before="20200101120000Z",namespaces="latchkey-receipt" {key}', False),
    ("pc2 ssh-ed25519 nonsense\npc1 {key}", True),
    ("pc1 ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAABw==\npc1 {key}", True),
]


@pytest.mark.parametrize(("lines", "counts"), LINES)
def test_the_lines_of_the_known_pcs(lines: str, *, counts: bool) -> None:
    """Names, patterns, quotes, purposes, times, comments and ends of lines are read as ssh-keygen reads them."""
    found = allowed_signers.keys_of(lines.format(key=KEY), "pc1", RECEIPT, NOW)
    assert found == ({RAW} if counts else set())


@pytest.mark.parametrize(("lines", "counts"), LINES)
def test_ssh_keygen_reads_the_lines_in_the_same_way(tmp_path: Path, lines: str, *, counts: bool) -> None:
    """The real `ssh-keygen -Y verify` accepts the same lines."""
    require(SSH_KEYGEN)
    key = Ed25519PrivateKey.generate()
    line = ssh_signature.public_line(key.public_key().public_bytes_raw())
    (tmp_path / "known").write_text(lines.format(key=line) + "\n")
    (tmp_path / "sig").write_text(ssh_signature.sign(key, RECEIPT, b"x"))
    command = ["ssh-keygen", "-Y", "verify", "-f", "known", "-I", "pc1", "-n", RECEIPT, "-s", "sig"]
    done = subprocess.run(command, input=b"x", cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode == 0) is counts, done.stderr


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("pc1", "line 2: it has no key"),
        ("pc1 ssh-ed25519 AAAA!", "line 2: the base64 of its key is damaged"),
        ("pc1 ssh-ed25519 AAAA", "line 2: its key is not of the type ssh-ed25519"),
        ("pc1 valid-after={key}", "line 2: it has neither known options nor a type of key behind the name"),
        ("pc1 no-touch-required {key}", "line 2: it has neither known options nor a type of key"),
        ('pc1 namespaces="a",namespaces="b" {key}', "line 2: it has the option namespaces twice"),
        ("pc1 namespaces {key}", "line 2: the value of the option namespaces is wrong"),
        ('pc1 namespaces="a" nonsense {key}', "line 2: it has neither known options nor a type of key"),
        ('pc1 valid-before="2026" {key}', "line 2: 2026 is no time"),
        ('pc1 valid-before="20261331" {key}', "line 2: 20261331 is no time"),
        ("pc1 cert-authority {key}", "line 2: it has the option cert-authority"),
        ('"pc1 {key}', "line 2: it does not begin with a name"),
    ],
)
def test_a_line_that_cannot_be_used_is_told(written: Path, line: str, reason: str) -> None:
    """A wrong line of the PC is named with file and number, and the exit code says that nothing was checked."""
    known = written.with_name("known_pcs")
    known.write_text(f"# first\n{line.format(key=KEY)}\n")
    code, text = pinned(written)
    assert code == 66
    assert text.startswith(f"The receipt cannot be checked: {known}, {reason}")
    assert "Correct the path or the file" in text


@pytest.mark.parametrize("missing", ["receipt.json", "receipt.json.sig", "known_pcs"])
def test_a_file_that_cannot_be_read_is_told(written: Path, missing: str) -> None:
    """The sentence has the file and the system's reason, and the exit code is not that of an invalid receipt."""
    file = written.with_name(missing)
    file.unlink()
    code, text = pinned(written)
    assert code == 66
    assert text == (
        f"The receipt cannot be checked: {file}: No such file or directory. "
        "Correct the path or the file, then run the command again.\n"
    )


def test_a_receipt_that_cannot_be_written_is_said(bench: Bench, canary: bytearray, tmp_path: Path) -> None:
    """A folder that does not exist leads to a sentence and its exit code; an unknown request to the exit code 1."""
    bench.lend(canary)
    [request] = bench.state.requests
    code, text = run(bench, "receipt", request, "--folder", str(tmp_path / "none"))
    assert code == 73
    file = tmp_path / "none/receipt.json"
    assert text.startswith(f"The receipt cannot be written: {file}: No such file or directory. Check")
    assert run(bench, "receipt", "none", "--folder", str(tmp_path))[0] == 1
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_shown_and_replaced(bench: Bench) -> None:
    """`device-key` prints the line of OpenSSH and the fingerprint; with --replace also the key before."""
    old = bench.result(rq.DeviceKey())
    assert run(bench, "device-key") == (0, f"{old['public_key']}\n{old['fingerprint']}\n")
    code, text = run(bench, "device-key", "--replace")
    new = bench.result(rq.DeviceKey())
    assert (code, text) == (
        0,
        f"{new['public_key']}\n{new['fingerprint']}\nin place of {old['public_key']}\n",
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["receipt", "verify"],
        ["receipt", "R-1", "file"],
        ["receipt", "verify", "file", "--pc", "pc1"],
        ["receipt", "verify", "file", "--known-pcs", "known_pcs"],
        ["receipt", "R-1", "--known-pcs", "known_pcs", "--pc", "pc1"],
        ["receipt", "verify", "file", "--folder", "x"],
    ],
)
def test_arguments_that_do_not_go_together_are_wrong_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Arguments that do not go together exit with 2 and the usage, and ask no agent."""
    with pytest.raises(SystemExit) as caught:
        ctl.main(arguments, connect=broken(AssertionError()))
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: latchkeyctl")
