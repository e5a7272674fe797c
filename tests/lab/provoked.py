# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records the error codes in the results that an end-to-end test has read.

`@provokes("denied")` names the error codes of a test. A test fails if it has not read a result with each of its codes,
and `tests/unit/test_end_to_end_errors.py` finds the codes that no test names.
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
    """Record the error code of a result that a test reads."""
    if (code := error_code(result)) is not None:
        _seen.add(code)


def error_code(result: Mapping[str, Any]) -> str | None:
    """Return the error code of a result: a module's own, or the one in latchkeyctl's answer to `raw`."""
    if "error_code" in result:
        return str(result["error_code"])
    try:
        return str(json.loads(result.get("stdout", ""))["error"]["code"])
    except (ValueError, TypeError, KeyError):
        return None


def named(marks: list[pytest.Mark]) -> set[str]:
    """Return the codes of the `provokes` marks."""
    return {code for mark in marks if mark.name == provokes.name for code in mark.args}


def by_code(codes: Mapping[str, str | None]) -> list[ParameterSet]:
    """Return a test's parameters, each with the code that it provokes, if any."""
    return [pytest.param(name, marks=provokes(code) if code else ()) for name, code in codes.items()]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Run a test; fail it if a code that it names was not in the results that it read."""
    _seen.clear()
    returned = yield
    if unseen := named(list(item.iter_markers())) - _seen:
        pytest.fail(f"named but not provoked: {', '.join(sorted(unseen))}; provoked: {sorted(_seen)}")
    return returned
