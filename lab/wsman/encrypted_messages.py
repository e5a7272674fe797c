# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages encrypted by an authentication scheme: the MIME parts around a scheme's wrapped bytes.

A message has one part, with CredSSP one for each 16 kB. Source: [MS-WSMV] section 2.2.9.1.
"""

from __future__ import annotations

import binascii
import re
import struct
from typing import TYPE_CHECKING, NamedTuple, Protocol

from spnego.exceptions import SpnegoError

from lab.wsman.auth import ENCRYPTED_TYPE, MULTI_ENCRYPTED_TYPE, SOAP_TYPE, BadMessageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from spnego import WinRMWrapResult

BOUNDARY = b"--Encrypted Boundary"
END = BOUNDARY + b"--\r\n"
PART_SIZE = 16384
"""Bytes of a plain message in one part of several; also the most in one record of TLS (RFC 8446, 5.1)."""
MALFORMED = (SpnegoError, ValueError, KeyError, IndexError, struct.error, binascii.Error)
"""The errors that pyspnego raises for a wrong or malformed token or message."""

_PAYLOAD = b"\tContent-Type: application/octet-stream\r\n"
_LENGTH = re.compile(rb"Length=(\d+)\r\n")


class Wrapping(Protocol):
    """The keys of one connection: an authenticated context of pyspnego."""

    def wrap_winrm(self, data: bytes) -> WinRMWrapResult:
        """Encrypt."""
        ...

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        """Decrypt."""
        ...


class _Part(NamedTuple):
    """The length that a part's header gives its plain text, and its wrapped bytes."""

    length: int
    header: bytes
    data: bytes


def unwrap(context: Wrapping | None, body: bytes) -> bytes:
    """Return the plain message of an encrypted body.

    Raises:
        BadMessageError: it was not encrypted for this connection, or changed in transit.
    """
    if context is None:
        raise BadMessageError("the message is encrypted, but the connection has no keys")
    return b"".join(_plain(context, part) for part in _parts(body))


def _plain(context: Wrapping, part: _Part) -> bytes:
    try:
        message = context.unwrap_winrm(part.header, part.data)
    except MALFORMED as error:
        raise BadMessageError("the message was encrypted with other keys") from error
    if len(message) != part.length:
        raise BadMessageError("the message's length differs from its header")
    return message


def _parts(body: bytes) -> Iterator[_Part]:
    """Yield the parts of a body; each has two pieces between boundaries, its description and its payload."""
    start, *pieces = body.removesuffix(END).split(BOUNDARY + b"\r\n")
    if start or not pieces or len(pieces) % 2 or not body.endswith(END):
        raise BadMessageError("the encrypted message lacks one of its parts")
    for description, payload in zip(pieces[::2], pieces[1::2], strict=True):
        length, wrapped = _LENGTH.search(description), payload.removeprefix(_PAYLOAD)
        if length is None or wrapped == payload or len(wrapped) < 4:
            raise BadMessageError("the encrypted message lacks one of its parts")
        (size,) = struct.unpack_from("<I", wrapped)
        yield _Part(int(length[1]), wrapped[4 : 4 + size], wrapped[4 + size :])


def wrap(context: Wrapping, message: bytes, protocol: str, *, in_parts: bool = False) -> tuple[str, bytes]:
    """Return the content type and the body of an encrypted message.

    Args:
        context: the connection's keys.
        message: the plain message.
        protocol: the content type of the scheme's parts.
        in_parts: divide a message of more than `PART_SIZE` bytes.
    """
    parts: Sequence[bytes] = [message]
    if in_parts and len(message) > PART_SIZE:
        parts = [message[place : place + PART_SIZE] for place in range(0, len(message), PART_SIZE)]
    body = b"".join(_wrap_part(context, part, protocol) for part in parts) + END
    kind = ENCRYPTED_TYPE if len(parts) == 1 else MULTI_ENCRYPTED_TYPE
    return f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"', body


def _wrap_part(context: Wrapping, part: bytes, protocol: str) -> bytes:
    wrapped = context.wrap_winrm(part)
    length = len(part) + wrapped.padding_length
    return b"\r\n".join(
        (
            BOUNDARY,
            f"\tContent-Type: {protocol}".encode(),
            f"\tOriginalContent: type={SOAP_TYPE};Length={length}".encode(),
            BOUNDARY,
            _PAYLOAD + struct.pack("<I", len(wrapped.header)) + wrapped.header + wrapped.data,
        )
    )
