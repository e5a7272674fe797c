# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _masking
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.plugins.fakes import stage

NAMES = [
    *(
        "password",
        "Password",
        "user_password",
        "passwd",
        "pwd",
        "passphrase",
        "pin",
        "user-pin",
        "secret",
        "secrets",
    ),
    *("client_secret", "token", "api_key", "privateKey", "private_key", "half_key"),
]
PLAIN = [
    *(
        "reason",
        "ticket",
        "passed",
        "spinning",
        "public_key",
        "code",
        "account",
        "pinned",
        "tokens_left_over",
        "step",
    ),
]
ASK = {"verb": "session_start"}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_smells(name: str) -> None:
    """It is taken for a secret's."""
    assert _masking.smells_secret(name)


@pytest.mark.parametrize("name", PLAIN)
def test_a_name_that_does_not_smell(name: str) -> None:
    """The protocol's own names are none of a secret."""
    assert not _masking.smells_secret(name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(PLAIN), inner, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(NAMES), st.data())
def test_a_value_below_such_a_name_is_nowhere_in_a_result(value: Any, name: str, data: st.DataObject) -> None:
    """However deep it lies, and wherever else the same text turns up."""
    canary = "canary-7f3a"
    hidden = data.draw(st.sampled_from([canary, [canary], {"x": canary}, {"x": [1, {"y": canary}]}]))
    result = {"changed": False, "value": value, "msg": f"it was {canary}!", "deep": [{"er": {name: hidden}}]}
    clean = _masking.masked(result, set())
    assert canary not in json.dumps(clean)
    assert clean["changed"] is False


def test_a_short_value_masks_only_itself() -> None:
    """Masking each letter x would make a result unreadable."""
    clean = _masking.masked({"password": "x", "msg": "an example"}, set())
    assert clean == {"password": _masking.MASK, "msg": "an example"}


def test_an_option_that_smells_is_not_shown(canary: bytearray) -> None:
    """An option that does not exist is refused by its name; its value is not repeated."""
    text = canary.decode("utf-16-le")
    result = stage([]).run(
        "support_session", {"session": "x", "reason": text, "requester": {"password": text}, "password": text}
    )
    assert result["error_code"] == "bad_option"
    assert text not in json.dumps(result, ensure_ascii=False)


def test_what_the_protocol_does_not_know_is_left_out(canary: bytearray) -> None:
    """A field that no message has does not get from the PC into a result, whatever it is called."""
    text = canary.decode("utf-16-le")
    session = {"id": "1", "name": "x", "state": "started", "reason": "", "ticket": "", "requester": {"x": text},
               "started_at": "", "ends_at": "", "note": text}  # fmt: skip
    answer = {"outcome": "done", "note": text, "result": {"session": session, "note": text}}
    result = stage([{"ask": ASK, "output": json.dumps(answer)}]).run("support_session", {"session": "x"})
    assert result["state"] == "started"
    assert text not in json.dumps(result, ensure_ascii=False)


def test_a_receipt_that_holds_a_secret_is_masked(canary: bytearray) -> None:
    """The one free form of an answer is the receipt's document: what smells in it is masked, everywhere."""
    text = canary.decode("utf-16-le")
    session = {"id": "1", "name": "x", "state": "ended", "reason": text, "ticket": "", "requester": {},
               "started_at": "", "ends_at": ""}  # fmt: skip
    receipt = {
        "request": "1",
        "document": {"password": text},
        "signature": "",
        "public_key": "",
        "text": f"<{text}>",
    }
    answer = {"outcome": "done", "result": {"session": session, "erasure": [], "receipts": [receipt]}}
    ended = {"ask": {"verb": "session_end"}, "output": json.dumps(answer)}
    result = stage([ended]).run("support_session", {"session": "x", "state": "ended"})
    assert result["receipts"][0]["document"]["password"] == _masking.MASK
    assert text not in json.dumps(result, ensure_ascii=False)


@pytest.mark.parametrize("output", ["{}", "no JSON: {}", "{}\n{}", '{{"outcome": "done", "result": "{}"}}'])
def test_what_is_no_answer_is_not_shown(canary: bytearray, output: str) -> None:
    """A bad answer is described, not quoted."""
    text = canary.decode("utf-16-le")
    result = stage([{"ask": ASK, "output": output.format(text, text)}]).run(
        "support_session", {"session": "x"}
    )
    assert result["error_code"] == "bad_answer"
    assert text not in json.dumps(result, ensure_ascii=False)
