# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encode the messages of the logon pipe as fields, each behind its length.

    u8 version | u8 kind | u8 number of fields | fields
    field: u16 number of UTF-16 code units | the units

Everything is little-endian. The fields stand in the order of the message's class, all of them. A text is
its UTF-16 code units, a boolean one unit (0 or 1), a number 32 bits in two units, the low one first.
LogonUI reads this with a bounded cursor; JSON would need a parser there (docs/credential-provider.md).
"""

from __future__ import annotations

import struct
from functools import cache
from typing import TYPE_CHECKING, TypeVar, cast, get_type_hints

import msgspec

from .logon_messages import LogonMessage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

M = TypeVar("M", bound=LogonMessage)
VERSION = 1
HEADER = struct.Struct("<BBB")
LENGTH = struct.Struct("<H")
UNIT = 2
"""Bytes of a UTF-16 code unit."""
NUMBER = 4
"""Bytes of a number."""


class EncodingError(ValueError):
    """The bytes are no message of the logon pipe."""


def encode(message: LogonMessage) -> bytes:
    """Return the message's bytes.

    Raises:
        struct.error: a text has more than 65,535 code units.
    """
    values = msgspec.structs.astuple(message)
    header = HEADER.pack(VERSION, _kind(type(message)), len(values))
    return header + b"".join(_field(_units(value)) for value in values)


def decode(body: bytes, classes: Iterable[type[M]]) -> M:
    """Return the message of one of these classes.

    Raises:
        EncodingError: another version, kind or number of fields; a length beyond the end; bytes after the
            last field; a field of another type.
        msgspec.ValidationError: a value is out of its bounds.
    """
    if len(body) < HEADER.size:
        msg = "the message has no header"
        raise EncodingError(msg)
    version, kind, count = HEADER.unpack_from(body)
    wanted = {_kind(one): one for one in classes}.get(kind)
    if version != VERSION or wanted is None:
        msg = f"unknown message: version {version}, kind {kind}"
        raise EncodingError(msg)
    types, fields = _types(wanted), list(_fields(body))
    if not len(types) == len(fields) == count:
        msg = f"{len(fields)} fields instead of {len(types)}"
        raise EncodingError(msg)
    values = {name: _value(raw, types[name]) for name, raw in zip(types, fields, strict=True)}
    return msgspec.convert(values, wanted)


def _kind(message: type[LogonMessage]) -> int:
    return cast("int", message.__struct_config__.tag)


@cache
def _types(message: type[LogonMessage]) -> dict[str, type]:
    hints = get_type_hints(message)
    return {name: hints[name] for name in message.__struct_fields__}


def _units(value: str | int) -> bytes:
    match value:
        case bool():
            return value.to_bytes(UNIT, "little")
        case int():
            return value.to_bytes(NUMBER, "little")
        case str():
            # Names from Windows are code units and may hold half a surrogate pair.
            return value.encode("utf-16-le", "surrogatepass")


def _field(units: bytes) -> bytes:
    return LENGTH.pack(len(units) // UNIT) + units


def _fields(body: bytes) -> Iterator[bytes]:
    at = HEADER.size
    while at < len(body):
        start = at + LENGTH.size
        if start > len(body):
            msg = "half a length"
            raise EncodingError(msg)
        (units,) = LENGTH.unpack_from(body, at)
        at = start + UNIT * units
        if at > len(body):
            msg = f"a field of {units} units ends behind the message"
            raise EncodingError(msg)
        yield body[start:at]


def _value(units: bytes, kind: type) -> str | int:
    if kind is str:
        return units.decode("utf-16-le", "surrogatepass")
    number = int.from_bytes(units, "little")
    if kind is bool and len(units) == UNIT and number <= 1:
        return bool(number)
    if kind is int and len(units) == NUMBER:
        return number
    msg = f"no {kind.__name__}: {len(units)} bytes"
    raise EncodingError(msg)
