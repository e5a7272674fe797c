# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hold the sizes of functions and files, and the documentation of public names, against the house's numbers.

A function's length is its lines without its docstring. The median, the 90th percentile and the share of
public names with a docstring are over all product code; the longest function and the longest file are
limits for each one, tests and tools included.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("agent/", "lab/", "plugins/")
# Ansible's own format of documentation: no code, no docstrings.
DATA_ONLY = ("plugins/modules/", "plugins/doc_fragments/")

MEDIAN_LINES = 8
P90_LINES = 30
MOST_LINES = 60
FILE_LINES = 400
DOCUMENTED_PERCENT = 90

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


class Source(NamedTuple):
    """One Python file of the checkout."""

    name: str
    text: str
    tree: ast.Module

    @property
    def is_product(self) -> bool:
        """Tell whether the file is part of what people run."""
        return self.name.startswith(PRODUCT) and not self.name.startswith(DATA_ONLY)


def python_files() -> list[str]:
    """Return the checkout's Python files: those of the index, and new ones that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.py"]
    listed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    return sorted({name for name in listed.split("\0") if name and (ROOT / name).is_file()})


def read(name: str) -> Source:
    """Read and parse one file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return Source(name, text, ast.parse(text, filename=name))


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function of a file, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Count a function's lines without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function, clean=False) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def public(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, Definition]]:
    """Yield the public functions, classes and methods of a file with their dotted names."""
    for child in node.body:
        if isinstance(child, Definition) and not child.name.startswith("_") and not is_overload(child):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


def is_overload(node: Definition) -> bool:
    """Tell what has no docstring by its nature: overloads, and overrides, whose base says it."""
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"overload", "override"})


def too_large(source: Source) -> Iterator[str]:
    """Yield a sentence for each thing in a file that is over its own limit."""
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        yield f"{source.name}: {lines} lines, {FILE_LINES} at most: split it by purpose"
    for function in functions(source.tree):
        count = length(function)
        if count > MOST_LINES:
            yield f"{source.name}:{function.lineno}: {function.name}: {count} lines, {MOST_LINES} at most"


def shape_faults(lengths: list[int]) -> Iterator[str]:
    """Yield a sentence for each figure over all functions that is above the house's."""
    middle, long = median(lengths), quantiles(lengths, n=10, method="inclusive")[-1]
    if middle > MEDIAN_LINES:
        yield f"functions: the median is {middle:g} lines, {MEDIAN_LINES} at most"
    if long > P90_LINES:
        yield f"functions: the 90th percentile is {long:g} lines, {P90_LINES} at most"


def undocumented(sources: list[Source]) -> Iterator[str]:
    """Yield the public names without a docstring, when they are more than the house allows."""
    names = [(source, name, node) for source in sources for name, node in public(source.tree)]
    bare = [found for found in names if ast.get_docstring(found[2]) is None]
    documented = len(names) - len(bare)
    if documented * 100 < len(names) * DOCUMENTED_PERCENT:
        yield f"public names with a docstring: {documented} of {len(names)}, {DOCUMENTED_PERCENT} % at least"
        yield from (f"{source.name}:{node.lineno}: {name} has none" for source, name, node in bare)


def faults(sources: list[Source]) -> Iterator[str]:
    """Yield everything that the sources break."""
    for source in sources:
        yield from too_large(source)
    product = [source for source in sources if source.is_product]
    lengths = [length(function) for source in product for function in functions(source.tree)]
    if len(lengths) > 1:
        yield from shape_faults(lengths)
    yield from undocumented(product)


def main() -> int:
    """Judge the checkout; return the exit code."""
    found = list(faults([read(name) for name in python_files()]))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
