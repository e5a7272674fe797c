# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`is latchkey.consent.valid_receipt`: true for a receipt of the PC alone, in Ansible's own templates."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.latchkey.consent.plugins.plugin_utils import _armored_signature
from ansible_collections.latchkey.consent.plugins.plugin_utils._known_pcs import line_for
from ansible_collections.latchkey.consent.plugins.test.valid_receipt import TestModule as Plugin
from ansible_collections.latchkey.consent.plugins.test.valid_receipt import valid_receipt

from tests.unit.plugins.ssh_keys import DeviceKey, canonical

if TYPE_CHECKING:
    from pathlib import Path

KEY, OTHER = DeviceKey(), DeviceKey()


@pytest.fixture
def known_pcs(tmp_path: Path) -> str:
    """A file with pc1 and pc2."""
    path = tmp_path / "known_pcs"
    path.write_text(f"{line_for('pc1', KEY.blob)}\n{line_for('pc2', OTHER.blob)}\n")
    return str(path)


def changed(**parts: Any) -> dict[str, Any]:
    """Return a receipt of which parts were changed after it was signed."""
    return {**KEY.receipt(), **parts}


def test_a_receipt_of_the_pc_is_valid(known_pcs: str) -> None:
    """The PC's receipt is valid for the PC and its session only; its readable text is not signed."""
    receipt = KEY.receipt()
    assert valid_receipt(receipt, known_pcs, "pc1")
    assert valid_receipt(receipt, known_pcs, "pc1", session="CHG-1")
    assert valid_receipt(changed(text="Another text"), known_pcs, "pc1")
    assert not valid_receipt(receipt, known_pcs, "pc1", session="CHG-2")
    assert not valid_receipt(receipt, known_pcs, "pc2")
    assert not valid_receipt(receipt, known_pcs, "pc3")
    assert not valid_receipt(OTHER.receipt(), known_pcs, "pc1")


@pytest.mark.parametrize(
    "parts",
    [
        {"request": "r2"},
        {"public_key": OTHER.line},
        {"public_key": "00" * 32},
        {"signature": OTHER.receipt()["signature"]},
        {"signature": "00" * 64},
        {"signature": KEY.sign(canonical(KEY.receipt()["document"]), "latchkey-journal")},
        {"document": {}},
        {"document": {"x": float("nan")}},
    ],
)
def test_a_changed_receipt_is_not_valid(known_pcs: str, parts: dict[str, Any]) -> None:
    """A receipt is not valid after a change of its parts, or with a signature for another purpose."""
    assert not valid_receipt(changed(**parts), known_pcs, "pc1")


def test_each_character_of_the_document_counts(known_pcs: str) -> None:
    """A receipt of which one character was changed is not valid, in any of its texts and names."""
    receipt = KEY.receipt(purpose="Updates", uses=[{"state": "logged_on", "count": 1, "seconds": 1.5}])
    assert valid_receipt(receipt, known_pcs, "pc1")
    places: list[Any] = [
        lambda document: document.update(purpose="updates"),
        lambda document: document.update(closed=False),
        lambda document: document["uses"][0].update(count=2),
        lambda document: document["uses"][0].update(seconds=1.25),
        lambda document: document["uses"].append({}),
        lambda document: document.pop("session"),
    ]
    for change in places:
        other = copy.deepcopy(receipt)
        change(other["document"])
        assert not valid_receipt(other, known_pcs, "pc1")


def test_a_document_that_names_another_key_is_not_valid(known_pcs: str) -> None:
    """A document that names another key than the one that signed it is not valid."""
    assert not valid_receipt(KEY.receipt(device_key=OTHER.fingerprint), known_pcs, "pc1")


def test_an_expired_line_does_not_count(known_pcs: str, tmp_path: Path) -> None:
    """A key whose line is over, or is not for receipts, does not count."""
    for options in ('valid-before="20200101"', 'namespaces="latchkey-journal"'):
        (tmp_path / "known_pcs").write_text(f"pc1 {options} {KEY.line}\n")
        assert not valid_receipt(KEY.receipt(), known_pcs, "pc1")


def test_what_cannot_be_checked_fails_the_task(
    known_pcs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing argument or file, a value that is no receipt and a controller without Ed25519 are errors, not a no."""
    for receipt, path, pc, reason in (
        (KEY.receipt(), "", "pc1", "needs known_pcs and pc"),
        (KEY.receipt(), known_pcs, "", "needs known_pcs and pc"),
        (KEY.receipt(), str(tmp_path / "missing"), "pc1", "there is no file"),
        (KEY.receipt(), str(tmp_path), "pc1", "is a folder"),
        ([], known_pcs, "pc1", "needs a receipt: it is no dictionary"),
        ({"request": "r1"}, known_pcs, "pc1", r"needs a receipt: ReceiptView\.document is missing"),
        ({**KEY.receipt(), "document": "x"}, known_pcs, "pc1", r"ReceiptView\.document is no dict"),
    ):
        with pytest.raises(AnsibleError, match=reason):
            valid_receipt(receipt, path, pc)
    monkeypatch.setattr(_armored_signature, "HAS_CRYPTOGRAPHY", False)
    with pytest.raises(AnsibleError, match="cannot be checked"):
        valid_receipt(KEY.receipt(), known_pcs, "pc1")


def test_ansible_finds_the_test(known_pcs: str) -> None:
    """Ansible's templates know the test by its full name, alone and with `select`."""
    assert list(Plugin().tests()) == ["valid_receipt"]
    variables = {"receipts": [KEY.receipt("r1"), OTHER.receipt("r2"), KEY.receipt("r3")], "file": known_pcs}
    call = "latchkey.consent.valid_receipt(known_pcs=file, pc='pc1', session='CHG-1')"
    assert templated(f"{{{{ receipts[0] is {call} }}}}", variables) is True
    assert templated(f"{{{{ receipts[1] is {call} }}}}", variables) is False
    select = "select('latchkey.consent.valid_receipt', known_pcs=file, pc='pc1')"
    assert templated(f"{{{{ receipts | {select} | map(attribute='request') }}}}", variables) == ["r1", "r3"]


def templated(text: str, variables: dict[str, Any]) -> Any:
    """Return the value of a template, as Ansible reads it."""
    try:
        from ansible.template import trust_as_template  # noqa: PLC0415 - of ansible-core 2.19 and newer
    except ImportError:
        return Templar(loader=DataLoader(), variables=variables).template(text)
    return Templar(loader=DataLoader(), variables=variables).template(trust_as_template(text))
