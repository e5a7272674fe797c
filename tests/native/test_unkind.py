# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No fault of the agent, another program or LogonUI touches the normal logon (rule 12)."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import msgspec
import pytest

from lab.wine.logon_ui import LOGON, RETURN_CREDENTIAL, S_OK, LogonScreen
from latchkey_agent.protocol import codec, frames
from latchkey_agent.protocol.logon_messages import Peek, Redeem, ReportResult
from tests.native.built import BarePC
from tests.native.programs import NOT_FINISHED, FakeAgent, SharedAgent, uninstalled
from tests.native.scene import OTHER, PERMIT, SID, USERS, said_by, take, unloaded_within
from tests.waiting import eventually

ANSWER = codec.encode_logon(PERMIT)
FRAME = bytes(frames.encode(ANSWER))
PATIENCE = 300_000
"""Microseconds for which the logon screen may stand still (limits.h: kScreenPeek) ..."""
SLACK = 400_000
"""... and for a busy computer on top."""


def header(body_size: int, secret_size: int, magic: bytes = b"LKY1") -> bytes:
    """Return a frame's header, true or not."""
    return struct.pack("<4sII", magic, body_size, secret_size)


def framed(body: bytes, secret: bytes = b"") -> bytes:
    """Return one frame of any content."""
    return header(len(body), len(secret)) + body + secret


def answered(**fields: object) -> bytes:
    """Return the body of the permit's answer with other fields."""
    return codec.encode_logon(msgspec.structs.replace(PERMIT, **fields))


# --- the agent answers a peek badly

BAD_PEEKS: dict[str, tuple[str, bytes]] = {
    "never": ("send", b""),
    "hangs up": ("close", b""),
    "half a header": ("send", FRAME[:7]),
    "half a header, then hangs up": ("close", FRAME[:7]),
    "half an answer": ("send", FRAME[:-5]),
    "half an answer, then hangs up": ("close", FRAME[:-5]),
    "something else": ("send", b"HTTP/1.1 200 OK\r\n\r\n"),
    "another version": ("send", header(len(ANSWER), 0, b"LKY2") + ANSWER),
    "oversized": ("send", header(4096, 0) + b"x" * 4096),
    "huge": ("send", header(0xFFFFFFFF, 0) + b"x" * 4000),
    "a huge secret": ("send", header(len(ANSWER), 0xFFFFFFFF) + ANSWER),
    "empty": ("send", header(0, 0)),
    "JSON": ("send", framed(b'{"done":true,"permit":"T-1"}')),
    "another message version": ("send", framed(b"\x02" + ANSWER[1:])),
    "a request": ("send", framed(codec.encode_logon(Redeem(permit="T-1")))),
    "a refusal": ("send", framed(answered(done=False))),
    "no permit": ("send", framed(answered(permit=""))),
    "a field more": ("send", framed(ANSWER[:2] + b"\x08" + ANSWER[3:] + b"\0\0")),
    "a field less": ("send", framed(ANSWER[:2] + b"\x06" + answered(kind="")[3:-2])),
    "an unknown action": ("send", framed(answered(action="install"))),
    "an unknown kind": ("send", framed(answered(kind="global"))),
    "no user": ("send", framed(answered(user=""))),
    "a permit with quotes": ("send", framed(answered(permit='T"1'))),
    "a permit too long": ("send", framed(answered(permit="T" * 65))),
    "a line feed in a name": ("send", framed(answered(domain="Grace\nHopper"))),
    "a NUL in a name": ("send", framed(answered(domain="Grace\0Hopper"))),
    "a length too large": ("send", framed(ANSWER.replace(b"\x05\0l\0", b"\x06\0l\0"))),
    "a length too small": ("send", framed(ANSWER.replace(b"\x05\0l\0", b"\x04\0l\0"))),
    "more behind it": ("send", framed(ANSWER + b"\0\0")),
    "a secret that was not asked for": ("send", framed(ANSWER, b"p\0w\0")),
}


@pytest.mark.parametrize("case", BAD_PEEKS)
def test_a_bad_answer_to_a_peek_shows_nothing_in_time(
    screen: LogonScreen, agent: FakeAgent, case: str
) -> None:
    """Zero credentials, at the latest when the deadline of a peek is over."""
    how, data = BAD_PEEKS[case]
    screen.begin(users=USERS)
    agent.on("peek", data, how=how)
    counted = screen("count", 0)
    assert (counted["hr"], counted["count"]) == (S_OK, 0)
    assert counted["microseconds"] < PATIENCE + SLACK


def test_a_slow_agent_is_not_waited_for(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> None:
    """A late answer, and one that comes byte by byte until after the deadline."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    agent.on("peek", FRAME, delay=800)
    counted = screen("count", 0)
    assert (counted["count"], counted["microseconds"] < PATIENCE + SLACK) == (0, True)
    # The watching thread has more time, and so LogonUI is notified as soon as the agent is well.
    assert screen("changed", 0, 5000)["calls"] >= 1
    agent.on("peek", FRAME, how="drip")
    assert screen.tile()["count"] == 1


@pytest.mark.parametrize("state", ["not installed", "stopped", "running without a pipe"])
def test_an_agent_that_is_not_there_costs_nothing(
    no_agent: None, screen: LogonScreen, pc: BarePC, state: str
) -> None:
    """The pipe is not there, so nothing is waited for."""
    absences: dict[str, AbstractContextManager[object]] = {
        "not installed": uninstalled(pc),
        "stopped": nullcontext(),
        "running without a pipe": FakeAgent(pc, listening=False),
    }
    screen.begin(users=USERS)
    with absences[state]:
        counted = screen("count", 0)
    assert (counted["count"], counted["microseconds"] < PATIENCE + SLACK) == (0, True)


# --- the agent answers a redeeming badly


@pytest.fixture
def tile(screen: LogonScreen, agent: FakeAgent, canary: bytearray) -> LogonScreen:
    """A logon screen that shows the tile of a permit."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    assert screen.tile()["count"] == 1
    screen("at", 0, 0)
    return screen


Bad = Callable[[bytes], tuple[str, bytes]]
BAD_REDEEMS: dict[str, Bad] = {
    "never": lambda _: ("send", b""),
    "hangs up": lambda _: ("close", b""),
    "half the secret": lambda secret: ("send", framed(ANSWER, secret)[:-6]),
    "half the secret, then hangs up": lambda secret: ("close", framed(ANSWER, secret)[:-6]),
    "a header only": lambda secret: ("close", header(len(ANSWER), len(secret))),
    "no secret": lambda _: ("send", framed(ANSWER)),
    "half a letter": lambda secret: ("send", framed(ANSWER, secret[:-1])),
    "a NUL in the secret": lambda secret: ("send", framed(ANSWER, secret[:8] + b"\0\0" + secret[8:])),
    "a secret too long": lambda secret: ("send", framed(ANSWER, (secret * 50)[:1026])),
    "a refusal": lambda secret: ("send", framed(answered(done=False), secret)),
    "another permit": lambda secret: ("send", framed(answered(permit="T-2"), secret)),
    "another account": lambda secret: ("send", framed(answered(sid=OTHER), secret)),
    "a broken body": lambda secret: ("send", framed(ANSWER[:-1], secret)),
}


@pytest.mark.parametrize("case", BAD_REDEEMS)
def test_a_bad_answer_to_a_redeeming_hands_nothing_to_windows(
    tile: LogonScreen, agent: FakeAgent, canary: bytearray, case: str
) -> None:
    """A sentence instead, once; the tile goes; the same agent is left alone for a while."""
    how, data = BAD_REDEEMS[case](bytes(canary))
    agent.on("redeem", data, how=how)
    calls = tile("changed", 0, 0)["calls"]
    said = tile("serialize", 0)
    assert (said["response"], said["size"], said["icon"]) == (NOT_FINISHED, 0, 2)
    assert "sign in as usual" in said["status_text"]
    assert said["microseconds"] < 3_000_000 + SLACK
    assert tile("changed", 0, 0)["calls"] > calls
    agent.has_permit(msgspec.structs.replace(PERMIT, permit="T-9"), canary)
    assert tile("count", 0)["count"] == 0
    tile("windows", "clock", 30_000)
    assert tile.tile()["count"] == 1
    assert said_by(agent) == [Redeem(permit="T-1")]


def test_an_agent_that_dies_before_the_redeeming_is_survived(tile: LogonScreen, agent: FakeAgent) -> None:
    """Nothing is handed over, and no report is sent."""
    agent.command("die")
    assert tile("serialize", 0)["response"] == NOT_FINISHED
    assert tile("report", 0, 0, 0)["hr"] == S_OK
    assert tile("count", 0)["count"] == 0


def test_a_permit_that_the_agent_was_not_asked_for_is_still_whole(
    tile: LogonScreen, agent: FakeAgent, shared_agent: SharedAgent, canary: bytearray
) -> None:
    """The agent was away for a moment: half a minute later the same permit signs in."""
    agent.command("die")
    assert tile("serialize", 0)["response"] == NOT_FINISHED
    shared_agent.ready().has_permit(PERMIT, canary)
    assert tile("count", 0)["count"] == 0
    tile("windows", "clock", 30_000)
    assert take(tile)["response"] == RETURN_CREDENTIAL
    tile("unpack", 0)


def test_an_agent_that_dies_before_the_report_is_survived(tile: LogonScreen, agent: FakeAgent) -> None:
    """Windows has its credential; the refusal stops everything all the same."""
    assert tile("serialize", 0)["response"] == RETURN_CREDENTIAL
    tile("unpack", 0)
    agent.command("die")
    said = tile("report", 0, 0xC000006D, 0)
    assert "Windows refused" in said["status_text"]
    assert said["microseconds"] < 1_000_000 + SLACK


@pytest.mark.parametrize("data", [b"", FRAME[:9]])
def test_a_report_that_nobody_confirms_ends_in_time(tile: LogonScreen, agent: FakeAgent, data: bytes) -> None:
    """The logon screen stands still for a second at most."""
    tile("serialize", 0)
    tile("unpack", 0)
    agent.on("report", data)
    assert tile("report", 0, 0, 0)["microseconds"] < 1_000_000 + SLACK


@pytest.mark.parametrize("what", ["lsa_fails", "protect_fails"])
def test_a_windows_that_refuses_to_pack_gets_nothing(tile: LogonScreen, agent: FakeAgent, what: str) -> None:
    """Without LSA's package the permit is not even redeemed; no password goes out unprotected."""
    tile("windows", what, 1)
    said = tile("serialize", 0)
    assert (said["response"], said["size"]) == (NOT_FINISHED, 0)
    assert said_by(agent) == ([] if what == "lsa_fails" else [Redeem(permit="T-1")])


# --- the agent lies without end


def test_new_permits_without_end_do_not_submit_without_end(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """Windows refuses each: one attempt in a quarter of an hour."""
    screen.begin(users=USERS)
    attempts = 0
    for number in range(20):
        agent.has_permit(msgspec.structs.replace(PERMIT, permit=f"T-{number}"), canary)
        if screen("count", 0)["count"] == 0:
            continue
        attempts += 1
        assert take(screen)["response"] == RETURN_CREDENTIAL
        screen("unpack", 0)
        screen("report", 0, 0xC000006D, 0xC000006A)
    assert attempts == 1


# --- another process poses as the agent


@pytest.mark.parametrize("beside_the_service", [False, True])
def test_a_pipe_of_another_process_is_not_spoken_to(
    no_agent: None, screen: LogonScreen, pc: BarePC, canary: bytearray, *, beside_the_service: bool
) -> None:
    """The server's process must be the service's; otherwise not one byte is sent."""

    def speak() -> None:
        with FakeAgent(pc, service=False) as impostor:
            impostor.has_permit(PERMIT, canary)
            screen.begin(users=USERS)
            assert screen("changed", 0, 600)["calls"] == 0
            assert screen("count", 0)["count"] == 0
            assert impostor.requests() == []

    if beside_the_service:
        with FakeAgent(pc, listening=False):
            speak()
    else:
        speak()


# --- LogonUI calls in odd ways


def test_a_provider_that_is_not_prepared_shows_nothing(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """Without a usage scenario, without users, without being advised."""
    agent.has_permit(PERMIT, canary)
    screen("create", 0)
    assert screen("count", 0)["count"] == 0
    screen("users", 0, SID, r"PC\ada")
    assert screen("count", 0)["count"] == 0
    screen("use", 0, LOGON)
    assert screen.tile()["count"] == 1
    screen("at", 0, 0)
    assert screen("serialize", 0)["response"] == RETURN_CREDENTIAL
    screen("unpack", 0)
    screen("report", 0, 0xC000006D, 0)


def test_results_without_a_place_are_refused(tile: LogonScreen) -> None:
    """A null pointer is answered with an error, never followed."""
    assert tile("no_places", 0)["refused"] == 12


def test_a_provider_released_in_the_middle_leaves_nothing(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """While its thread waits for an agent that is silent; without UnAdvise; credential kept longer than provider."""
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    screen.tile()
    screen("at", 0, 0)
    agent.on("peek", b"")
    screen.begin(users=USERS, slot=1)
    screen.send("release", 1)
    assert screen.answer()["kept_events"] == 0
    screen("create", 0)
    assert screen("serialize", 0)["response"] == RETURN_CREDENTIAL
    screen("unpack", 0)
    screen("release", 0)
    unloaded_within(screen, 10)


def test_unadvise_waits_for_a_call_under_way_but_not_for_long(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """LogonUI may be slow to take a note; after UnAdvise it is not called."""
    screen("slow_events", 0, 700)
    agent.has_permit(PERMIT, canary)
    screen.begin(users=USERS)
    eventually(lambda: Peek() in agent.requests(), "the provider's question", 20)
    started = time.monotonic()
    screen("unadvise", 0)
    assert time.monotonic() - started < 0.25 + SLACK / 1e6
    calls = screen("changed", 0, 1500)["calls"]
    assert calls <= 1
    assert screen("changed", 0, 1000)["calls"] == calls


def test_short_memory_is_survived_wherever_it_strikes(
    screen: LogonScreen, agent: FakeAgent, canary: bytearray
) -> None:
    """The first, the second, ... allocation fails, until none does: no tile or no credential, never a crash."""
    signed_in = []
    for number in range(1, 60):
        agent.has_permit(msgspec.structs.replace(PERMIT, permit=f"T-{number}"), canary)
        screen("windows", "clock", 30_000)
        screen("create", 0)
        screen("windows", "fail_at", number)
        signed_in.append(whole_logon(screen))
        left = screen("windows", "fail_at", 0)["left"]
        screen("release", 0)
        if left > 0:
            break
    assert signed_in[-1]
    assert not all(signed_in)
    assert number > 10
    unloaded_within(screen, 10)


def whole_logon(screen: LogonScreen) -> bool:
    """Play a whole logon of LogonUI; return whether there was a credential."""
    screen("use", 0, LOGON)
    screen("users", 0, SID, r"PC\ada")
    screen("advise", 0)
    for index in range(4):
        screen("descriptor", 0, index)
    good = False
    if screen.tile()["count"] == 1 and screen("at", 0, 0)["hr"] == S_OK:
        for index in range(4):
            screen("field", 0, index)
        screen("sid", 0)
        good = screen("serialize", 0)["response"] == RETURN_CREDENTIAL
        screen("unpack", 0)
        screen("report", 0, 0, 0)
    screen("unadvise", 0)
    return good


def test_only_what_was_redeemed_is_reported(tile: LogonScreen, agent: FakeAgent) -> None:
    """LogonUI reports to the selected tile, also if another one submitted."""
    tile("report", 0, 0xC000006D, 0)
    assert [request for request in agent.requests() if isinstance(request, ReportResult)] == []
    assert tile.tile()["count"] == 1
