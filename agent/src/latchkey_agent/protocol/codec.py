# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes and encodes messages, strictly.

Messages are JSON; those of the logon pipe are fields (see `logon_encoding`).
The JSON that leaves the agent is ASCII on one line: Windows PowerShell pipes
a program's output through the console's code page, which ASCII survives.
"""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec

from . import PROTOCOL_VERSION, logon_encoding
from .answers import Answer, ErrorView
from .control_requests import AnyControlRequest
from .customer_messages import AnyCustomerRequest, CustomerAnswer
from .errors import error
from .fields import Message
from .logon_messages import AnyLogonRequest, LogonAnswer, LogonMessage

MAX_REQUEST = 64 * 1024
"""Largest control request in bytes; a correct one is below 8 kB, unless it has long arguments."""

_control = msgspec.json.Decoder(AnyControlRequest)
_customer = msgspec.json.Decoder(AnyCustomerRequest)
_logon: tuple[type[AnyLogonRequest], ...] = get_args(AnyLogonRequest)
_answer = msgspec.json.Decoder(Answer)
_encoder = msgspec.json.Encoder()


class ProtocolError(Exception):
    """A message was refused; `view` is the error to answer with."""

    def __init__(self, view: ErrorView) -> None:
        super().__init__(view.message)
        self.view = view


class _Version(msgspec.Struct):
    protocol: int = PROTOCOL_VERSION


def decode_control(body: bytes) -> AnyControlRequest:
    """Return the operator's request.

    Raises:
        ProtocolError: `message_too_large`, `protocol_mismatch` or `bad_message`.
    """
    if len(body) > MAX_REQUEST:
        raise ProtocolError(error("message_too_large", limit=MAX_REQUEST))
    try:
        # Check the version first: another version may have other verbs.
        theirs = msgspec.json.decode(body, type=_Version).protocol
        if theirs != PROTOCOL_VERSION:
            raise ProtocolError(error("protocol_mismatch", theirs=theirs, ours=PROTOCOL_VERSION))
        request: AnyControlRequest = _control.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ProtocolError(error("bad_message", detail=_plain(fault))) from None
    return request


def decode_customer(body: bytes) -> AnyCustomerRequest:
    """Return the companion's request; raises ProtocolError (`bad_message`)."""
    try:
        request: AnyCustomerRequest = _customer.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ProtocolError(error("bad_message", detail=_plain(fault))) from None
    return request


def decode_logon(body: bytes) -> AnyLogonRequest:
    """Return the credential provider's request; raises ProtocolError (`bad_message`)."""
    try:
        return logon_encoding.decode(body, _logon)
    except (logon_encoding.EncodingError, msgspec.ValidationError) as fault:
        raise ProtocolError(error("bad_message", detail=_plain(fault))) from None


def decode_logon_answer(body: bytes) -> LogonAnswer:
    """Return the agent's answer on the logon pipe; raises ProtocolError (`bad_message`)."""
    try:
        return logon_encoding.decode(body, (LogonAnswer,))
    except (logon_encoding.EncodingError, msgspec.ValidationError) as fault:
        raise ProtocolError(error("bad_message", detail=_plain(fault))) from None


def decode_answer(body: bytes) -> Answer:
    """Return an answer of the control pipe; raises ProtocolError (`bad_message`)."""
    try:
        return _answer.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ProtocolError(error("bad_message", detail=_plain(fault))) from None


def encode(message: Message) -> bytes:
    """Return the message as UTF-8 JSON."""
    return _encoder.encode(message)


def encode_logon(message: LogonMessage) -> bytes:
    """Return a message of the logon pipe as fields (see `logon_encoding`)."""
    return logon_encoding.encode(message)


def encode_line(message: Message) -> bytes:
    """Return the message as one line of ASCII JSON, newline included."""
    return json.dumps(msgspec.to_builtins(message), separators=(",", ":")).encode("ascii") + b"\n"


def done(result: Message, *, changed: bool) -> Answer:
    """Return the answer to a request that was done."""
    return Answer(outcome="done", changed=changed, result=_fields(result))


def refused(view: ErrorView, result: Message | None = None) -> Answer:
    """Return the answer to a refused request, with a result if one is known."""
    if result is None:
        return Answer(outcome="refused", error=view)
    return Answer(outcome="refused", error=view, result=_fields(result))


def _fields(result: Message) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(result)
    return fields


def _plain(fault: Exception) -> str:
    return str(fault).rstrip(".")


__all__ = [
    "CustomerAnswer",
    "LogonAnswer",
    "ProtocolError",
    "decode_answer",
    "decode_control",
    "decode_customer",
    "decode_logon",
    "decode_logon_answer",
    "done",
    "encode",
    "encode_line",
    "encode_logon",
    "refused",
]
