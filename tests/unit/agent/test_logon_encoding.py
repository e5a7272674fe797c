# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The logon pipe's messages have one encoding each, and the decoder refuses every other sequence of bytes."""

from __future__ import annotations

import struct
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latchkey_agent.protocol import codec
from latchkey_agent.protocol.codec import ProtocolError
from latchkey_agent.protocol.logon_messages import LogonAnswer, LogonMessage, Peek, Redeem, ReportResult

AT_LEISURE = settings(deadline=None)
"""A busy computer may take its time for an example."""
PERMITS = st.text("ABCxyz0189-", min_size=1, max_size=64)
NUMBERS = st.integers(0, 2**32 - 1)
REQUESTS = st.one_of(
    st.just(Peek()),
    st.builds(Redeem, permit=PERMITS),
    st.builds(ReportResult, permit=PERMITS, status=NUMBERS, substatus=NUMBERS),
)
# Halves of surrogate pairs included: a name in Windows may have them.
TEXTS = st.text(max_size=40).map(
    lambda text: text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
)
ANSWERS = st.builds(
    LogonAnswer,
    done=st.booleans(),
    **dict.fromkeys(("permit", "action", "sid", "user", "domain", "kind"), TEXTS),
)
MESSAGES = st.one_of(REQUESTS, ANSWERS)


def decoded(body: bytes, like: LogonMessage) -> LogonMessage:
    """Decode as the side does that receives such a message."""
    return codec.decode_logon_answer(body) if isinstance(like, LogonAnswer) else codec.decode_logon(body)


def refused(body: bytes, like: LogonMessage) -> bool:
    """Tell whether the side that receives such a message refuses these bytes."""
    try:
        decoded(body, like)
    except ProtocolError as fault:
        return fault.view.code == "bad_message"
    return False


def length_places(body: bytes) -> list[int]:
    """Return the place of each field's length."""
    sizes = [3]
    while sum(sizes) < len(body):
        sizes.append(2 + 2 * int.from_bytes(body[sum(sizes) : sum(sizes) + 2], "little"))
    return list(accumulate(sizes))[:-1]


SMILE = LogonAnswer(done=True, permit="1", action="2", sid="3", user="\U0001f600", domain="", kind="5")


@pytest.mark.parametrize(
    ("message", "body"),
    [
        (Peek(), "010100"),
        (Redeem(permit="T-1"), "010201 0300 54002d003100"),
        (
            ReportResult(permit="T-1", status=0xC000006D, substatus=0xC000006A),
            "010303 0300 54002d003100 0200 6d0000c0 0200 6a0000c0",
        ),
        (LogonAnswer(done=False), "010007 0100 0000 0000 0000 0000 0000 0000 0000"),
        (SMILE, "010007 0100 0100 0100 3100 0100 3200 0100 3300 0200 3dd800de 0000 0100 3500"),
    ],
)
def test_the_bytes_are_those_that_the_provider_is_built_for(message: LogonMessage, body: str) -> None:
    """The tables in docs/credential-provider.md, byte by byte."""
    assert codec.encode_logon(message) == bytes.fromhex(body)
    assert decoded(bytes.fromhex(body), message) == message


@AT_LEISURE
@given(message=MESSAGES)
def test_a_message_is_read_as_it_was_meant(message: LogonMessage) -> None:
    """Each field, each kind of value."""
    assert decoded(codec.encode_logon(message), message) == message


@AT_LEISURE
@given(message=MESSAGES)
def test_a_message_cut_at_any_byte_is_refused(message: LogonMessage) -> None:
    """No message is the beginning of another."""
    body = codec.encode_logon(message)
    assert all(refused(body[:end], message) for end in range(len(body)))


@AT_LEISURE
@given(message=MESSAGES, more=st.binary(min_size=1, max_size=9))
def test_bytes_after_the_last_field_are_refused(message: LogonMessage, more: bytes) -> None:
    """Also where they look like one more field."""
    assert refused(codec.encode_logon(message) + more, message)


@AT_LEISURE
@given(message=MESSAGES, wrong=st.integers(0, 0xFFFF))
def test_a_length_that_lies_is_refused(message: LogonMessage, wrong: int) -> None:
    """Each field's length in turn; a message that is read all the same is exactly those bytes."""
    body = codec.encode_logon(message)
    for place in length_places(body):
        lying = body[:place] + struct.pack("<H", wrong) + body[place + 2 :]
        assert refused(lying, message) or codec.encode_logon(decoded(lying, message)) == lying


@AT_LEISURE
@given(message=MESSAGES, place=st.integers(0, 2), value=st.integers(0, 255))
def test_another_version_kind_or_number_of_fields_is_refused(
    message: LogonMessage, place: int, value: int
) -> None:
    """The three bytes of the header, each with every value."""
    body = bytearray(codec.encode_logon(message))
    right, body[place] = body[place], value
    assert refused(bytes(body), message) == (value != right)


@AT_LEISURE
@given(data=st.binary(max_size=80), like=st.sampled_from([Peek(), LogonAnswer(done=True)]))
def test_whatever_is_read_has_no_second_encoding(data: bytes, like: LogonMessage) -> None:
    """Any bytes, also behind a true header."""
    for body in (data, codec.encode_logon(like)[:3] + data, b"\x01\x02\x01" + data, b"\x01\x03\x03" + data):
        assert refused(body, like) or codec.encode_logon(decoded(body, like)) == body


REFUSED = {
    "no permit": "010201 0000",
    "a permit with an underscore": "010201 0300 54005f003100",
    "a permit with a line feed": "010201 0200 54000a00",
    "a permit too long": "010201 4100" + "5400" * 65,
    "half a number": "010303 0100 5400 0100 0000 0200 00000000",
    "a number too long": "010303 0100 5400 0300 000000000000 0200 00000000",
    "an answer": codec.encode_logon(LogonAnswer(done=True)).hex(),
    "JSON": b'{"verb":"peek"}'.hex(),
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_request_with_a_value_out_of_its_bounds_is_refused(body: str) -> None:
    """Well-formed fields, but no identifier or no number in them."""
    assert refused(bytes.fromhex(body), Peek())


@pytest.mark.parametrize("units", [b"\x00\x00", b"\x01\x00\x02\x00", b"\x02\x00\x01\x00\x00\x00"])
def test_an_answer_without_a_true_boolean_is_refused(units: bytes) -> None:
    """One unit, 0 or 1."""
    assert refused(b"\x01\x00\x07" + units + bytes(12), LogonAnswer(done=True))


def test_a_text_that_no_length_can_say_is_not_sent() -> None:
    """An error at the agent rather than a cut name."""
    with pytest.raises(struct.error):
        codec.encode_logon(LogonAnswer(done=True, user="x" * 0x10000))
