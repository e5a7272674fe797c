# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import importlib
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.mark.structures import ParameterSet
from ansible_collections.latchkey.consent.plugins.plugin_utils import _error_table as collection

from latchkey_agent.protocol import errors as agent
from tests.lab.provoked import error_code, named, pytest_runtest_call, see

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = ("lab", "package")


def end_to_end() -> Iterator[Any]:
    """Yield every test function of the folders whose tests run ansible-playbook."""
    for folder in FOLDERS:
        for path in sorted((TESTS / folder).glob("test_*.py")):
            module = importlib.import_module(f"tests.{folder}.{path.stem}")
            yield from (value for name, value in vars(module).items() if name.startswith("test_"))


def codes_of(test: Any) -> set[str]:
    """Return the codes that a test names, itself or by one of its parameters."""
    marks: list[pytest.Mark] = getattr(test, "pytestmark", [])
    values = [value for mark in marks if mark.name == "parametrize" for value in mark.args[1]]
    of_values = [mark for v in values if isinstance(v, ParameterSet) for mark in v.marks]
    return named([*marks, *(mark if isinstance(mark, pytest.Mark) else mark.mark for mark in of_values)])


def test_every_error_code_has_an_end_to_end_test_that_names_it() -> None:
    """What a test names it has seen in what the real ansible-playbook returned, or it fails (tests/lab/provoked.py)."""
    provoked = set().union(*(codes_of(test) for test in end_to_end()))
    assert provoked == {*agent.ERRORS, *collection.ERRORS}


def test_a_code_is_found_where_it_was_said() -> None:
    """In a module's result, in what latchkeyctl printed, and in nothing else."""
    assert error_code({"error_code": "denied", "stdout": ""}) == "denied"
    assert error_code({"stdout": '{"outcome":"refused","error":{"code":"out_of_order"}}'}) == "out_of_order"
    for other in ("PC-ANNA", "{}", '{"error":null}', "[]"):
        assert error_code({"stdout": other}) is None
    assert error_code({}) is None


MARKS = [pytest.Mark("provokes", ("denied", "reported"), {}, _ispytest=True)]


def test_a_test_that_has_not_seen_its_code_fails() -> None:
    """A test fails unless it has read a result with each code that it names."""
    item: Any = SimpleNamespace(iter_markers=lambda: MARKS)
    for seen, missing in (([], "denied, reported"), (["denied"], "named but not provoked: reported;")):
        run = pytest_runtest_call(item)
        next(run)
        for code in seen:
            see({"error_code": code})
        with pytest.raises(pytest.fail.Exception, match=missing):
            run.send(None)
    run = pytest_runtest_call(item)
    next(run)
    see({"error_code": "denied"})
    see({"error_code": "reported"})
    with pytest.raises(StopIteration):
        run.send(None)
