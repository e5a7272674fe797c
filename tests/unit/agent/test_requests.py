# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions and requests: what may be opened, asked and answered, beyond the rules that always hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.decide import next_deadline
from latchkey_agent.domain.transitions import GrantState, RequestState
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN, OTHER, START

NOTHING = b""


def start(**fields: Any) -> rq.SessionStart:
    """Return a request for a session."""
    return rq.SessionStart(session="CHG-1", **({"reason": "Updates"} | fields))


# --- sessions ------------------------------------------------------------------------------------


def test_a_session_is_open_until_its_end_and_the_policys_at_most(bench: Bench) -> None:
    """Asked for a week, a day is what the policy allows; asked for less, it is less."""
    week = bench.result(start(ends="2026-11-30T18:00"))["session"]
    assert week["ends_at"] == "2026-11-24T18:00:00.000+01:00"
    night = bench.result(rq.SessionStart(session="CHG-2", reason="Updates", ends="05:30"))["session"]
    assert night["ends_at"] == "2026-11-24T05:30:00.000+01:00"


def test_a_session_that_is_over_before_it_begins_is_refused(bench: Bench) -> None:
    """An end in the past opens nothing."""
    assert bench.code(start(ends="2026-11-23T17:00")) == "bad_time"
    assert not bench.state.sessions


def test_a_policy_may_want_a_ticket(place: Path) -> None:
    """Without one the session is refused, with one it is opened."""
    (place / "strict").mkdir()
    strict = Bench(place / "strict", policy="require_ticket = true")
    assert strict.code(start()) == "policy_refuses"
    assert strict.code(start(ticket=" ")) == "policy_refuses"
    assert strict.result(start(ticket="CHG-1"))
    strict.stop()


def test_an_open_session_is_found_by_its_name(bench: Bench) -> None:
    """For the same purpose, or without saying it again; not for another ticket."""
    first = bench.result(start(ticket="T-1"))["session"]["id"]
    assert bench.result(start(ticket="T-1"))["session"]["id"] == first
    assert bench.result(rq.SessionStart(session="CHG-1"))["session"]["id"] == first
    assert bench.code(start(ticket="T-2")) == "session_in_use"


def test_a_name_may_be_used_again_after_the_end(bench: Bench) -> None:
    """The new session is another one, and the old one is forgotten once it is erased."""
    first = bench.result(start())["session"]["id"]
    bench.ask(rq.SessionEnd(session="CHG-1"))
    second = bench.result(start(reason="Another"))["session"]["id"]
    assert second != first
    assert list(bench.state.sessions) == [second]


def test_a_session_may_be_ended_twice(bench: Bench) -> None:
    """The second time says what the first one said, and changes nothing."""
    bench.open()
    assert bench.ask(rq.SessionEnd(session="CHG-1")).changed
    again = bench.ask(rq.SessionEnd(session="CHG-1"))
    assert (again.outcome, again.changed) == ("done", False)


def test_of_closed_sessions_the_last_ones_are_remembered(bench: Bench) -> None:
    """The state does not grow with the years; the journal keeps all."""
    for number in range(45):
        bench.result(rq.SessionStart(session=f"CHG-{number}", reason="Updates"))
        bench.ask(rq.SessionEnd(session=f"CHG-{number}"))
    assert 32 <= len(bench.state.sessions) <= 32 + 8
    assert [s.name for s in bench.state.sessions.values()][-1] == "CHG-44"
    assert bench.events().count("session_started") == 45


def test_check_mode_opens_nothing(bench: Bench) -> None:
    """It answers as if, and changes nothing."""
    answer = bench.ask(rq.SessionStart(session="CHG-1", reason="Updates", check=True))
    assert answer.changed
    assert not bench.state.sessions


# --- checkpoints ---------------------------------------------------------------------------------


def test_a_checkpoint_tells_what_was_known_before(bench: Bench) -> None:
    """Set, told, set again without a change, and taken away."""

    def mark(state: str | None) -> ans.Answer:
        return bench.ask(rq.Checkpoint(session="CHG-1", step="one", state=state))  # type: ignore[arg-type]

    bench.open()
    assert mark("started").changed
    before = bench.result(rq.Checkpoint(session="CHG-1", step="one"))
    assert before["before"]["state"] == "started"
    assert not mark("started").changed
    assert mark("done").changed
    assert mark("absent").changed
    assert not mark("absent").changed
    assert bench.result(rq.Checkpoint(session="CHG-1", step="one")).get("checkpoints") is None


# --- requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"restarts": 11}, "policy_refuses"),
        ({"unlocks": 11}, "policy_refuses"),
        ({"restarts": 1, "foreign_restarts": True}, "policy_refuses"),
        ({"restarts": 1, "answer_by": "2026-11-23T17:00"}, "bad_time"),
    ],
)
def test_what_the_policy_does_not_allow_is_not_asked(
    bench: Bench, terms: dict[str, object], code: str
) -> None:
    """The customer never sees it."""
    bench.settings.write_text("[policy]\nallow_foreign_restarts = false\n")
    bench.open()
    assert bench.code(rq.CredentialRequest(session="CHG-1", **terms)) == code  # type: ignore[arg-type]
    assert not bench.state.requests


def test_a_grant_that_covers_it_asks_nobody(bench: Bench, canary: bytearray) -> None:
    """At least these terms are lent already."""
    grant = bench.lend(canary)
    answer = bench.ask(rq.CredentialRequest(session="CHG-1", restarts=1))
    assert isinstance(answer.result, dict)
    assert (answer.changed, answer.result["grant"]["id"]) == (False, grant)
    assert len(bench.state.requests) == 1


def test_another_question_takes_the_open_one_back(bench: Bench) -> None:
    """Only one window at a time for one session and account."""
    bench.open()
    first = bench.request()
    second = bench.request(restarts=3)
    states = {r.id: r.state for r in bench.state.requests.values()}
    assert states == {first: RequestState.WITHDRAWN, second: RequestState.PENDING}


def test_a_new_grant_takes_the_place_of_the_old_one(bench: Bench, canary: bytearray) -> None:
    """More was asked for and lent: the old one is erased."""
    old = bench.lend(canary)
    new = bench.lend(canary, restarts=3)
    assert bench.state.grants[old].ended is GrantState.REPLACED
    assert bench.sealed() == {new}


def test_each_account_is_asked_for_itself(bench: Bench, canary: bytearray) -> None:
    """Two grants of one session: where the newer one is over, the older one serves."""
    bench.lend(canary)
    bench.world.set_password(BEN, canary)
    request = bench.request(account="ben")
    bench.customer(cm.RequestShown(request=request, text_sha256="0" * 64), peer=OTHER)
    allow = cm.RequestAllow(request=request, entered="ben")
    assert bench.customer(allow, canary, OTHER).done
    bench.customer(cm.GrantRevoke(), peer=OTHER)
    permit = bench.restart()
    assert bench.state.permits[permit].account == ANNA


def test_the_account_may_be_named(bench: Bench) -> None:
    """Whoever sits there."""
    bench.open()
    request = bench.request(account="ben")
    assert bench.state.requests[request].account == BEN


def test_nobody_answers_for_another_account(bench: Bench) -> None:
    """Another's request does not exist for one."""
    bench.open()
    request = bench.request()
    for answer in (
        cm.RequestShown(request=request, text_sha256="0" * 64),
        cm.RequestDecline(request=request),
        cm.RequestLater(request=request),
        cm.RequestAllow(request=request, entered="anna"),
    ):
        assert bench.customer_code(answer, NOTHING, OTHER) == "no_request"


def test_showing_it_twice_is_no_news(bench: Bench) -> None:
    """Another start of the companion shows it again; the first time stays."""
    bench.open()
    request = bench.request()
    bench.show(request)
    version = bench.state.version
    bench.show(request)
    assert bench.state.version == version


def test_later_comes_back(bench: Bench) -> None:
    """After the pause the window is asked for again, and the customer called; the operator reads when."""
    bench.open()
    request = bench.request()
    bench.show(request)
    bench.customer(cm.RequestLater(request=request, seconds=600.0))
    waits = bench.result(rq.RequestWait(session="CHG-1", request=request))["request"]["waiting_for"]
    assert "18:10" in waits
    assert next_deadline(bench.state) == START + timedelta(minutes=10)
    bench.world.now += timedelta(minutes=10)
    bench.wake()
    assert bench.state.requests[request].state is RequestState.PENDING


def test_later_is_never_after_the_last_moment(bench: Bench) -> None:
    """A request that has ten minutes left does not come back tomorrow."""
    bench.open()
    request = bench.request(answer_within=600.0)
    bench.show(request)
    bench.customer(cm.RequestLater(request=request, seconds=86_400.0))
    assert bench.state.requests[request].later_until == START + timedelta(minutes=10)


@pytest.mark.parametrize(
    ("refusal", "left"),
    [
        (LogonRefusal.WRONG_PASSWORD, 1),
        (LogonRefusal.LOOKS_LIKE_PIN, 1),
        (LogonRefusal.LOCKED_OUT, 0),
        (LogonRefusal.PASSWORD_EXPIRED, 0),
        (LogonRefusal.OTHER, 0),
    ],
)
def test_another_try_only_where_it_may_help(
    bench: Bench, canary: bytearray, refusal: LogonRefusal, left: int
) -> None:
    """A locked account is not tried again."""
    request = bench.shown(canary)
    bench.world.answers = [refusal]
    assert bench.allow(request, canary).tries_left == left


def test_while_an_entry_is_judged_the_tries_stay_as_they_are(bench: Bench, canary: bytearray) -> None:
    """The window does not flicker: what is counted before the check shows when it is refused."""
    request = bench.shown(canary)
    shown = []
    accounts = bench.agent.core.computer.accounts
    check = accounts.check

    def looking(account: object, password: bytearray) -> LogonRefusal | None:
        snapshot = bench.customer(cm.CustomerWatch()).snapshot
        assert snapshot is not None
        shown.append(snapshot.asked[0].tries_left)
        return check(account, password)  # type: ignore[arg-type]

    accounts.check = looking  # type: ignore[method-assign]
    bench.allow(request, b"wrong")
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert (shown, snapshot.asked[0].tries_left) == ([2], 1)


def test_a_fault_of_the_check_leaves_another_try(bench: Bench, canary: bytearray) -> None:
    """The customer reads that it was the PC; the operator, after the second time, too."""
    request = bench.shown(canary)
    bench.world.broken.add("accounts")
    assert bench.allow(request, canary).error is not None
    bench.world.broken.clear()
    assert bench.allow(request, canary).done


def test_what_nothing_waits_for_has_no_deadline(bench: Bench) -> None:
    """An idle agent sleeps."""
    assert next_deadline(bench.state) is None


def test_the_next_deadline_is_the_nearest(bench: Bench, canary: bytearray) -> None:
    """Of session, grant, request, permit and desktop."""
    bench.lend(canary, unlocks=1, not_after="23:00")
    assert next_deadline(bench.state) == START.replace(hour=23)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock(within=60.0, relock_after=300.0)
    assert next_deadline(bench.state) == START + timedelta(seconds=60)
    bench.redeem()
    assert next_deadline(bench.state) == START + timedelta(seconds=120)
    bench.report(next(iter(bench.state.permits)))
    assert next_deadline(bench.state) == START + timedelta(seconds=300)
    bench.request(restarts=5, answer_within=30.0)
    assert next_deadline(bench.state) == START + timedelta(seconds=30)
