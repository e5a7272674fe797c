# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Receipts as files, and `latchkeyctl`'s check of them, beside the real ssh-keygen's."""

from __future__ import annotations

import io
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agent.packaging.system_tools import SSH_KEYGEN
from latchkey_agent.cli import ctl, verify_receipt
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import JOURNAL, RECEIPT, canonical_json
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
    """A changed receipt, another PC's name, a missing line and a missing signature are not valid."""
    content = written.read_bytes()
    written.write_bytes(content.replace(b"CHG-1", b"CHG-2"))
    assert pinned(written) == (1, "The receipt is NOT VALID: the signature does not fit what was signed.\n")
    written.write_bytes(content)
    code, text = pinned(written, "pc2")
    assert (code, text.endswith("known_pcs has no such key for pc2.\n")) == (1, True)
    written.with_name("known_pcs").write_text("# nothing\n")
    assert pinned(written)[0] == 1
    written.with_name("receipt.json.sig").unlink()
    code, text = pinned(written)
    assert (code, text.startswith("The receipt cannot be checked: ")) == (1, True)


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


def test_the_lines_of_the_known_pcs() -> None:
    """Names, several keys, purposes and comments are read as ssh-keygen reads them. Other lines are left out."""
    raws = [Ed25519PrivateKey.generate().public_key().public_bytes_raw() for _ in range(6)]
    keys = [ssh_signature.public_line(raw) for raw in raws]
    known = "\n".join(
        [
            f"pc1 {NAMESPACES} {keys[0]}",
            f"pc0,pc1 {keys[1]} with a comment",
            f'  pc1   namespaces="latchkey-journal"   {keys[2]}',
            f"# pc1 {keys[3]}",
            f"pc1 cert-authority {keys[4]}",
            f"pc* {keys[5]}",
            "pc1 ssh-ed25519 nonsense",
            "pc1",
            "",
        ]
    )
    assert verify_receipt.keys_of(known, "pc1", RECEIPT) == {raws[0], raws[1]}
    assert verify_receipt.keys_of(known, "pc1", JOURNAL) == {raws[0], raws[1], raws[2]}
    assert verify_receipt.keys_of(known, "pc9", RECEIPT) == set()
    assert verify_receipt.keys_of(known, "#", RECEIPT) == set()


def test_a_receipt_that_cannot_be_written_is_said(bench: Bench, canary: bytearray, tmp_path: Path) -> None:
    """A folder that does not exist leads to a sentence and the exit code 1; so does an unknown request."""
    bench.lend(canary)
    [request] = bench.state.requests
    code, text = run(bench, "receipt", request, "--folder", str(tmp_path / "none"))
    assert (code, text.startswith("The receipt cannot be written: ")) == (1, True)
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
