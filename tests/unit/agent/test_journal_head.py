# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal's signed head leaves the PC, and a PC whose journal lacks a known head refuses its caller."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.fields import SeenHead
from latchkey_agent.storage import ssh_signature
from latchkey_agent.storage.signed_json import JOURNAL, canonical_json
from tests.unit.agent.bench import Bench
from tests.unit.agent.test_rules_copies import restored
from tests.unit.agent.world import OPERATOR


def head_of(result: dict[str, Any]) -> dict[str, Any]:
    """Return the journal's head in an answer after checking its signature."""
    head: dict[str, Any] = result["journal_head"]
    document = {name: head[name] for name in ("device", "position", "hash", "at")}
    signed = canonical_json({"schema_version": "latchkey-journal-1", **document})
    key = ssh_signature.verify(head["signature"], JOURNAL, signed)
    assert ssh_signature.public_line(key) == head["public_key"]
    return head


def seen_in(head: dict[str, Any]) -> SeenHead:
    """Return a head as a caller sends it the next time."""
    return SeenHead(position=head["position"], hash=head["hash"], at=head["at"])


def test_the_signed_head_leaves_the_pc_with_start_status_and_end(bench: Bench) -> None:
    """Start, status and end carry the journal's signed head; each later one is the same or further on."""
    started = head_of(bench.result(rq.SessionStart(session="CHG-1", reason="Updates")))
    status = head_of(bench.result(rq.Info(seen=seen_in(started))))
    ended = head_of(bench.result(rq.SessionEnd(session="CHG-1")))
    assert started["position"] <= status["position"] < ended["position"]
    end = bench.agent.core.head()
    assert (ended["position"], ended["hash"]) == (end.seq, end.hash.hex())
    assert bench.result(rq.DeviceKey())["public_key"] == ended["public_key"]


def test_a_stopped_start_carries_the_head_too(bench: Bench) -> None:
    """A start that the forecast stops carries the head, too."""
    bench.world.facts = bench.world.facts._replace(auto_logon=True)
    stopped = bench.result(rq.SessionStart(session="CHG-1", reason="Updates", forecast="stop"))
    assert "session" not in stopped
    assert head_of(stopped)


def test_a_head_that_the_journal_does_not_contain_is_refused(bench: Bench) -> None:
    """A journal without a head that the caller knows starts nothing and shows nothing; the refusals are journalled."""
    bench.start_session()
    known = head_of(bench.result(rq.Info()))
    when = "2026-11-30T12:00:00+01:00"
    for unknown, words in (
        (SeenHead(position=known["position"], hash="0" * 64), f"entry {known['position']}, which it had; "),
        (SeenHead(position=known["position"] + 9, hash=known["hash"]), "which it had; "),
        (SeenHead(position=2**53, hash=known["hash"], at=when), f"which it had on {when}; "),
    ):
        sessions = bench.state.sessions
        for request in (
            rq.Info(seen=unknown),
            rq.SessionStart(session="CHG-2", reason="Updates", seen=unknown),
        ):
            answer = bench.ask(request)
            assert isinstance(answer.error, ans.ErrorView)
            assert (answer.outcome, answer.error.code) == ("refused", "journal_head_unknown")
            assert words in answer.error.message
            assert not answer.result
        assert bench.state.sessions == sessions
    assert bench.events().count("command_refused") == 2, "the same refusal once a minute"


def test_a_head_is_known_for_ever(bench: Bench) -> None:
    """Every head that left the PC stays known while the same journal goes on, also over a power cut."""
    bench.start_session()
    first = head_of(bench.result(rq.Info()))
    bench.result(rq.SessionEnd(session="CHG-1"))
    bench.power_cut()
    again = bench.result(rq.SessionStart(session="CHG-2", reason="Updates", seen=seen_in(first)))
    assert head_of(again)["position"] > first["position"]


@pytest.mark.parametrize("more", [0, 1, 5])
def test_a_restored_image_does_not_contain_the_last_head(bench: Bench, more: int) -> None:
    """A PC that is restored from an image lacks the head of later, also after it went on with as many events."""
    bench.start_session()
    heads: list[dict[str, Any]] = []

    def act(_bench: Bench) -> None:
        bench.result(rq.SessionEnd(session="CHG-1"))
        heads.append(head_of(bench.result(rq.Info())))

    restored(bench, act, slots=True, new_boot=True)
    for number in range(more):
        bench.result(rq.SessionStart(session=f"CHG-{number + 2}", reason="Updates"))
    assert bench.code(rq.Info(seen=seen_in(heads[0]))) == "journal_head_unknown"


def test_a_damaged_journal_has_no_head(bench: Bench) -> None:
    """The status of a PC with a damaged journal gives the problem, and no head."""
    bench.start_session()
    known = head_of(bench.result(rq.Info()))
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    status = bench.result(rq.Info(seen=seen_in(known)))
    assert not status["agent"]["ready"]
    assert "journal_head" not in status
    assert bench.code(rq.DeviceKey()) == "journal_damaged"
    assert bench.result(rq.JournalReset())
    assert bench.code(rq.Info(seen=seen_in(known))) == "journal_head_unknown"


@pytest.mark.parametrize(
    "seen",
    [
        {"position": 0, "hash": "0" * 64},
        {"position": 1, "hash": "0" * 63},
        {"position": 1, "hash": "G" * 64},
        {"position": 1, "hash": "0" * 64, "at": "yesterday"},
    ],
)
def test_what_is_no_head_is_refused(bench: Bench, seen: dict[str, Any]) -> None:
    """A place of another form is a message that the agent does not understand."""
    body = bench.agent.control(msgspec.json.encode({"verb": "info", "seen": seen}), OPERATOR)
    answer = msgspec.json.decode(body, type=ans.Answer)
    assert isinstance(answer.error, ans.ErrorView)
    assert answer.error.code == "bad_message"
