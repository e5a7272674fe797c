# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret gets from a task's options or from the PC into a result, though nothing there is masked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils._role_input import faults

from tests.unit.plugins.fakes import stage

ASK = {"verb": "session_start"}


def shows(result: dict[str, Any], canary: bytearray) -> bool:
    """Tell whether a result has the canary in it: its letters between two that each encoding writes differently."""
    return canary.decode("utf-16-le")[1:-1] in json.dumps(result)


@pytest.mark.parametrize("option", [
    {"password": "{}"}, {"requester": {"password": "{}"}}, {"requester": "password={}"}, {"ends": ["{}"]},
])  # fmt: skip
def test_a_wrong_option_is_named_and_not_quoted(canary: bytearray, option: dict[str, object]) -> None:
    """An option that does not exist is refused by its name; its value is not repeated."""
    text = canary.decode("utf-16-le")
    args = json.loads(json.dumps({"session": "x", **option}).replace("{}", text))
    result = stage([]).run("support_session", args)
    assert result["error_code"] == "bad_option"
    assert not shows(result, canary)


def test_a_field_that_the_protocol_lacks_is_dropped(canary: bytearray) -> None:
    """It does not get from the PC into a result, whatever it is called."""
    text = canary.decode("utf-16-le")
    session = {"id": "1", "name": "x", "state": "started", "reason": "", "ticket": "", "requester": {"x": text},
               "owner": "", "operators": [], "started_at": "", "ends_at": "", "password": text}  # fmt: skip
    answer = {"outcome": "done", "note": text, "result": {"session": session, "note": text}}
    result = stage([{"ask": ASK, "output": json.dumps(answer)}]).run("support_session", {"session": "x"})
    assert result["state"] == "started"
    assert not shows(result, canary)


@pytest.mark.parametrize("output", ["{}", "no JSON: {}", "{}\n{}", '{{"outcome": "done", "result": "{}"}}'])
def test_a_malformed_answer_is_not_quoted(canary: bytearray, output: str) -> None:
    """The message describes the form of the answer only."""
    text = canary.decode("utf-16-le")
    result = stage([{"ask": ASK, "output": output.format(text, text)}]).run(
        "support_session", {"session": "x"}
    )
    assert result["error_code"] == "bad_answer"
    assert not shows(result, canary)


@pytest.mark.parametrize("variables", [
    {"maintenance_terms": "{}"}, {"maintenance_terms": {"password": "{}"}}, {"maintenance_restarts": "{}"},
    {"maintenance_grace": "{}"}, {"maintenance_programs": "{}"}, {"maintenance_not_before": ["{}"]},
    {"maintenance_requester": ["{}"]}, {"maintenance_ticket": {"password": "{}"}},
])  # fmt: skip
def test_an_unusable_variable_of_the_role_is_not_quoted(
    canary: bytearray, variables: dict[str, object]
) -> None:
    """AWX stores the message, and shows it to all who may read the job."""
    given = json.loads(json.dumps(variables).replace("{}", canary.decode("utf-16-le")))
    told = faults({"maintenance_session": "x", **given}.get)
    assert len(told) == 1
    assert not shows({"told": told}, canary)
