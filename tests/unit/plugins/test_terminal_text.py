# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No text of a PC reaches the operator's terminal with characters that change what it shows."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import asdict
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure
from ansible_collections.latchkey.consent.plugins.plugin_utils import _answers as ans
from ansible_collections.latchkey.consent.plugins.plugin_utils._answer_reader import read
from ansible_collections.latchkey.consent.plugins.plugin_utils._connection import ConnectionLost
from ansible_collections.latchkey.consent.plugins.plugin_utils._failure import failure
from ansible_collections.latchkey.consent.plugins.plugin_utils._package_installer import reason_in
from ansible_collections.latchkey.consent.plugins.plugin_utils._remote_words import words
from ansible_collections.latchkey.consent.plugins.plugin_utils._terminal_text import plain, plain_lines

from latchkey_agent.plain_text import spelled_out
from tests.unit.plugins.fakes import ANSWERS
from tests.unit.plugins.test_answers import ANSWERED

FORGED = "x\x1b[2K\x1b]0;title\x07\r\u202ePC-07 | anna agreed\u2028\x9b1A"


def forged(value: Any) -> Any:
    """Return an answer with a forged line in each of its texts."""
    if isinstance(value, dict):
        return {key: forged(part) for key, part in value.items()}
    if isinstance(value, list):
        return [forged(part) for part in value]
    return value + FORGED if isinstance(value, str) else value


def is_plain(text: str) -> bool:
    """Tell whether a terminal shows the text as it stands; a zero-width joiner or mark changes one letter only."""
    harmless = {"Zs", "Co", "Cn", "Cf"}
    turning = {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    return all(
        (one.isprintable() or unicodedata.category(one) in harmless)
        and unicodedata.bidirectional(one) not in turning
        for one in text
    )


def texts(value: Any) -> list[str]:
    """Return all texts of a value, keys too."""
    if isinstance(value, dict):
        return [text for pair in value.items() for part in pair for text in texts(part)]
    if isinstance(value, list):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("verb", sorted({verb for verb, _ in ANSWERED}))
def test_no_answer_brings_a_forged_line(verb: str) -> None:
    """Each text of each answer is plain, in the parts that are passed on unread, too."""
    found = []
    for result in [result for asked, result in ANSWERED if asked == verb]:
        kind = getattr(ans, ANSWERS[verb].__name__)
        whole = read(ans.Answer, {"protocol": 1, "outcome": "done", "result": forged(result)})
        found += texts(asdict(read(kind, whole.result)))
    assert any("agreed" in text for text in found)
    assert all(is_plain(line) for text in found for line in text.split("\n"))


def test_no_refusal_brings_a_forged_line() -> None:
    """The message of an agent's refusal is plain."""
    error = {"code": "denied", "message": FORGED, "hint": FORGED}
    answer = read(ans.Answer, {"protocol": 1, "outcome": "refused", "error": error})
    assert answer.error is not None
    assert all(map(is_plain, texts(asdict(answer.error))))


def test_no_word_of_a_log_or_a_connection_brings_a_forged_line() -> None:
    """What Windows Installer's log and a connection's error say is plain in the task's result."""
    log = f"Product: Latchkey agent -- Error 1. {FORGED}".encode()
    refused = failure("package_refused", number=1, sentence="x", detail=reason_in(log)).as_result()
    assert "agreed" in refused["msg"]
    assert all(map(is_plain, texts(refused)))
    assert "agreed" in words(FORGED.encode())
    assert is_plain(words(FORGED.encode()))
    assert is_plain(ConnectionLost(AnsibleConnectionFailure(FORGED)).reason)


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_a_program_printed_keeps_its_lines(stream: str) -> None:
    """Windows' line ends become plain ones, tabs stay, and a sequence for the terminal stays harmless."""
    told = {
        "id": "1",
        "state": "exited",
        "account": "PC1\\anna",
        "command_line": "x",
        "limit": 1.0,
        "started_at": "now",
        stream: "Name\tState\r\none\tRunning\n\x1b[2J",
    }
    whole = read(ans.Answer, {"protocol": 1, "outcome": "done", "result": {"command": told}})
    assert whole.result is not None
    printed = getattr(read(ans.CommandView, whole.result["command"]), stream)
    assert printed == "Name\tState\none\tRunning\n\N{REPLACEMENT CHARACTER}[2J"


def test_a_text_of_one_line_keeps_no_tab() -> None:
    """A tab is kept in fields that hold lines alone: in a name it could shift what stands behind it."""
    told = {"id": "1", "state": "exited", "account": "PC1\\anna\tagreed", "command_line": "x", "limit": 1.0}
    assert "\t" not in read(ans.CommandView, {**told, "started_at": "now"}).account


def test_a_receipt_keeps_its_lines_and_its_document() -> None:
    """A receipt's text is read line by line, and the signed document is the one that was signed."""
    document = {"account": "PC-07\\mi\u200cravam", "device": "PC-07", "command_line": "tool.exe \ta"}
    shown = {
        "request": "r",
        "document": document,
        "signature": "s",
        "public_key": "k",
        "text": "Receipt r\n\tPC PC-07",
    }
    whole = read(ans.Answer, {"protocol": 1, "outcome": "done", "result": {"receipts": [shown]}})
    assert whole.result is not None
    receipt = read(ans.ReceiptView, whole.result["receipts"][0])
    assert (receipt.text, receipt.document) == ("Receipt r\n\tPC PC-07", document)


def test_each_character_is_kept_or_made_visible() -> None:
    """Plain text has a printable sign for every character, and text of any language stays as it is."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert len(plain(every)) == len(every)
    assert is_plain(plain(every))
    for text in ("Müller & Söhne GmbH", "Łódź 21:00", "山田太郎", "Ελλάδα", "it's “fine”"):
        assert plain(text) == text


def test_a_text_of_lines_keeps_its_ends_and_its_tabs_alone() -> None:
    """Every other character of a text of lines is treated as in a text of one line."""
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    kept = {one for one in every if plain_lines(one) == one and plain(one) != one}
    assert kept == {"\n", "\t"}
    assert len(plain_lines(every)) == len(every)
    printed = "a\t\x1b[2J\tb\f\vc\r\u202e\n\x9b1A"
    assert plain_lines(printed) == "a\t\ufffd[2J\tb\ufffd\ufffdc\ufffd\ufffd\n\ufffd1A"


def test_a_receipts_text_stays_as_the_pc_has_signed_it() -> None:
    """The agent spells out each character that the collection would replace, so a signed document stays valid."""
    for point in range(sys.maxunicode + 1):
        text = f"a{chr(point)}b"
        spelled = spelled_out(text)
        assert plain(spelled) == spelled
        assert (spelled == text) == (plain(text) == text)
