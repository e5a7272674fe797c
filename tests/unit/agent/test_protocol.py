# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be said to the agent: strict, bounded, plain text; who may say it."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from latchkey_agent.core.settings import SettingsError, SettingsFile
from latchkey_agent.protocol import PROTOCOL_VERSION, codec
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import CUSTOMER, LOGON, OPERATOR


def said(text: str, field: str = "session") -> bytes:
    """Return a session request with this text."""
    return json.dumps({"verb": "session_start", "session": "CHG-1", "reason": "x", field: text}).encode()


@pytest.mark.parametrize("field", ["session", "reason", "ticket"])
@pytest.mark.parametrize(
    "text",
    [
        "CHG-1\n",
        "CHG\n1",
        "CHG\r1",
        "CHG\t1",
        "\x00",
        "a\x1b[31m",
        "a\x7f",
        "a\x9b31m",
        "a\x85b",
        "a\u2028b",
        "a\u202egpj.exe",
        "a\u2066b",
        "a\u200bb",
        "\ufeffa",
    ],
)
def test_text_that_a_customer_reads_is_plain(field: str, text: str) -> None:
    """No control, no line end (not even the last), nothing that hides text or turns its direction."""
    with pytest.raises(codec.ProtocolError):
        codec.decode_control(said(text, field))


@pytest.mark.parametrize(
    "text",
    ["CHG-4711", "Zürich", "日本", 'quo"te', "back\\slash", "per%cent", "💻", "a" * 128, "{braces}", "<b>"],
)
def test_awkward_names_are_names(bench: Bench, text: str) -> None:
    """They open a session, are found again, and end it."""
    for request in (
        rq.SessionStart(session=text, reason="x"),
        rq.SessionStart(session=text, reason="x"),
        rq.SessionEnd(session=text),
    ):
        assert bench.ask(request).outcome == "done"


@pytest.mark.parametrize("text", ["", " ", "\u3000", "a" * 129])
def test_a_name_has_something_to_see_and_an_end(text: str) -> None:
    """Nothing, only space, or more than 128 letters is none."""
    with pytest.raises(codec.ProtocolError):
        codec.decode_control(said(text))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"verb":"info"} trailing',
        b'{"verb":"info","unknown":1}',
        b'{"verb":"info","check":"yes"}',
        b'{"verb":7}',
        b'{"protocol":"1","verb":"info"}',
        b'{"verb":"session_end","session":"\xff"}',
        b'{"verb":"session_end","session":"\\ud800"}',
        b"[" * 60_000,
    ],
)
def test_nonsense_is_told_so_and_the_agent_goes_on(bench: Bench, body: bytes) -> None:
    """On every pipe."""
    answer = msgspec.json.decode(bench.agent.control(body, OPERATOR), type=ans.Answer)
    assert isinstance(answer.error, ans.ErrorView)
    assert answer.error.code == "bad_message"
    told = msgspec.json.decode(bench.agent.customer(body, bytearray(), CUSTOMER), type=cm.CustomerAnswer)
    assert told.error is not None
    assert told.error.code == "bad_message"
    assert bench.ask(rq.Info()).outcome == "done"


def test_the_version_is_looked_at_first(bench: Bench) -> None:
    """Of another version not even the verb is known."""
    body = json.dumps({"verb": "fly", "protocol": PROTOCOL_VERSION + 1}).encode()
    answer = msgspec.json.decode(bench.agent.control(body, OPERATOR), type=ans.Answer)
    assert isinstance(answer.error, ans.ErrorView)
    assert answer.error.code == "protocol_mismatch"


def test_each_pipe_is_for_its_own(bench: Bench) -> None:
    """A customer asks for nothing, LogonUI answers for nobody, an operator does not answer as one."""
    assert bench.code(rq.Info(), CUSTOMER) == "not_permitted"
    assert bench.code(rq.Info(), LOGON) == "not_permitted"
    assert bench.customer_code(cm.CustomerWatch(), peer=LOGON) == "not_permitted"
    assert bench.customer(cm.CustomerWatch(), peer=OPERATOR).snapshot == cm.CustomerSnapshot(
        version=bench.state.version
    )


def test_one_line_is_ascii() -> None:
    """Whatever the code page of the console."""
    line = codec.encode_line(codec.done(ans.JournalAnswer(events=0, head="€", intact=True), changed=False))
    assert line.isascii()
    assert line.endswith(b"}\n")
    assert codec.decode_answer(line).result == {"events": 0, "head": "€", "intact": True}


def test_windows_answer_to_a_logon_is_a_sentence(bench: Bench, canary: bytearray) -> None:
    """The more exact of the two codes; an unknown one as its numbers."""
    sentences = []
    for status, substatus in ((0xC000006E, 0xC0000072), (0xC000006D, 0), (0xC0000001, 5)):
        bench.world.signed_in = []
        permit = bench.waiting(canary)
        bench.redeem()
        bench.report(permit, status, substatus)
        use = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))["use"]
        sentences.append(use["error"]["message"].split("(")[1].split(")")[0])
    assert sentences == [
        "the account is disabled",
        "the user name or password is wrong",
        "Windows answered 0xC0000001, 0x00000005",
    ]


# --- settings ------------------------------------------------------------------------------------


def test_settings_are_read_again_when_they_change(place: Path) -> None:
    """Also back to what they were, and to nothing: then the defaults hold."""
    file = SettingsFile(place / "settings.toml")
    assert file.current().policy.max_restarts == 10
    (place / "settings.toml").write_text("[policy]\nmax_restarts = 3\n")
    assert file.current().policy.max_restarts == 3
    (place / "settings.toml").write_text("[policy]\nmax_restarts = 33333333\n")
    for _ in range(2):
        with pytest.raises(SettingsError):
            file.current()
    (place / "settings.toml").unlink()
    assert file.current().policy.max_restarts == 10


def test_a_wrong_setting_is_named(place: Path) -> None:
    """Which key, and what is wrong with it."""
    (place / "settings.toml").write_text("[policy]\nmax_restarts = -1\n")
    with pytest.raises(SettingsError, match=r"Expected `int` >= 0 - at `\$.policy.max_restarts`"):
        SettingsFile(place / "settings.toml").current()


def test_a_file_that_cannot_be_read_is_no_default(place: Path) -> None:
    """It is there, so it counts: nothing is lent until it can be read."""
    (place / "settings.toml").mkdir()
    with pytest.raises(SettingsError, match=r"settings\.toml cannot be read"):
        SettingsFile(place / "settings.toml").current()


def test_a_wrong_file_keeps_no_memory_of_who_asked(place: Path) -> None:
    """Each refusal is raised anew: a kept one would hold the frames of all who met it."""
    (place / "settings.toml").write_text("nonsense")
    file, met = SettingsFile(place / "settings.toml"), []
    for _ in range(3):
        with pytest.raises(SettingsError) as caught:
            file.current()
        met.append(caught.value)
    assert len({id(error) for error in met}) == 3
