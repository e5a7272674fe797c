# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's errors, and Ansible's advice for those of the agent."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils import _failure, _kerberos_faults
from ansible_collections.latchkey.consent.plugins.plugin_utils._answers import ErrorView
from ansible_collections.latchkey.consent.plugins.plugin_utils._error_table import ADVICE, ERRORS

from latchkey_agent.protocol import errors as agent
from tests.unit.plugins.fakes import stage

PLUGINS = Path(__file__).resolve().parents[3] / "plugins"
OF_BOTH = {"agent_not_running", "erasure_unconfirmed", "no_answer"}
"""What the agent reports itself, and the collection finds out where the agent does not report it."""


def raised() -> set[str]:
    """Return every code that the collection's source names in a call of `failure`."""
    calls = [
        node
        for path in PLUGINS.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "failure"
    ]
    return {
        constant.value
        for call in calls
        for constant in ast.walk(call.args[0])
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }


def test_the_collection_ships_the_errors_that_it_raises() -> None:
    """No row is missing, and none is left over; the codes of Kerberos are named where they are recognised."""
    assert raised() | _kerberos_faults.CODES == set(ERRORS)
    assert set(ERRORS) & set(agent.ERRORS) == OF_BOTH


@pytest.mark.parametrize("code", ERRORS)
def test_a_row_of_the_collection_can_be_filled(code: str) -> None:
    """Each place is a name, so that no brace is left over."""
    for text in ERRORS[code]:
        places = dict.fromkeys(re.findall(r"{(\w+)}", text), "x.")
        assert not re.search(r"[{}]", text.format(**places))
        assert text.format(**places).endswith((".", ">"))


@pytest.mark.parametrize("code", ADVICE)
def test_advice_is_for_an_error_of_the_agent_and_says_more(code: str) -> None:
    """Advice that only repeats the agent's hint, or that has a place to fill, would be a mistake."""
    assert ADVICE[code] != agent.ERRORS[code].hint
    assert "{" not in ADVICE[code]


def test_a_task_has_ansible_s_advice_in_place_of_the_agent_s_hint() -> None:
    """Where there is none, the agent's own hint arrives."""
    assert refused("no_grant")["hint"] == ADVICE["no_grant"]
    assert refused("reported")["hint"] == "the agent's"


def refused(code: str) -> dict[str, object]:
    """Return the result of a task that the agent refused."""
    error = {"code": code, "message": "m", "hint": "the agent's"}
    answer = {"ask": {"verb": "info"}, "answer": {"outcome": "refused", "error": error}}
    return stage([answer]).run("credential_info", {})


def test_an_error_is_renamed_in_one_place() -> None:
    """The agent's four words become Ansible's, and `retry_after` is there only where waiting helps."""
    error = ErrorView(code="c", message="m", hint="h")
    keys = {
        "changed": False,
        "failed": True,
        "error_code": "c",
        "msg": "m",
        "hint": "h",
        "outcome": "refused",
    }
    assert _failure.Failure(error).as_result() == keys
    later = ErrorView(code="c", message="m", hint="h", retry_after=2.5)
    assert _failure.Failure(later).as_result() == {**keys, "retry_after": 2.5}
    renaming = [
        path.name for path in PLUGINS.rglob("*.py") if '"error_code":' in path.read_text(encoding="utf-8")
    ]
    assert renaming == ["_failure.py"]
