# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider's parser reads what the agent writes, and refuses everything else."""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol.logon_messages import LogonAnswer, Peek, Redeem, ReportResult
from tests.native import built, fuzzing

LIMITS = {"permit": 64, "action": 16, "sid": 184, "user": 256, "domain": 256, "kind": 16, "requester": 256}
"""UTF-16 units that the provider keeps (wire/answer.h)."""

# One line, as the protocol has it, without halves of surrogate pairs.
LINE = st.characters(exclude_categories=["Cs"], exclude_characters=[*map(chr, range(32)), "\x7f"])
PERMITS = st.text("ABCxyz0189-", max_size=64)


def lines(limit: int) -> st.SearchStrategy[str]:
    """Texts of at most so many UTF-16 units."""
    return st.text(LINE, max_size=limit).filter(lambda text: len(text.encode("utf-16-le")) <= 2 * limit)


ANSWERS = st.builds(
    LogonAnswer,
    done=st.booleans(),
    permit=PERMITS,
    **{name: lines(limit) for name, limit in LIMITS.items() if name != "permit"},
)


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
        """Parse the JSON of an answer; None where it is refused."""
        raw = self("parse", body)
        if not raw:
            return None
        texts, at = {}, 2  # the boolean, and what aligns the first text
        for name, limit in LIMITS.items():
            units = raw[at : at + 2 * limit + 2].decode("utf-16-le", "surrogatepass")
            texts[name] = units.split("\0")[0]
            at += 2 * limit + 2
        return LogonAnswer(done=raw[0] == 1, **texts)


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    """The parser, compiled for this computer."""
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("no C++ compiler here: python3 tools/setup.py test")
    started = Parser(built.parser_library())
    yield started
    started.process.communicate()


@given(answer=ANSWERS)
def test_every_answer_of_the_agent_is_read_as_it_was_meant(parser: Parser, answer: LogonAnswer) -> None:
    """The agent's own encoder on one side, the provider's parser on the other."""
    assert parser.answer(codec.encode(answer)) == answer


@given(answer=ANSWERS, order=st.randoms(use_true_random=False))
def test_the_order_of_fields_is_free_and_defaults_may_be_written(
    parser: Parser, answer: LogonAnswer, order: object
) -> None:
    """As the protocol's own decoder allows it."""
    fields = list(msgspec.structs.asdict(answer).items())
    order.shuffle(fields)  # type: ignore[attr-defined]
    assert parser.answer(msgspec.json.encode(dict(fields))) == answer


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_a_text_one_unit_too_long_refuses_the_answer(parser: Parser, name: str, limit: int) -> None:
    """Nothing is cut: half a name is another name."""
    assert parser.answer(json.dumps({"done": True, name: "x" * limit}, separators=(",", ":")).encode())
    assert not parser.answer(
        json.dumps({"done": True, name: "x" * (limit + 1)}, separators=(",", ":")).encode()
    )


@given(answer=ANSWERS, at=st.integers(0, 3000))
def test_an_answer_cut_short_is_refused(parser: Parser, answer: LogonAnswer, at: int) -> None:
    """At whatever byte."""
    body = codec.encode(answer)
    assert parser.answer(body[: at % len(body)]) is None


@given(answer=ANSWERS, at=st.integers(0, 3000), byte=st.integers(0, 255))
def test_what_the_parser_accepts_the_agents_decoder_accepts(
    parser: Parser, answer: LogonAnswer, at: int, byte: int
) -> None:
    """With one byte changed, both read the same, or the provider refuses."""
    body = bytearray(codec.encode(answer))
    body[at % len(body)] = byte
    read = parser.answer(bytes(body))
    assert read is None or read == msgspec.json.decode(body, type=LogonAnswer)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"{}", b'{"done":1}', b'{"done":"true"}', b'{"done":true', b'{"done":true,}', b'{"done":true}}',
        b' {"done":true}', b'{"done": true}', b'{"done":truely}', b'{"done":null}', b'{"permit":"T"}',
        b'{"done":true,"done":true}', b'{"done":true,"user":"a","user":"a"}', b'{"done":true,"extra":""}',
        b'{"done":true,"user":1}', b'{"done":true,"user":null}', b'{"done":true,"user":["a"]}',
        b'{"done":true,"user":"a\\u0041"}', b'{"done":true,"user":"a\\n"}', b'{"done":true,"user":"a\nb"}',
        b'{"done":true,"user":"a\\', b'{"done":true,"user":"\x7f"}', b'{"done":true,"user":"\0"}',
        b'{"done":true,"user":"\xc0\x80"}', b'{"done":true,"user":"\xed\xa0\x80"}',
        b'{"done":true,"user":"\xf5\x80\x80\x80"}',
        b'{"done":true,"user":"\xe2\x82"}', b'{"done":true,"user":"\x80"}', b'{"done":true,"user":"\xf0\x80\x80\x80"}',
        b'{"done":true,"permit":"T 1"}', b'{"done":true,"permit":"T_1"}', b'{"done":true,"permit":"\xc3\x84"}',
        b"[]", b"true", b'"done"', b'{"done":true,"a-field-with-a-long-name":"x"}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(parser: Parser, body: bytes) -> None:
    """Also JSON that is valid but not as the agent writes it."""
    assert parser.answer(body) is None


@given(
    secret=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=256
    )
)
def test_the_password_arrives_as_it_was_sent(parser: Parser, secret: str) -> None:
    """In the frame's part of its own, UTF-16LE."""
    raw = secret.encode("utf-16-le")
    assert parser("secret", bytes(frames.encode(codec.encode(LogonAnswer(done=True)), raw))) == raw


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
    """The corpus is what libFuzzer kept of ten minutes: inputs that each take a way of their own."""
    corpus = fuzzing.inputs()
    assert len(corpus) > 100
    assert {parser("hold", case) for case in corpus} == {b"y"}


@given(data=st.binary(max_size=200))
def test_every_promise_holds_for_any_bytes(parser: Parser, data: bytes) -> None:
    """Neither a crash nor a step over the end."""
    assert parser("hold", data) == b"y"
