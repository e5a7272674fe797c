# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types that the messages of every pipe share: bounded fields, the base class, the requester.

Moments are ISO 8601 with offset; in a request also without one, or a time of
day (`"22:00"`): the PC resolves those in its own time zone. Durations are
seconds.
"""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, inspect

from latchkey_agent import plain_text

_WORD = "longest_word"
_SHOWN = {_WORD: plain_text.LONGEST_WORD}
_RULE = "One line of plain text; the agent composes its characters (NFC)."
Name = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=plain_text.LONGEST_NAME,
        description=_RULE,
        extra={_WORD: plain_text.LONGEST_NAME},
    ),
]
"""The name of a support session or a step: plain text, not empty."""
ShortLine = Annotated[str, Meta(max_length=plain_text.LONGEST_NAME, description=_RULE, extra=_SHOWN)]
"""The name of a person, a role, an organisation or a ticket: plain text, possibly empty."""
Line = Annotated[str, Meta(max_length=plain_text.LONGEST_LINE, description=_RULE, extra=_SHOWN)]
"""A reason or a message: plain text, possibly empty."""
AccountName = Annotated[str, Meta(max_length=256, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)")]
"""The name of a Windows account as somebody typed it. The agent only looks it up; no customer reads it."""
Argument = Annotated[str, Meta(max_length=32_767, pattern=r"^[^\x00]*$(?!\n)")]
"""An argument of a program: any text without a zero. Receipts show it; the customer may read it."""
MOST_OPERATORS = 5
"""The most further accounts that a support session may name: the request window shows them all."""
MOST_STEPS = 500
"""Steps that a message names; as many as a session may have checkpoints."""
Moment = Annotated[str, Meta(min_length=1, max_length=40)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[0-9A-Za-z-]+$(?!\n)")]
Position = Annotated[int, Meta(ge=0, le=2**53)]
"""The number of an event in the journal."""
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""A SHA-256 hash in hexadecimal."""
Key = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""A public key of X25519, or 32 random bytes, in hexadecimal."""
SealedHalf = Annotated[str, Meta(pattern=r"^[0-9a-f]{160}$(?!\n)")]
"""An operator's half of a key, sealed (`storage.operator_half`), in hexadecimal."""
Fingerprint = Annotated[str, Meta(pattern=r"^SHA256:[0-9A-Za-z+/]{43}$(?!\n)")]
"""The fingerprint of a device key, as `ssh-keygen -l` prints it."""
Count = Annotated[int, Meta(ge=0, le=100)]
Seconds = Annotated[float, Meta(ge=0, le=604_800)]
Wait = Annotated[float, Meta(ge=0, le=60)]
"""The length of one long poll at the agent, in seconds."""


class Message(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Base of every message."""


class Written(Message, frozen=True, kw_only=True):
    """Base of the messages with plain text in them. Composes the text (NFC), so equal texts are equal names."""

    def __post_init__(self) -> None:
        """Raise ValueError where a text breaks a rule of `plain_text`; the message has the field and the rule."""
        for field, bounds in _plain_fields(type(self)).items():
            if (text := getattr(self, field)) is None:
                continue
            composed = plain_text.normalized(text)
            if broken := plain_text.fault(composed, *bounds):
                msg = f"`{field}` {broken}"
                raise ValueError(msg)
            msgspec.structs.force_setattr(self, field, composed)


@cache
def _plain_fields(message: type[Message]) -> dict[str, tuple[int, int]]:
    """Return the fields of plain text, each with the most characters of the text and of a word."""
    described = inspect.type_info(message)
    assert isinstance(described, inspect.StructType)  # noqa: S101 - a message is one
    return {
        field.name: (kind.type.max_length or 0, kind.extra[_WORD])
        for field in described.fields
        for kind in (field.type.types if isinstance(field.type, inspect.UnionType) else (field.type,))
        if isinstance(kind, inspect.Metadata) and isinstance(kind.type, inspect.StrType) and kind.extra
    }


class SeenHead(Message, frozen=True, kw_only=True):
    """A place that this PC's journal had according to an earlier answer (`HeadView`); `at` is the moment of that."""

    position: Annotated[int, Meta(ge=1, le=2**53)]
    hash: Hash
    at: Moment | None = None

    def __post_init__(self) -> None:
        """Raise ValueError where `at` is no moment: it is repeated in the refusal."""
        if self.at is not None:
            datetime.fromisoformat(self.at)


class Sealing(Message, frozen=True, kw_only=True):
    """The operator's public key for one grant of two parties.

    `device`: the fingerprint of the PC's device key, `nonce`: random. The operator derives the private key from both,
    the session's name and a sealing key.
    """

    device: Fingerprint
    nonce: Key
    public_key: Key


class OperatorSignature(Message, frozen=True, kw_only=True):
    """The signature of a `credential_request`, or of the delivery of a half.

    `document`: the signed text, JSON with sorted keys, without spaces, in ASCII. It must be the request as the PC takes
    it (`latchkey-request-1`), or the use for which the PC wants the half (`latchkey-apply-1`). `signature`: its armored
    SSH signature with the namespace `latchkey-request` or `latchkey-apply`. `certificate`: the line of the OpenSSH user
    certificate of the key that signed.
    """

    document: Annotated[str, Meta(max_length=32_768)]
    signature: Annotated[str, Meta(max_length=32_768)]
    certificate: Annotated[str, Meta(max_length=32_768)]


class DeliveredHalf(Message, frozen=True, kw_only=True):
    """The operator's half, sealed to the key of an answer (`HalfView`) with this `nonce`.

    `signature`: by the person whose signed request the grant is of.
    """

    nonce: Identifier
    sealed: SealedHalf
    signature: OperatorSignature | None = None


class Requester(Written, frozen=True, kw_only=True):
    """The person who asks, in the operator's words."""

    name: ShortLine = ""
    organization: ShortLine = ""
    role: ShortLine = ""
