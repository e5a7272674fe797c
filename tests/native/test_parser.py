# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider's parser reads what the agent writes, and refuses everything else."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.packaging.system_tools import COMPILER
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol.logon_messages import LogonAnswer, Peek, Redeem, ReportResult
from tests.native import built, fuzzing
from tests.needs import require

LIMITS = {"permit": 64, "action": 16, "sid": 184, "user": 256, "domain": 256, "kind": 16}
"""UTF-16 units that the provider keeps (wire/answer.h)."""
AT_LEISURE = settings(deadline=None)
"""A busy computer may take its time for an example."""
CONTROLS = {*range(32), 0x7F}
IDENTIFIER = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-")

# One line, as the protocol has it. Halves of surrogate pairs are possible in Windows' own names.
LINE = st.characters(exclude_characters=[*map(chr, CONTROLS)])
PERMITS = st.text("ABCxyz0189-", max_size=64)


def units(text: str) -> bytes:
    """Return the text's UTF-16 code units."""
    return text.encode("utf-16-le", "surrogatepass")


def lines(limit: int) -> st.SearchStrategy[str]:
    """Texts of at most so many UTF-16 units."""
    texts = st.text(LINE, max_size=limit).filter(lambda text: len(units(text)) <= 2 * limit)
    return texts.map(lambda text: units(text).decode("utf-16-le", "surrogatepass"))


ANSWERS = st.builds(
    LogonAnswer,
    done=st.booleans(),
    permit=PERMITS,
    **{name: lines(limit) for name, limit in LIMITS.items() if name != "permit"},
)


def expected(body: bytes) -> LogonAnswer | None:
    """Return the answer that the provider must read, None where it must refuse the bytes.

    The agent's own decoder, and the provider's stricter limits on top.
    """
    try:
        answer = codec.decode_logon_answer(body)
    except codec.ProtocolError:
        return None
    for name, limit in LIMITS.items():
        text = getattr(answer, name)
        if len(units(text)) > 2 * limit or CONTROLS & set(map(ord, text)):
            return None
    return answer if IDENTIFIER.issuperset(answer.permit) else None


def length_places(body: bytes) -> list[int]:
    """Return the place of each field's length."""
    sizes = [3]
    while sum(sizes) < len(body):
        sizes.append(2 + 2 * int.from_bytes(body[sum(sizes) : sum(sizes) + 2], "little"))
    return list(accumulate(sizes))[:-1]


class Parser:
    """The parser in a process of its own."""

    def __init__(self, library: Path) -> None:
        host: list[str | Path] = [sys.executable, Path(__file__).with_name("parser_host.py"), library]
        self.process = subprocess.Popen(host, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, name: str, data: bytes) -> bytes:
        """Call a function of parser/library.cpp."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(struct.pack("<8sI", name.encode(), len(data)) + data)
        self.process.stdin.flush()
        size = self.process.stdout.read(4)
        assert size, f"the parser ended with {self.process.wait()} at {data!r}"
        return self.process.stdout.read(*struct.unpack("<I", size))

    def answer(self, body: bytes) -> LogonAnswer | None:
        """Parse the body of an answer; None where it is refused."""
        raw = self("parse", body)
        if not raw:
            return None
        texts, at = {}, 2  # the boolean, and what aligns the first text
        for name, limit in LIMITS.items():
            text = raw[at : at + 2 * limit + 2].decode("utf-16-le", "surrogatepass")
            texts[name] = text.split("\0")[0]
            at += 2 * limit + 2
        return LogonAnswer(done=raw[0] == 1, **texts)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    """The parser, compiled for this computer."""
    require(COMPILER)
    started = Parser(built.parser_library())
    yield started
    started.process.communicate()


@AT_LEISURE
@given(answer=ANSWERS)
def test_every_answer_of_the_agent_is_read_as_it_was_meant(parser: Parser, answer: LogonAnswer) -> None:
    """The agent's own encoder on one side, the provider's parser on the other."""
    assert parser.answer(codec.encode_logon(answer)) == answer


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_a_text_one_unit_too_long_refuses_the_answer(parser: Parser, name: str, limit: int) -> None:
    """Nothing is cut: half a name is another name."""
    right = msgspec.structs.replace(LogonAnswer(done=True), **{name: "x" * limit})
    long = msgspec.structs.replace(LogonAnswer(done=True), **{name: "x" * (limit + 1)})
    assert parser.answer(codec.encode_logon(right)) == right
    assert parser.answer(codec.encode_logon(long)) is None


@AT_LEISURE
@given(answer=ANSWERS)
def test_an_answer_cut_at_any_byte_is_refused(parser: Parser, answer: LogonAnswer) -> None:
    """And the parser reads no byte behind the end: that would end its process."""
    body = codec.encode_logon(answer)
    ends = range(len(body)) if len(body) < 300 else [*range(40), *range(40, len(body), 97)]
    assert [end for end in ends if parser.answer(body[:end]) is not None] == []


@AT_LEISURE
@given(
    answer=ANSWERS, changes=st.dictionaries(st.integers(0, 3000), st.integers(0, 255), min_size=1, max_size=4)
)
def test_changed_bytes_are_read_as_the_agent_reads_them(
    parser: Parser, answer: LogonAnswer, changes: dict[int, int]
) -> None:
    """Both read the same, or both refuse."""
    body = bytearray(codec.encode_logon(answer))
    for at, byte in changes.items():
        body[at % len(body)] = byte
    assert parser.answer(bytes(body)) == expected(bytes(body))


@AT_LEISURE
@given(answer=ANSWERS, wrong=st.one_of(st.integers(0, 260), st.integers(0, 0xFFFF)))
def test_a_length_that_lies_is_refused(parser: Parser, answer: LogonAnswer, wrong: int) -> None:
    """Each field's length in turn: too small, too large, behind the end."""
    body = codec.encode_logon(answer)
    for place in length_places(body):
        lying = body[:place] + struct.pack("<H", wrong) + body[place + 2 :]
        assert parser.answer(lying) == expected(lying)


@AT_LEISURE
@given(answer=ANSWERS, more=st.binary(min_size=1, max_size=9))
def test_bytes_after_the_last_field_are_refused(parser: Parser, answer: LogonAnswer, more: bytes) -> None:
    """Also where they look like one more field."""
    assert parser.answer(codec.encode_logon(answer) + more) is None


@AT_LEISURE
@given(
    head=st.sampled_from([b"", b"\x01", b"\x01\x00\x07", b"\x01\x00\x07\x01\x00\x01\x00"]),
    data=st.binary(max_size=120),
)
def test_any_bytes_are_read_as_the_agent_reads_them(parser: Parser, head: bytes, data: bytes) -> None:
    """Also behind a true beginning."""
    assert parser.answer(head + data) == expected(head + data)


EMPTY = codec.encode_logon(LogonAnswer(done=True))
NOT_ANSWERS = {
    "nothing": b"",
    "a header only": EMPTY[:3],
    "another version": b"\x02" + EMPTY[1:],
    "another kind": b"\x01\x01" + EMPTY[2:],
    "a field less": EMPTY[:2] + b"\x06" + EMPTY[3:-2],
    "a field more": EMPTY[:2] + b"\x08" + EMPTY[3:] + bytes(2),
    "a number of fields that lies": EMPTY[:2] + b"\x06" + EMPTY[3:],
    "two bytes behind the last field": EMPTY + bytes(2),
    "a boolean without a unit": EMPTY[:3] + bytes(2) + EMPTY[7:],
    "a boolean of 2": EMPTY[:5] + b"\x02" + EMPTY[6:],
    "a boolean of 256": EMPTY[:6] + b"\x01" + EMPTY[7:],
    "a boolean of two units": EMPTY[:3] + b"\x02\x00\x01\x00\x00\x00" + EMPTY[7:],
    "a NUL in a name": codec.encode_logon(LogonAnswer(done=True, user="ada\0x")),
    "a line feed in a name": codec.encode_logon(LogonAnswer(done=True, user="ada\nx")),
    "a delete in a name": codec.encode_logon(LogonAnswer(done=True, user="ada\x7f")),
    "a permit with a space": codec.encode_logon(LogonAnswer(done=True, permit="T 1")),
    "a permit with an underscore": codec.encode_logon(LogonAnswer(done=True, permit="T_1")),
    "a permit with an umlaut": codec.encode_logon(LogonAnswer(done=True, permit="\u00c4")),
    "JSON": b'{"done":true}',
}


@pytest.mark.parametrize("body", NOT_ANSWERS.values(), ids=NOT_ANSWERS)
def test_other_bytes_are_refused(parser: Parser, body: bytes) -> None:
    """Nearly an answer is none."""
    assert parser.answer(EMPTY) == LogonAnswer(done=True)
    assert parser.answer(body) is None
    assert expected(body) is None


@AT_LEISURE
@given(
    secret=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=256
    )
)
def test_the_password_arrives_as_it_was_sent(parser: Parser, secret: str) -> None:
    """In the frame's part of its own, UTF-16LE."""
    raw = secret.encode("utf-16-le")
    assert parser("secret", bytes(frames.encode(codec.encode_logon(LogonAnswer(done=True)), raw))) == raw


@AT_LEISURE
@given(permit=PERMITS.filter(bool), status=st.integers(0, 2**32 - 1), substatus=st.integers(0, 2**32 - 1))
def test_the_agent_reads_every_request_as_it_was_meant(
    parser: Parser, permit: str, status: int, substatus: int
) -> None:
    """The provider's writer on one side, the agent's own decoder on the other."""
    for letter, meant in (
        ("p", Peek()),
        ("r", Redeem(permit=permit)),
        ("t", ReportResult(permit=permit, status=status, substatus=substatus)),
    ):
        raw = parser("request", struct.pack("<cII", letter.encode(), status, substatus) + permit.encode())
        body, secret = frames.lengths(raw[:12])
        assert (len(raw), secret) == (12 + body, 0)
        assert codec.decode_logon(raw[12:]) == meant


def test_every_promise_holds_for_what_the_fuzzer_found(parser: Parser) -> None:
    """The corpus is what libFuzzer kept: inputs that each take a way of their own."""
    corpus = fuzzing.inputs()
    assert len(corpus) > 50
    assert {parser("hold", case) for case in corpus} == {b"y"}


@AT_LEISURE
@given(data=st.binary(max_size=200))
def test_every_promise_holds_for_any_bytes(parser: Parser, data: bytes) -> None:
    """Neither a crash nor a step over the end."""
    assert parser("hold", data) == b"y"
