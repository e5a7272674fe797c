# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`latchkeyctl` against a real agent over a socket: one line for programs, tables and errors for people."""

from __future__ import annotations

import io
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
import pytest

from lab.simulated.windows_model import READY
from latchkey_agent import __version__
from latchkey_agent.cli import ctl
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.stream import Stream, read_frame, write_frame
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import OPERATOR

Answering = Callable[[bytes], bytes | None]


@contextmanager
def served(answer: Answering) -> Iterator[Stream]:
    """Connect to a server that answers one message, or hangs up."""
    ours, theirs = socket.socketpair()
    with ours, theirs, ours.makefile("rwb", buffering=0) as stream:

        def serve() -> None:
            with theirs.makefile("rwb", buffering=0) as other:
                frame = read_frame(other)
                reply = answer(frame.body) if frame is not None else None
                if reply is not None:
                    write_frame(other, reply)
            theirs.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve)
        thread.start()
        yield stream
        thread.join(10)


def to(bench: Bench) -> Callable[[], AbstractContextManager[Stream]]:
    """Return how to connect to the bench's agent."""

    def answer(body: bytes) -> bytes:
        reply = bench.agent.control(body, OPERATOR)
        bench.effects()
        return reply

    return lambda: served(answer)


def run(bench: Bench, *arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    """Run the program; return its exit code and what it printed."""
    out = io.StringIO()
    code = ctl.main(arguments, stdin=io.BytesIO(stdin), stdout=out, connect=to(bench))
    return code, out.getvalue()


def broken(fault: Exception) -> Callable[[], AbstractContextManager[Stream]]:
    """Return a way to connect that fails."""

    def connect() -> AbstractContextManager[Stream]:
        raise fault

    return connect


# --- for programs --------------------------------------------------------------------------------


def test_one_request_gives_one_line(bench: Bench) -> None:
    """The answer is one line of ASCII JSON, and a refusal also exits with 0."""
    code, line = run(
        bench, "request", stdin=b'{"verb":"session_start","session":"Z\xc3\xbcrich","reason":"x"}\r\n'
    )
    assert (code, line.count("\n"), line.isascii()) == (0, 1, True)
    assert json.loads(line)["result"]["session"]["name"] == "Zürich"
    code, line = run(bench, "request", stdin=b'{"verb":"session_end","session":"none"}')
    assert (code, json.loads(line)["error"]["code"]) == (0, "no_session")


def test_a_byte_order_mark_is_no_fault(bench: Bench) -> None:
    """A byte order mark, which Windows PowerShell may write to a pipe, is ignored."""
    code, line = run(bench, "request", stdin=b'\xef\xbb\xbf{"verb":"info"}')
    assert (code, json.loads(line)["outcome"]) == (0, "done")


@pytest.mark.parametrize(
    ("stdin", "error"),
    [(b"", "bad_message"), (b" \r\n", "bad_message"), (b"x" * (codec.MAX_REQUEST + 10), "message_too_large")],
)
def test_an_invalid_request_never_reaches_the_agent(bench: Bench, stdin: bytes, error: str) -> None:
    """Empty and oversized input is refused without a connection to the agent."""
    out = io.StringIO()
    ctl.main(["request"], stdin=io.BytesIO(stdin), stdout=out, connect=broken(AssertionError()))
    assert json.loads(out.getvalue())["error"]["code"] == error


def test_a_request_that_is_cut_anywhere_changes_nothing(bench: Bench) -> None:
    """A connection that loses the end of the input starts no session: a part of a request is no request."""
    whole = b'{"verb":"session_start","session":"CHG-4711","reason":"x","operators":["ben"],"ticket":"1"}'
    for length in range(len(whole)):
        _code, line = run(bench, "request", stdin=whole[:length])
        assert json.loads(line)["error"]["code"] == "bad_message"
    assert bench.agent.core.state.sessions == {}
    _code, line = run(bench, "request", stdin=whole)
    assert json.loads(line)["outcome"] == "done"


@pytest.mark.parametrize("fault", [FileNotFoundError(), ConnectionRefusedError(), TimeoutError()])
def test_an_agent_that_does_not_answer_is_unknown(fault: OSError) -> None:
    """A failed connection gives the outcome unknown and the exit code 69."""
    out = io.StringIO()
    code = ctl.main(["request"], stdin=io.BytesIO(b"{}"), stdout=out, connect=broken(fault))
    answer = json.loads(out.getvalue())
    assert (code, answer["outcome"], answer["error"]["code"]) == (69, "unknown", "agent_not_running")


def test_a_denied_pipe_means_not_permitted() -> None:
    """A denied pipe means that the account is not permitted, not that the agent is down."""
    answer = ctl.exchange(broken(PermissionError()), b"{}")
    assert isinstance(answer.error, ans.ErrorView)
    assert (answer.outcome, answer.error.code) == ("refused", "not_permitted")


@pytest.mark.parametrize(
    ("reply", "code"),
    [(None, "agent_not_running"), (b"nonsense", "bad_message"), (b'{"outcome":"maybe"}', "bad_message")],
)
def test_an_invalid_answer_is_unknown(reply: bytes | None, code: str) -> None:
    """A closed connection and an invalid answer both give the outcome unknown."""
    answer = ctl.exchange(lambda: served(lambda _: reply), b"{}")
    assert isinstance(answer.error, ans.ErrorView)
    assert (answer.outcome, answer.error.code) == ("unknown", code)


# --- for people ----------------------------------------------------------------------------------


def test_the_tables_show_the_state(bench: Bench, canary: bytearray) -> None:
    """Each command prints the facts that an administrator needs."""
    bench.lend(canary)
    request = bench.request(restarts=5)
    code, status = run(bench, "status")
    assert code == 0
    assert status.startswith(f"Latchkey agent {__version__} on PC-07: ready\n")
    assert "CHG-1    started  CHG-1   Monthly updates" in status
    assert "the window to open at PC-07\\anna's screen" in status
    assert "2 of 2    0 of 0" in run(bench, "grants")[1]
    assert run(bench, "receipt", request)[1].startswith(f"Receipt {request}\n")
    assert ", intact\n" in run(bench, "journal", "verify")[1]
    assert "Forecast: no obstacle to an unattended sign-in was found" in run(bench, "forecast")[1]
    assert "  confirmed  " in run(bench, "erase", "--all")[1]
    assert " ended" in run(bench, "grants")[1].lower()


def test_the_tables_show_problems(bench: Bench, canary: bytearray) -> None:
    """Each command shows a problem in plain words."""
    bench.lend(canary)
    bench.world.facts = bench.world.facts._replace(logon_banner=True)
    assert "Forecast: an unattended sign-in will not work" in run(bench, "forecast")[1]
    bench.world.facts = READY._replace(users_hidden=None)
    assert "Forecast: it could not be found out whether" in run(bench, "forecast")[1]
    with bench.read_by_others():
        assert "NOT CONFIRMED" in run(bench, "erase", "--all")[1]
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    assert "NOT INTACT: event 2 is missing or was changed" in run(bench, "journal", "verify")[1]
    bench.crash()
    assert "event 2 is missing" in run(bench, "status")[1]
    assert "kept as journal.damaged-" in run(bench, "journal", "reset")[1]


def test_a_refusal_prints_message_and_hint(bench: Bench) -> None:
    """A refusal prints its message and its hint and exits with 1."""
    code, text = run(bench, "receipt", "none")
    assert (code, text) == (
        1,
        "There is no request none.\nMake a new request.\n",
    )


def test_people_can_get_json(bench: Bench) -> None:
    """`--json` prints the same answer that programs get."""
    code, line = run(bench, "--json", "status")
    assert (code, json.loads(line)["outcome"]) == (0, "done")


def test_a_missing_character_prints_a_question_mark(bench: Bench) -> None:
    """A character that the terminal cannot show is printed as a question mark."""
    bench.result(rq.SessionStart(session="Zürich €", reason="Updates"))
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, encoding="cp850")
    assert ctl.main(["status"], stdin=io.BytesIO(), stdout=terminal, connect=to(bench)) == 0
    terminal.flush()
    assert "Zürich ?" in raw.getvalue().decode("cp850")


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["erase"], ["journal", "burn"], ["receipt"]])
def test_wrong_usage_prints_the_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage prints the usage, exits with 2 and never connects to the agent."""
    with pytest.raises(SystemExit) as caught:
        ctl.main(arguments, connect=broken(AssertionError()))
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: latchkeyctl")


def test_on_another_system_there_is_no_agent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A system without Windows' pipes gets a clear message and the exit code 2."""
    monkeypatch.setitem(sys.modules, "latchkey_agent.windows.pipes.client_stream", None)
    with pytest.raises(SystemExit) as caught:
        ctl.main(["status"])
    assert caught.value.code == 2
    assert "this is not Windows" in capsys.readouterr().err


def test_the_control_pipe_is_the_default(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """The control pipe is the default connection."""

    class Pipes:
        connect_control = staticmethod(to(bench))

    monkeypatch.setitem(sys.modules, "latchkey_agent.windows.pipes.client_stream", Pipes)
    out = io.StringIO()
    assert ctl.main(["status"], stdin=io.BytesIO(), stdout=out) == 0
    assert "Latchkey agent" in out.getvalue()


# --- frames --------------------------------------------------------------------------------------


class Dripping:
    """A stream that reads and writes one byte at a time."""

    def __init__(self, content: bytes = b"") -> None:
        self.content, self.taken = content, b""

    def readinto(self, buffer: memoryview, /) -> int:
        """Read one byte."""
        buffer[: len(self.content[:1])] = self.content[:1]
        given, self.content = len(self.content[:1]), self.content[1:]
        return given

    def write(self, data: memoryview, /) -> int:
        """Write one byte."""
        self.taken += bytes(data[:1])
        return 1


def test_a_frame_survives_a_slow_stream() -> None:
    """A frame with a secret survives a stream that moves one byte at a time."""
    stream = Dripping()
    write_frame(stream, b"{}", b"secret")
    assert read_frame(Dripping(stream.taken)) == frames.Frame(b"{}", bytearray(b"secret"))


def test_the_end_between_two_frames_is_no_fault() -> None:
    """A stream that ends between two frames returns no frame and no error."""
    assert read_frame(Dripping()) is None


def test_a_frame_that_is_cut_off_is_an_error() -> None:
    """A frame cut off at any byte raises an error."""
    stream = Dripping()
    write_frame(stream, b"{}", b"secret")
    for at in range(1, len(stream.taken)):
        with pytest.raises(frames.FrameError):
            read_frame(Dripping(stream.taken[:at]))


@pytest.mark.parametrize(
    "header",
    [
        b"HTTP/1.1 400",
        frames.HEADER.pack(frames.MAGIC, frames.MAX_BODY + 1, 0),
        frames.HEADER.pack(frames.MAGIC, 0, frames.MAX_SECRET + 1),
    ],
)
def test_an_invalid_header_stops_the_reading(header: bytes) -> None:
    """A foreign protocol or a length over its bound raises an error before the content is read."""
    with pytest.raises(frames.FrameError):
        read_frame(Dripping(header + b"x" * 100))


@pytest.mark.parametrize(("body", "secret"), [(frames.MAX_BODY + 1, 0), (0, frames.MAX_SECRET + 1)])
def test_an_oversized_frame_is_not_sent(body: int, secret: int) -> None:
    """An oversized frame is refused before its first byte is written."""
    stream = Dripping()
    with pytest.raises(frames.FrameError):
        write_frame(stream, b"x" * body, b"x" * secret)
    assert stream.taken == b""


@pytest.mark.parametrize("taken", [0, None])
def test_a_stream_that_accepts_nothing_is_broken(taken: int | None) -> None:
    """A stream that accepts no byte raises an error instead of looping."""
    stream: Any = Dripping()
    stream.write = lambda _: taken
    with pytest.raises(BrokenPipeError):
        write_frame(stream, b"{}")


def test_the_frame_of_a_secret_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The buffer of a frame is overwritten after sending, also if sending fails."""
    made: list[bytearray] = []
    encode = frames.encode

    def watched(body: bytes, secret: bytes | bytearray = b"") -> bytearray:
        made.append(encode(body, secret))
        return made[-1]

    monkeypatch.setattr("latchkey_agent.stream.encode", watched)
    write_frame(Dripping(), b"{}", b"secret")
    stream: Any = Dripping()
    stream.write = lambda _: 0
    with pytest.raises(BrokenPipeError):
        write_frame(stream, b"{}", b"secret")
    assert len(made) == 2
    assert not any(any(frame) for frame in made)


def test_a_secret_that_was_cut_off_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The received part of a cut-off secret is overwritten."""
    stream = Dripping()
    write_frame(stream, b"{}", b"secret")
    wiped: list[bytes] = []
    monkeypatch.setattr("latchkey_agent.stream.wipe", lambda buffer: wiped.append(bytes(buffer)))
    with pytest.raises(frames.FrameError):
        read_frame(Dripping(stream.taken[:-1]))
    assert wiped == [b"secre\0"]


def test_messages_are_plain_json() -> None:
    """A message is JSON that any program can read."""
    body = msgspec.json.encode(rq.Info())
    assert json.loads(body) == {"verb": "info"}
