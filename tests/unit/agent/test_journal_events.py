# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent tells operators about answers and ends: each event once, in order, from a place of the journal."""

from __future__ import annotations

import importlib
from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage import journal
from tests.unit.agent.bench import Bench
from tests.unit.agent.test_rules_asking import decline
from tests.unit.agent.test_rules_copies import Copy
from tests.unit.agent.world import OPERATOR

BEGINNING = rq.Events(position=0)
FIELDS = {"id", "position", "at", "event", "session", "request", "grant", "reason"}


def place(answer: dict[str, Any]) -> rq.Events:
    """Return the request that goes on from an answer."""
    return rq.Events(position=answer["position"], mark=answer.get("mark"))


def told(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the kinds and reasons of an answer's events."""
    return [(event["event"], event.get("reason", "")) for event in answer.get("events", [])]


def test_a_grant_and_its_end_are_told_once_and_in_order(bench: Bench, canary: bytearray) -> None:
    """Each answer goes on where the last one ended, and names session, request and grant."""
    start = bench.result(rq.Events())
    grant = bench.lend(canary)
    first = bench.result(place(start))
    bench.revoke()
    second = bench.result(place(first))
    third = bench.result(place(second))

    assert (told(first), told(second), told(third)) == ([("granted", "")], [("revoked", "customer")], [])
    event = first["events"][0]
    request = bench.state.grants[grant].request
    assert (event["session"], event["grant"], event["request"]) == ("CHG-1", grant, request)
    whole = bench.result(BEGINNING)["events"]
    assert whole == [*first["events"], *second["events"]]
    assert "more" not in third


@pytest.mark.parametrize(
    ("how", "kind"),
    [({"why": "Anna says no"}, "denied"), ({"report": True, "why": "Anna is afraid"}, "reported")],
)
def test_a_no_is_told_without_the_customers_words(bench: Bench, how: dict[str, Any], kind: str) -> None:
    """An event has ids and a session's name; no account, and no words of the customer."""
    bench.start_session()
    request = bench.request()
    decline(bench, request, **how)
    event = bench.result(BEGINNING)["events"][0]
    assert (event["event"], event["request"], event["session"]) == (kind, request, "CHG-1")
    assert set(event) <= FIELDS
    assert "anna" not in str(event).lower()


@pytest.mark.parametrize("ended", ["withdrawn", "expired"])
def test_a_request_without_an_answer_is_no_event(bench: Bench, ended: str) -> None:
    """A request that expires or that the operator withdraws is no event: the job that waits for it reports it."""
    bench.start_session()
    request = bench.request(answer_within=60.0)
    if ended == "withdrawn":
        bench.ask(rq.RequestWithdraw(session="CHG-1", request=request))
    else:
        bench.world.now += timedelta(minutes=2)
        bench.request()
    assert bench.state.requests[request].state == ended
    assert told(bench.result(BEGINNING)) == []


def test_each_other_end_has_its_reason(bench: Bench, canary: bytearray) -> None:
    """The end of a session, the operator and a lost key are told apart."""
    bench.lend(canary)
    bench.result(rq.SessionEnd(session="CHG-1"))
    bench.lend(canary, session="CHG-2")
    bench.result(rq.CredentialRevoke(session="CHG-2"))
    bench.lend(canary, session="CHG-3")
    bench.kill()
    (bench.folder / "keys.slots").unlink()
    bench.start()
    bench.effects()
    kinds = told(bench.result(BEGINNING))
    assert kinds[:6] == [
        ("granted", ""), ("ended", "session_ended"), ("granted", ""), ("revoked", "operator"), ("granted", ""),
        ("rejected", "record_unreadable"),
    ]  # fmt: skip
    assert ("erasure_failed", "lost") in kinds[6:]


def test_the_events_of_one_session(bench: Bench, canary: bytearray) -> None:
    """An operator of one ticket reads the events of that session only."""
    bench.lend(canary)
    bench.lend(canary, session="CHG-2")
    events = bench.result(rq.Events(position=0, session="CHG-2"))["events"]
    assert [event["session"] for event in events] == ["CHG-2"]


def test_an_ended_session_keeps_its_name(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after the rules need it no longer, an event names its session."""
    bench.lend(canary)
    bench.result(rq.SessionEnd(session="CHG-1"))
    rules = importlib.import_module("latchkey_agent.domain.evolve")
    monkeypatch.setattr(rules, "KEPT_SESSIONS", 0)
    monkeypatch.setattr(rules, "AT_ONCE", 1)
    bench.start_session("CHG-2")
    assert [session.name for session in bench.state.sessions.values()] == ["CHG-2"]
    events = bench.result(BEGINNING)["events"]
    assert [event["session"] for event in events] == ["CHG-1", "CHG-1"]
    assert len({event["request"] for event in events}) == 1


def test_a_long_journal_is_read_in_portions(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each answer says whether there is more; together they have each event once."""
    bench.lend(canary)
    bench.revoke()
    monkeypatch.setattr(journal, "_PORTION", 2)
    answers = [bench.result(BEGINNING)]
    while answers[-1].get("more"):
        answers.append(bench.result(place(answers[-1])))
    assert len(answers) > 2
    assert [kind for answer in answers for kind, _ in told(answer)] == ["granted", "revoked"]


def test_a_journal_that_was_begun_anew_is_noticed(bench: Bench, canary: bytearray) -> None:
    """A place of another journal is not known, also where the new one has an event of that number."""
    bench.lend(canary)
    before = bench.result(BEGINNING)
    bench.database.execute("UPDATE events SET hash = zeroblob(32) WHERE seq = 2")
    bench.crash()
    assert bench.code(place(before)) == "journal_damaged"
    bench.result(rq.JournalReset())
    for number in range(before["position"]):
        bench.start_session(f"CHG-9{number}")
    after = bench.result(place(before))
    assert (after.get("known"), told(after)) == (False, [])
    assert bench.result(place(after))["known"]


def test_a_restored_copy_that_went_on_differently_is_noticed(bench: Bench, canary: bytearray) -> None:
    """The same number is another event then; the last common place is still known."""
    common = bench.result(BEGINNING)
    copy = Copy(bench, slots=True)
    bench.lend(canary)
    lost = bench.result(BEGINNING)
    bench.stop()
    bench.world.reboot()
    copy.restore(bench)
    bench.start()
    for number in range(lost["position"]):
        bench.start_session(f"CHG-9{number}")
    assert not bench.result(place(lost))["known"]
    assert bench.result(place(common))["known"]


@pytest.mark.parametrize("request_", [b'{"verb":"events","position":3}', b'{"verb":"events","mark":"00"}'])
def test_half_a_place_is_refused(bench: Bench, request_: bytes) -> None:
    """A number without its mark could be another journal's."""
    assert b"bad_message" in bench.agent.control(request_, OPERATOR)
