# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which error codes an end-to-end test has really seen in what ansible-playbook returned.

`@provokes("denied")` names the codes that a test is about. A test that names a code and has not read a result with it
fails, and `tests/unit/test_end_to_end_errors.py` finds the codes that no test names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from _pytest.mark.structures import ParameterSet

provokes = pytest.mark.provokes
_seen: set[str] = set()


def see(result: Mapping[str, Any]) -> None:
    """Note the error code of a task's result that a test reads."""
    if (code := error_code(result)) is not None:
        _seen.add(code)


def error_code(result: Mapping[str, Any]) -> str | None:
    """Return the code of a result: a module's own, or of the answer that latchkeyctl printed for `raw`."""
    if "error_code" in result:
        return str(result["error_code"])
    try:
        return str(json.loads(result.get("stdout", ""))["error"]["code"])
    except (ValueError, TypeError, KeyError):
        return None


def named(marks: list[pytest.Mark]) -> set[str]:
    """Return the codes that `provokes` names among these marks."""
    return {code for mark in marks if mark.name == provokes.name for code in mark.args}


def by_code(codes: Mapping[str, str | None]) -> list[ParameterSet]:
    """Return a test's parameters, each with the code that it provokes, if it does."""
    return [pytest.param(name, marks=provokes(code) if code else ()) for name, code in codes.items()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test; fail it where a code that it names was not among the results that it read."""
    _seen.clear()
    returned = yield
    if unseen := named(list(item.iter_markers())) - _seen:
        pytest.fail(f"named and not seen: {', '.join(sorted(unseen))}; seen: {sorted(_seen)}")
    return returned
