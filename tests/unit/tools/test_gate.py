# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import ast

import pytest

from tools import gate


def source(text: str, name: str = "lab/sample.py") -> gate.Source:
    """A file of the product with this text."""
    return gate.Source(name, text, ast.parse(text))


def function(lines: int, name: str = "f", docstring: str = '"""Says."""') -> str:
    """The text of a function that many lines long, its docstring not counted."""
    body = [f"def {name}() -> None:", f"    {docstring}", *["    pass"] * (lines - 1)]
    return "\n".join(body) + "\n"


@pytest.mark.parametrize("docstring", ['"""Says."""', '"""Says.\n\n    More.\n    """'])
def test_docstring_is_not_counted(docstring: str) -> None:
    """A function's length is its lines without its docstring."""
    tree = ast.parse(function(7, docstring=docstring))
    assert [gate.length(found) for found in gate.functions(tree)] == [7]


def test_function_at_the_limit_passes() -> None:
    """The longest function allowed has 60 lines; one more is a fault that names it."""
    assert list(gate.too_large(source(function(60)))) == []
    assert list(gate.too_large(source(function(61)))) == ["lab/sample.py:1: f: 61 lines, 60 at most"]


def test_file_over_the_limit_is_named() -> None:
    """The longest file allowed has 400 lines."""
    assert list(gate.too_large(source("\n" * 400))) == []
    assert next(gate.too_large(source("\n" * 401))).startswith("lab/sample.py: 401 lines")


def test_shape_is_judged_over_all_functions() -> None:
    """Median and 90th percentile are each held against their own limit."""
    assert list(gate.shape_faults([8, 8, 8])) == []
    assert [fault.split(" is ")[0] for fault in gate.shape_faults([9, 9, 9])] == ["functions: the median"]
    assert [fault.split(" is ")[0] for fault in gate.shape_faults([2] * 8 + [50] * 2)] == [
        "functions: the 90th percentile"
    ]


def test_public_names_need_docstrings() -> None:
    """With less than nine in ten documented, each bare public name is listed."""
    text = "class A:\n    '''Says.'''\n    def b(self): ...\n    def _c(self): ...\n"
    assert list(gate.undocumented([source(text)])) == [
        "public names with a docstring: 1 of 2, 90 % at least",
        "lab/sample.py:3: A.b has none",
    ]


def test_nine_in_ten_documented_is_enough() -> None:
    """Nine documented names of ten pass, eight do not."""
    told, bare = 'def a():\n    "Says."\n', "def b(): ...\n"
    assert list(gate.undocumented([source(told * 9 + bare)])) == []
    assert len(list(gate.undocumented([source(told * 8 + bare * 2)]))) == 3


def test_private_nested_and_overloaded_names_need_none() -> None:
    """Private names, functions within functions and overloads are not public."""
    text = (
        "def _a(): ...\n"
        "def b():\n    '''Says.'''\n    def c(): ...\n"
        "class _D:\n    def e(self): ...\n"
        "@overload\ndef f(): ...\n"
    )
    assert list(gate.undocumented([source(text)])) == []


def test_documentation_only_files_are_no_product() -> None:
    """Ansible's documentation files hold data, and tests are not what people run."""
    assert source("").is_product
    assert not source("", "plugins/modules/x.py").is_product
    assert not source("", "tests/unit/x.py").is_product


def test_tests_are_held_to_the_hard_limits_only() -> None:
    """A test file's functions count for no median, but 60 lines end them too."""
    bare = "def f():\n" + "    pass\n" * 50
    assert list(gate.faults([source(bare * 2, "tests/unit/test_x.py")])) == []
    long_test = source(function(61), "tests/unit/test_x.py")
    assert [fault.split(":")[0] for fault in gate.faults([long_test])] == ["tests/unit/test_x.py"]
