# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Reads the agent's answers into the dataclasses of `_answers.py`, by the types of their fields.

A field that the protocol does not define is dropped, and a missing one gets its default. So a task's
result always has the same keys, and no other data of the PC gets into it. Each text is made plain.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from typing import Any, Literal, TypeVar

from ._terminal_text import plain, plain_lines

T = TypeVar("T")
_OF_LINES = frozenset({
    ("ReceiptView", "signature"), ("ReceiptView", "text"), ("HeadView", "signature"), ("ChallengeView", "signature"),
    ("HalfView", "signature"), ("GrantStatement", "signature"), ("CommandView", "stdout"), ("CommandView", "stderr"),
})  # fmt: skip
"""The fields that hold lines, by their class: an armored signature, a receipt's text, and what a program printed.
Windows' programs end a line with CR and LF; a result has LF alone."""


class AnswerError(Exception):
    """Part of an answer is not of the protocol's form. The text names the place, never the value."""


def read(kind: type[T], value: object) -> T:
    """Return the value as this dataclass.

    Raises:
        AnswerError: it has another form.
    """
    answer: T = _read(kind, value, kind.__name__)
    return answer


def _read(kind: Any, value: object, place: str) -> Any:  # noqa: ANN401 - the field's type decides
    if kind is Any:
        return _plain_parts(value)
    if dataclasses.is_dataclass(kind):
        return _read_fields(kind, _checked(dict, value, place), place)
    origin, parts = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        return None if value is None else _read(parts[0], value, place)
    if origin is list:
        return [_read(parts[0], item, f"{place}[{n}]") for n, item in enumerate(_checked(list, value, place))]
    if origin is dict:
        items = _checked(dict, value, place).items()
        return {plain(str(key)): _read(parts[1], item, place) for key, item in items}
    # A later agent may know more states than the type lists; a task's result passes them on.
    checked = _checked(str if origin is Literal else kind, value, place)
    return plain(checked) if isinstance(checked, str) else checked


def _plain_parts(value: object) -> object:
    """Return a value of any form with each line in it made plain; it may be read again by its types."""
    if isinstance(value, dict):
        return {plain(str(key)): _plain_parts(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain_parts(part) for part in value]
    return plain_lines(value) if isinstance(value, str) else value


def _read_fields(kind: Any, value: dict[str, object], place: str) -> Any:  # noqa: ANN401 - of the dataclass given
    types_of, known = _types(kind), {}
    for field in dataclasses.fields(kind):
        inner = f"{place}.{field.name}"
        if field.name in value:
            known[field.name] = _read(types_of[field.name], value[field.name], inner)
            if (kind.__name__, field.name) in _OF_LINES:
                known[field.name] = plain_lines(_checked(str, value[field.name], inner))
        elif field.default is field.default_factory is dataclasses.MISSING:
            raise AnswerError(f"{inner} is missing")
    return kind(**known)


@functools.cache
def _types(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass
    return typing.get_type_hints(kind)


def _checked(kind: type[T], value: object, place: str) -> T:
    # JSON has one kind of number; and a bool is an int to Python, but not to the protocol.
    fits: Any = (int, float) if kind is float else kind
    if isinstance(value, fits) and isinstance(value, bool) is (kind is bool):
        return typing.cast("T", value)
    raise AnswerError(f"{place} is no {kind.__name__}")
