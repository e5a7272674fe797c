# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# What is in this file is meant for this collection alone and may change in any release.
"""Answers of the agent, read into what the protocol says they are.

Only fields that the protocol defines get through, and those that it leaves out get their default:
so a task's result always has the same keys, and nothing else of the PC ends up in it.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

from ._shape_table import SHAPES

T = TypeVar("T")

_PLAIN: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}


class ShapeError(Exception):
    """Something is not what the protocol says. It names the place, never the value."""


def read(shape: type[T], value: object) -> T:
    """Return the value as the structure that the protocol defines, its defaults filled in.

    Raises:
        ShapeError: it is something else.
    """
    known: T = _read(shape.__name__, value, shape.__name__)
    return known


def _read(kind: str, value: object, place: str) -> Any:  # noqa: ANN401 - the kind decides
    if kind.endswith("?"):
        return None if value is None else _read(kind[:-1], value, place)
    if kind == "any":
        return value
    if kind in _PLAIN:
        return _read_plain(kind, value, place)
    if kind.startswith("["):
        return [_read(kind[1:-1], item, f"{place}[{n}]") for n, item in enumerate(_typed(list, value, place))]
    if kind.startswith("{"):
        return {str(key): _read(kind[1:-1], item, place) for key, item in _typed(dict, value, place).items()}
    return _read_struct(kind, _typed(dict, value, place), place)


def _read_plain(kind: str, value: object, place: str) -> object:
    # A bool is an int to Python, but not to the protocol.
    if isinstance(value, bool) is (kind == "bool") and isinstance(value, _PLAIN[kind]):
        return value
    raise ShapeError(f"{place} is no {kind}")


def _read_struct(name: str, value: dict[str, object], place: str) -> dict[str, Any]:
    return {key: _read_field(key, field, value, f"{place}.{key}") for key, field in SHAPES[name].items()}


def _read_field(key: str, field: tuple[Any, ...], value: dict[str, object], place: str) -> object:
    if key in value:
        return _read(field[0], value[key], place)
    if len(field) == 1:
        raise ShapeError(f"{place} is missing")
    return copy.deepcopy(field[1])


def _typed(kind: type[T], value: object, place: str) -> T:
    if isinstance(value, kind):
        return value
    raise ShapeError(f"{place} is no {kind.__name__}")
