# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's messages: strict, bounded, in plain text, and accepted only from the right peer."""

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


def session_request(text: str, field: str = "session") -> bytes:
    """Return a session request with this text in one field."""
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
def test_hidden_characters_are_refused(field: str, text: str) -> None:
    """A control character, a line end or an invisible or direction-changing character is refused."""
    with pytest.raises(codec.ProtocolError):
        codec.decode_control(session_request(text, field))


@pytest.mark.parametrize(
    "text",
    ["CHG-4711", "Zürich", "日本", 'quo"te', "back\\slash", "per%cent", "a" * 80, "{braces}", "<b>"],
)
def test_a_session_may_have_any_printable_name(bench: Bench, text: str) -> None:
    """A session with any printable name starts, is found again and ends."""
    for request in (
        rq.SessionStart(session=text, reason="x"),
        rq.SessionStart(session=text, reason="x"),
        rq.SessionEnd(session=text),
    ):
        assert bench.ask(request).outcome == "done"


@pytest.mark.parametrize("text", ["", " ", "\u3000", "a" * 81])
def test_a_name_is_visible_and_bounded(text: str) -> None:
    """An empty name, a blank name and a name over 80 characters are refused."""
    with pytest.raises(codec.ProtocolError):
        codec.decode_control(session_request(text))


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
def test_an_invalid_message_is_refused_on_every_pipe(bench: Bench, body: bytes) -> None:
    """Each pipe refuses an invalid message, and the agent keeps working."""
    answer = msgspec.json.decode(bench.agent.control(body, OPERATOR), type=ans.Answer)
    assert isinstance(answer.error, ans.ErrorView)
    assert answer.error.code == "bad_message"
    customer = msgspec.json.decode(bench.agent.customer(body, bytearray(), CUSTOMER), type=cm.CustomerAnswer)
    assert customer.error is not None
    assert customer.error.code == "bad_message"
    assert bench.ask(rq.Info()).outcome == "done"


def test_the_version_is_checked_first(bench: Bench) -> None:
    """The protocol version is checked before the verb."""
    body = json.dumps({"verb": "fly", "protocol": PROTOCOL_VERSION + 1}).encode()
    answer = msgspec.json.decode(bench.agent.control(body, OPERATOR), type=ans.Answer)
    assert isinstance(answer.error, ans.ErrorView)
    assert answer.error.code == "protocol_mismatch"


def test_each_pipe_serves_its_own_peers(bench: Bench) -> None:
    """Each pipe serves only its own kind of peer."""
    assert bench.code(rq.Info(), CUSTOMER) == "not_permitted"
    assert bench.code(rq.Info(), LOGON) == "not_permitted"
    assert bench.customer_code(cm.CustomerWatch(), peer=LOGON) == "not_permitted"
    assert bench.customer(cm.CustomerWatch(), peer=OPERATOR).snapshot == cm.CustomerSnapshot(
        version=bench.state.version
    )


def test_one_line_is_ascii() -> None:
    """The answer line is ASCII, whatever the code page of the console."""
    line = codec.encode_line(codec.done(ans.JournalAnswer(events=0, head="€", intact=True), changed=False))
    assert line.isascii()
    assert line.endswith(b"}\n")
    assert codec.decode_answer(line).result == {"events": 0, "head": "€", "intact": True}


def test_a_refused_logon_is_explained(bench: Bench, canary: bytearray) -> None:
    """The message explains the more exact of the two codes and shows unknown codes as numbers."""
    sentences = []
    for status, substatus in ((0xC000006E, 0xC0000072), (0xC000006D, 0), (0xC0000001, 5)):
        bench.world.signed_in = []
        permit = bench.at_logon_screen(canary)
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
    """Each change of the settings file takes effect."""
    file = SettingsFile(place / "settings.toml")
    assert file.current().policy.max_restarts == 10
    (place / "settings.toml").write_text("[policy]\nmax_restarts = 3\n")
    assert file.current().policy.max_restarts == 3
    (place / "settings.toml").write_text("[policy]\nmax_restarts = 33333333\n")
    for _ in range(2):
        with pytest.raises(SettingsError):
            file.current()
    (place / "settings.toml").write_text("")
    assert file.current().policy.max_restarts == 10


def test_a_wrong_setting_is_named(place: Path) -> None:
    """The error names the wrong key and the expected value."""
    (place / "settings.toml").write_text("[policy]\nmax_restarts = -1\n")
    with pytest.raises(SettingsError, match=r"Expected `int` >= 0 - at `\$.policy.max_restarts`"):
        SettingsFile(place / "settings.toml").current()


def test_an_unreadable_settings_file_does_not_mean_defaults(place: Path) -> None:
    """An unreadable settings file raises an error instead of using the defaults."""
    (place / "settings.toml").mkdir()
    with pytest.raises(SettingsError, match=r"settings\.toml cannot be read"):
        SettingsFile(place / "settings.toml").current()


def test_each_refusal_is_a_new_exception(place: Path) -> None:
    """Each refusal is a new exception.

    A cached exception would keep the stack frames of every caller alive.
    """
    (place / "settings.toml").write_text("nonsense")
    file, met = SettingsFile(place / "settings.toml"), []
    for _ in range(3):
        with pytest.raises(SettingsError) as caught:
            file.current()
        met.append(caught.value)
    assert len({id(error) for error in met}) == 3
