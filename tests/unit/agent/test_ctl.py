# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`latchkeyctl` against a real agent over a socket: one line for programs, tables for people, plain faults."""

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
                said = answer(frame.body) if frame is not None else None
                if said is not None:
                    write_frame(other, said)
            theirs.shutdown(socket.SHUT_RDWR)

        thread = threading.Thread(target=serve)
        thread.start()
        yield stream
        thread.join(10)


def to(bench: Bench) -> Callable[[], AbstractContextManager[Stream]]:
    """Return how to connect to the bench's agent."""

    def answer(body: bytes) -> bytes:
        said = bench.agent.control(body, OPERATOR)
        bench.effects()
        return said

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


def test_one_request_one_line(bench: Bench) -> None:
    """ASCII JSON on one line, whatever is in it; the exit code is 0 for a refusal, too."""
    code, line = run(
        bench, "request", stdin=b'{"verb":"session_start","session":"Z\xc3\xbcrich","reason":"x"}\r\n'
    )
    assert (code, line.count("\n"), line.isascii()) == (0, 1, True)
    assert json.loads(line)["result"]["session"]["name"] == "Zürich"
    code, line = run(bench, "request", stdin=b'{"verb":"session_end","session":"none"}')
    assert (code, json.loads(line)["error"]["code"]) == (0, "no_session")


def test_a_byte_order_mark_is_no_fault(bench: Bench) -> None:
    """Windows PowerShell may put one before what it pipes."""
    code, line = run(bench, "request", stdin=b'\xef\xbb\xbf{"verb":"info"}')
    assert (code, json.loads(line)["outcome"]) == (0, "done")


@pytest.mark.parametrize(
    ("stdin", "error"),
    [(b"", "bad_message"), (b" \r\n", "bad_message"), (b"x" * (codec.MAX_REQUEST + 10), "message_too_large")],
)
def test_what_is_no_request_never_reaches_the_agent(bench: Bench, stdin: bytes, error: str) -> None:
    """Nothing, and too much."""
    out = io.StringIO()
    ctl.main(["request"], stdin=io.BytesIO(stdin), stdout=out, connect=broken(AssertionError()))
    assert json.loads(out.getvalue())["error"]["code"] == error


@pytest.mark.parametrize("fault", [FileNotFoundError(), ConnectionRefusedError(), TimeoutError()])
def test_an_agent_that_does_not_answer_is_said_so(fault: OSError) -> None:
    """What was asked may have happened, or not: unknown, and an exit code of its own."""
    out = io.StringIO()
    code = ctl.main(["request"], stdin=io.BytesIO(b"{}"), stdout=out, connect=broken(fault))
    answer = json.loads(out.getvalue())
    assert (code, answer["outcome"], answer["error"]["code"]) == (69, "unknown", "agent_not_running")


def test_a_pipe_that_may_not_be_opened_is_no_silent_agent() -> None:
    """The account is not permitted, and is named."""
    answer = ctl.exchange(broken(PermissionError()), b"{}")
    assert isinstance(answer.error, ans.ErrorView)
    assert (answer.outcome, answer.error.code) == ("refused", "not_permitted")


@pytest.mark.parametrize(
    ("said", "code"),
    [(None, "agent_not_running"), (b"nonsense", "bad_message"), (b'{"outcome":"maybe"}', "bad_message")],
)
def test_an_answer_that_is_none_is_unknown(said: bytes | None, code: str) -> None:
    """The agent hung up, or is something else."""
    answer = ctl.exchange(lambda: served(lambda _: said), b"{}")
    assert isinstance(answer.error, ans.ErrorView)
    assert (answer.outcome, answer.error.code) == ("unknown", code)


# --- for people ----------------------------------------------------------------------------------


def test_the_tables_tell_what_is_there(bench: Bench, canary: bytearray) -> None:
    """Each command prints what an administrator looks for."""
    bench.lend(canary)
    request = bench.request(restarts=5)
    code, status = run(bench, "status")
    assert code == 0
    assert status.startswith("Latchkey agent 0.1.0 on PC-07: ready\n")
    assert "CHG-1    started  CHG-1   Monthly updates" in status
    assert "the window to open at PC-07\\anna's screen" in status
    assert "2 of 2    0 of 0" in run(bench, "grants")[1]
    assert run(bench, "receipt", request)[1].startswith(f"Receipt {request}\n")
    assert ", intact\n" in run(bench, "journal", "verify")[1]
    assert "Forecast: an unattended sign-in should work" in run(bench, "forecast")[1]
    assert "  confirmed  " in run(bench, "erase", "--all")[1]
    assert " ended" in run(bench, "grants")[1].lower()


def test_the_tables_tell_what_is_wrong(bench: Bench, canary: bytearray) -> None:
    """Loudly, and with the problem."""
    bench.lend(canary)
    bench.world.facts = bench.world.facts._replace(logon_banner=True)
    assert "Forecast: an unattended sign-in will not work" in run(bench, "forecast")[1]
    with bench.read_by_others():
        assert "NOT CONFIRMED" in run(bench, "erase", "--all")[1]
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    assert "NOT INTACT: event 2 is missing or was changed" in run(bench, "journal", "verify")[1]
    bench.crash()
    assert "event 2 is missing" in run(bench, "status")[1]
    assert "kept as journal.damaged-" in run(bench, "journal", "reset")[1]


def test_a_refusal_is_a_sentence_and_what_to_do(bench: Bench) -> None:
    """And exit code 1."""
    code, text = run(bench, "receipt", "none")
    assert (code, text) == (
        1,
        "There is no request none.\nAsk again with latchkey.consent.credential_request.\n",
    )


def test_people_may_have_json_too(bench: Bench) -> None:
    """The same answer as for programs."""
    code, line = run(bench, "--json", "status")
    assert (code, json.loads(line)["outcome"]) == (0, "done")


def test_a_terminal_that_lacks_letters_is_no_fault(bench: Bench) -> None:
    """A question mark stands for each."""
    bench.result(rq.SessionStart(session="Zürich €", reason="Updates"))
    raw = io.BytesIO()
    terminal = io.TextIOWrapper(raw, encoding="cp850")
    assert ctl.main(["status"], stdin=io.BytesIO(), stdout=terminal, connect=to(bench)) == 0
    terminal.flush()
    assert "Zürich ?" in raw.getvalue().decode("cp850")


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["erase"], ["journal", "burn"], ["receipt"]])
def test_wrong_usage_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and the usage; nothing is erased by mistake."""
    with pytest.raises(SystemExit) as caught:
        ctl.main(arguments, connect=broken(AssertionError()))
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: latchkeyctl")


def test_on_another_system_there_is_no_agent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where Windows' pipes are missing, that is what is said."""
    monkeypatch.setitem(sys.modules, "latchkey_agent.windows.pipes.client_stream", None)
    with pytest.raises(SystemExit) as caught:
        ctl.main(["status"])
    assert caught.value.code == 2
    assert "this is not Windows" in capsys.readouterr().err


def test_on_windows_the_pipe_is_the_agents(monkeypatch: pytest.MonkeyPatch, bench: Bench) -> None:
    """Without anything said it is the control pipe."""

    class Pipes:
        connect_control = staticmethod(to(bench))

    monkeypatch.setitem(sys.modules, "latchkey_agent.windows.pipes.client_stream", Pipes)
    out = io.StringIO()
    assert ctl.main(["status"], stdin=io.BytesIO(), stdout=out) == 0
    assert "Latchkey agent" in out.getvalue()


# --- frames --------------------------------------------------------------------------------------


class Dripping:
    """A stream that gives and takes one byte at a time."""

    def __init__(self, content: bytes = b"") -> None:
        self.content, self.taken = content, b""

    def readinto(self, buffer: memoryview, /) -> int:
        """Give a byte."""
        buffer[: len(self.content[:1])] = self.content[:1]
        given, self.content = len(self.content[:1]), self.content[1:]
        return given

    def write(self, data: memoryview, /) -> int:
        """Take a byte."""
        self.taken += bytes(data[:1])
        return 1


def test_a_frame_survives_a_stream_that_drips() -> None:
    """Byte by byte, in both directions, with a secret."""
    stream = Dripping()
    write_frame(stream, b"{}", b"secret")
    assert read_frame(Dripping(stream.taken)) == frames.Frame(b"{}", bytearray(b"secret"))


def test_the_end_between_two_frames_is_no_fault() -> None:
    """The peer has said all it had to say."""
    assert read_frame(Dripping()) is None


def test_a_frame_that_is_cut_off_is_one() -> None:
    """At any byte."""
    stream = Dripping()
    write_frame(stream, b"{}", b"secret")
    for at in range(1, len(stream.taken)):
        with pytest.raises(frames.FrameError):
            read_frame(Dripping(stream.taken[:at]))


@pytest.mark.parametrize(
    "header",
    [
        b"HTTP/1.1 400",
        frames.HEADER.pack(frames.MAGIC, frames.MAX_JSON + 1, 0),
        frames.HEADER.pack(frames.MAGIC, 0, frames.MAX_SECRET + 1),
    ],
)
def test_what_is_no_frame_is_not_read(header: bytes) -> None:
    """Another protocol, or lengths over their bounds: nothing of it is kept in memory."""
    with pytest.raises(frames.FrameError):
        read_frame(Dripping(header + b"x" * 100))


@pytest.mark.parametrize(("body", "secret"), [(frames.MAX_JSON + 1, 0), (0, frames.MAX_SECRET + 1)])
def test_what_is_too_large_is_not_sent(body: int, secret: int) -> None:
    """Nor written in part."""
    stream = Dripping()
    with pytest.raises(frames.FrameError):
        write_frame(stream, b"x" * body, b"x" * secret)
    assert stream.taken == b""


@pytest.mark.parametrize("taken", [0, None])
def test_a_stream_that_takes_nothing_is_broken(taken: int | None) -> None:
    """It is not tried for ever."""
    stream: Any = Dripping()
    stream.write = lambda _: taken
    with pytest.raises(BrokenPipeError):
        write_frame(stream, b"{}")


def test_the_frame_of_a_secret_is_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is sent, and when sending fails."""
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
    """What had come of it does not stay in memory."""
    stream = Dripping()
    write_frame(stream, b"{}", b"secret")
    wiped: list[bytes] = []
    monkeypatch.setattr("latchkey_agent.stream.wipe", lambda buffer: wiped.append(bytes(buffer)))
    with pytest.raises(frames.FrameError):
        read_frame(Dripping(stream.taken[:-1]))
    assert wiped == [b"secre\0"]


def test_messages_are_plain_json() -> None:
    """What goes over the pipe can be read by anything."""
    body = msgspec.json.encode(rq.Info())
    assert json.loads(body) == {"verb": "info"}
