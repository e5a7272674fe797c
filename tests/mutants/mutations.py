# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mutants of a module: mutmut's, and those that mutmut does not make and this core needs.

mutmut leaves decorated functions, classes and tables alone, because its way of switching mutants cannot reach
them. This walk does not, for the tables of the domain are its rules. It leaves out texts for people, loggers and log
lines, annotations, types that have a name, lists of exports, decorators and the bodies of protocols.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import libcst as cst
from libcst import metadata
from mutmut.mutation.mutators import mutation_operators, operator_arg_removal, operator_string

SQL = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|REPLACE|PRAGMA|CREATE|BEGIN|COMMIT|ROLLBACK|FULL|ON)\b")
WEAKER = {"FULL": "OFF", "ON": "OFF", "IMMEDIATE": "DEFERRED", "EXCLUSIVE": "DEFERRED", "TRUNCATE": "PASSIVE"}
"""Words of SQLite, and the words with which it promises less."""
LOGGERS = ("log", "logger", "logging", "warnings")


class Mutant(NamedTuple):
    """One change of a module."""

    name: str
    """Stays the same as long as the function stays the same."""
    function: str
    """Its qualified name; empty if the change is outside of functions, and Python sees it at the import."""
    line: int
    statement: int
    """The line where the changed statement begins."""
    first: int
    """The line of the function's head, as its code object names it."""
    change: str
    source: str


class _Place(NamedTuple):
    function: str
    first: int
    statement: int = 0


def operator_weaker_sql(node: cst.SimpleString) -> Iterator[cst.SimpleString]:
    """Let a statement of SQLite promise less."""
    for word, other in WEAKER.items():
        if re.search(rf"\b{word}\b", node.value):
            yield node.with_changes(value=re.sub(rf"\b{word}\b", other, node.value))


def operator_drop_element(node: Any) -> Iterator[cst.CSTNode]:
    """Drop an element of a tuple, a list, a set or a table."""
    if len(node.elements) > 1:
        for at in range(len(node.elements)):
            yield node.with_changes(elements=[*node.elements[:at], *node.elements[at + 1 :]])


def operator_one_side(node: cst.BooleanOperation) -> Iterator[cst.CSTNode]:
    """Drop one side of `and` and `or`."""
    yield node.left.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    yield node.right.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def operator_drop_statement(node: cst.SimpleStatementLine) -> Iterator[cst.CSTNode]:
    """Drop a call whose result nobody takes, a deletion or an early way out."""
    (only, *others) = node.body
    call = isinstance(only, cst.Expr) and isinstance(only.value, cst.Call | cst.Yield)
    if not others and (call or isinstance(only, cst.Del | cst.Raise)):
        yield node.with_changes(body=[cst.Pass()])


def operator_drop_guard(node: cst.If) -> Iterator[cst.CSTNode]:
    """Let a condition never hold."""
    yield node.with_changes(test=cst.Name("False"))


_OWN: list[tuple[type, Callable[[Any], Iterator[cst.CSTNode]]]] = [
    (cst.SimpleString, operator_weaker_sql),
    (cst.Tuple, operator_drop_element),
    (cst.List, operator_drop_element),
    (cst.Set, operator_drop_element),
    (cst.Dict, operator_drop_element),
    (cst.BooleanOperation, operator_one_side),
    (cst.SimpleStatementLine, operator_drop_statement),
    (cst.If, operator_drop_guard),
]


def _is_prose(node: cst.CSTNode) -> bool:
    """Tell whether a text is for people: it has a space and is no SQL."""
    return isinstance(node, cst.SimpleString) and " " in node.value and not SQL.search(node.value)


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in [*mutation_operators, *_OWN]:
        if isinstance(node, kind) and not (operator is operator_string and _is_prose(node)):
            made = list(operator(node))
            if operator is operator_string:
                # A text in other letters says no more than the first mutant, a text with other letters around it.
                made = made[:1]
            if operator is operator_arg_removal:
                made = [other for other in made if not _shifts_arguments(node, other)]
            yield from made


def _shifts_arguments(node: Any, other: Any) -> bool:
    """Tell whether a call lost a positional argument before its last: any test that reaches it sees that."""
    if len(other.args) == len(node.args):
        return False
    positional = [arg for arg in node.args if arg.keyword is None]
    lost = next(arg for arg in node.args if not any(arg is kept for kept in other.args))
    return lost.keyword is None and lost is not positional[-1]


def _is_left_out(node: cst.CSTNode) -> bool:
    if isinstance(node, cst.Annotation | cst.Decorator | cst.Import | cst.ImportFrom):
        return True
    if isinstance(node, cst.SimpleStatementLine):
        return all(_is_for_others(part) for part in node.body)
    return isinstance(node, cst.If) and isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"


def _is_for_others(part: cst.BaseSmallStatement) -> bool:
    """Tell whether a statement does nothing itself: it is silent, a logger, or names types or what a module exports."""
    if isinstance(part, cst.Expr):
        return _is_silent(part.value)
    if not isinstance(part, cst.Assign) or not isinstance(part.targets[0].target, cst.Name):
        return False
    name, value = part.targets[0].target.value, part.value
    return name in {"__all__", *LOGGERS} or (name.strip("_")[:1].isupper() and _is_type(value))


def _is_type(value: cst.BaseExpression) -> bool:
    """Tell whether an expression is a type: `Literal[...]`, `Callable[...]` or a union of names."""
    if isinstance(value, cst.BinaryOperation):
        return isinstance(value.operator, cst.BitOr) and _is_type(value.left) and _is_type(value.right)
    if isinstance(value, cst.Subscript):
        return isinstance(value.value, cst.Name)
    return isinstance(value, cst.Name | cst.Attribute)


def _is_silent(value: cst.BaseExpression) -> bool:
    """Tell whether an expression is a docstring, the body of a protocol's method or a log line."""
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Attribute):
        whose = value.func.value
        return isinstance(whose, cst.Name) and whose.value.lower().strip("_") in LOGGERS
    return isinstance(value, cst.BaseString | cst.Ellipsis)


class _Walk:
    """Finds the places of a module that can be changed."""

    def __init__(self, source: str) -> None:
        wrapper = metadata.MetadataWrapper(cst.parse_module(source))
        self.module = wrapper.module
        self.parts = [self.module.code_for_node(part) for part in self.module.body]
        self.head = self.module.with_changes(body=[], footer=[]).code
        self.positions: Any = wrapper.resolve(metadata.PositionProvider)
        self.found: list[tuple[int, cst.CSTNode, cst.CSTNode, _Place]] = []
        for number, part in enumerate(self.module.body):
            self._part = number
            self._visit(part, (), _Place("", 0))

    def _visit(self, node: cst.CSTNode, names: tuple[str, ...], place: _Place) -> None:
        if _is_left_out(node):
            return
        if isinstance(node, cst.BaseStatement) and node in self.positions:
            place = place._replace(statement=self.positions[node].start.line)
        self.found += [(self._part, node, other, place) for other in _changes(node)]
        for child in node.children:
            self._visit(child, *self._inside(node, child, names, place))

    def _inside(
        self, node: cst.CSTNode, child: cst.CSTNode, names: tuple[str, ...], place: _Place
    ) -> tuple[tuple[str, ...], _Place]:
        """Return names and place of a child: a function's body is another place than its defaults."""
        if isinstance(node, cst.ClassDef) and child is node.body:
            return (*names, node.name.value), place
        if isinstance(node, cst.FunctionDef) and child is node.body:
            inner = (*names, node.name.value)
            if place.function:
                return inner, place
            # A decorated function's code object begins at its first decorator.
            head = node.decorators[0] if node.decorators else node
            first = self.positions[head].start.line
            return (*inner, "<locals>"), _Place(".".join(inner), first)
        return names, place

    def replaced(self, part: int, node: cst.CSTNode, other: cst.CSTNode) -> str:
        """Return the module's source with one node replaced, which stands in this part of it."""
        changed = self.module.body[part].deep_replace(node, other)
        assert isinstance(changed, cst.CSTNode)
        return "".join(
            [self.head, *self.parts[:part], self.module.code_for_node(changed), *self.parts[part + 1 :]]
        )


def _short(node: cst.CSTNode, module: cst.Module) -> str:
    return " ".join(module.code_for_node(node).split())


def _difference(before: str, after: str) -> str:
    """Return two short texts, without what they share at both ends."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    start, end = max(0, start - 24), max(0, end - 24)
    return f"{before[start : len(before) - end]} -> {after[start : len(after) - end]}"


def assigned(line: str) -> str:
    """Return the name that a statement outside of functions gives a value to, empty if it gives none."""
    found = re.match(r"\s*(\w+)\s*[:=]", line)
    return found[1] if found else ""


def _name(place: _Place, change: str, lines: list[str], seen: Counter[str]) -> str:
    where = place.function or f"({assigned(lines[place.statement - 1])})"
    key = f"{where}: {change}"
    seen[key] += 1
    return key if seen[key] == 1 else f"{key} #{seen[key]}"


def mutants(source: str) -> list[Mutant]:
    """Return all mutants of a module, in the order of their lines; each can be compiled."""
    walk = _Walk(source)
    seen: Counter[str] = Counter()
    lines = source.splitlines()
    texts = {hashlib.sha256(source.encode()).digest()}
    found: list[Mutant] = []
    for part, node, other, place in walk.found:
        change = _difference(_short(node, walk.module), _short(other, walk.module))
        changed = walk.replaced(part, node, other)
        text = hashlib.sha256(changed.encode()).digest()
        if text in texts or not _compiles(changed):
            continue
        texts.add(text)
        line = walk.positions[node].start.line if node in walk.positions else place.statement
        name = _name(place, change, lines, seen)
        found.append(Mutant(name, place.function, line, place.statement, place.first, change, changed))
    return found


def _compiles(source: str) -> bool:
    try:
        compile(source, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True
