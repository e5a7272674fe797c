# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions and requests: what the agent accepts and answers beyond the rules that always hold."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.transitions import GrantState, RequestState
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN, OTHER, START

NOTHING = b""


def start(**fields: Any) -> rq.SessionStart:
    """Return a request that starts a session."""
    return rq.SessionStart(session="CHG-1", **({"reason": "Updates"} | fields))


# --- sessions ------------------------------------------------------------------------------------


def test_a_session_lasts_at_most_as_the_policy_allows(bench: Bench) -> None:
    """A session ends at the requested time; one that the policy does not allow is refused with the latest time."""
    error = bench.error(start(ends="2026-11-30T18:00"))
    assert error.code == "policy_refuses"
    assert "24 h at most, so this one would end by 2026-11-24T18:00+01:00" in error.message
    assert not bench.state.sessions
    night = bench.result(rq.SessionStart(session="CHG-2", reason="Updates", ends="05:30"))["session"]
    assert night["ends_at"] == "2026-11-24T05:30:00.000+01:00"


def test_an_end_in_the_past_starts_no_session(bench: Bench) -> None:
    """An end in the past starts no session."""
    assert bench.code(start(ends="2026-11-23T17:00")) == "bad_time"
    assert not bench.state.sessions


def test_a_policy_may_require_a_ticket(place: Path) -> None:
    """A policy that requires a ticket refuses a session without one."""
    (place / "strict").mkdir()
    strict = Bench(place / "strict", policy="require_ticket = true")
    assert strict.code(start()) == "policy_refuses"
    assert strict.result(start(ticket="CHG-1"))
    strict.stop()


def test_a_started_session_is_found_by_its_name(bench: Bench) -> None:
    """A started session is found by its name, unless the ticket differs."""
    first = bench.result(start(ticket="T-1"))["session"]["id"]
    assert bench.result(start(ticket="T-1"))["session"]["id"] == first
    assert bench.result(rq.SessionStart(session="CHG-1"))["session"]["id"] == first
    assert bench.code(start(ticket="T-2")) == "session_in_use"


def test_a_name_may_be_used_again_after_the_end(bench: Bench) -> None:
    """A name starts a new session after the old one has ended, and the old one stays known."""
    first = bench.result(start())["session"]["id"]
    bench.ask(rq.SessionEnd(session="CHG-1"))
    second = bench.result(start(reason="Another"))["session"]["id"]
    assert second != first
    assert list(bench.state.sessions) == [first, second]


def test_a_session_may_be_ended_twice(bench: Bench) -> None:
    """The second end succeeds and changes nothing."""
    bench.start_session()
    assert bench.ask(rq.SessionEnd(session="CHG-1")).changed
    again = bench.ask(rq.SessionEnd(session="CHG-1"))
    assert (again.outcome, again.changed) == ("done", False)


def test_the_state_keeps_the_latest_ended_sessions(bench: Bench) -> None:
    """The state keeps only the latest ended sessions, while the journal keeps all."""
    for number in range(45):
        bench.result(rq.SessionStart(session=f"CHG-{number}", reason="Updates"))
        bench.ask(rq.SessionEnd(session=f"CHG-{number}"))
    assert 32 <= len(bench.state.sessions) <= 32 + 8
    assert [s.name for s in bench.state.sessions.values()][-1] == "CHG-44"
    assert bench.events().count("session_started") == 45


def test_check_mode_starts_no_session(bench: Bench) -> None:
    """Check mode reports a change and starts no session."""
    answer = bench.ask(rq.SessionStart(session="CHG-1", reason="Updates", check=True))
    assert answer.changed
    assert not bench.state.sessions


# --- checkpoints ---------------------------------------------------------------------------------


def test_a_checkpoint_reports_its_earlier_state(bench: Bench) -> None:
    """A checkpoint reports its earlier state, and a change where the state differs or the step begins anew."""

    def checkpoint(state: str | None) -> ans.Answer:
        return bench.ask(rq.Checkpoint(session="CHG-1", step="one", state=state))  # type: ignore[arg-type]

    bench.start_session()
    assert checkpoint("started").changed
    before = bench.result(rq.Checkpoint(session="CHG-1", step="one"))
    assert before["before"]["state"] == "started"
    assert checkpoint("started").changed
    assert checkpoint("done").changed
    assert not checkpoint("done").changed
    assert checkpoint("absent").changed
    assert not checkpoint("absent").changed
    assert bench.result(rq.Checkpoint(session="CHG-1", step="one")).get("checkpoints") is None


# --- requests ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"restarts": 11}, "policy_refuses"),
        ({"unlocks": 11}, "policy_refuses"),
        ({"restarts": 1, "foreign_restarts": True}, "policy_refuses"),
        ({"restarts": 1, "programs": True}, "policy_refuses"),
        ({"restarts": 1, "answer_by": "2026-11-23T17:00"}, "bad_time"),
    ],
)
def test_a_request_beyond_the_policy_is_not_shown(bench: Bench, terms: dict[str, object], code: str) -> None:
    """A request beyond the policy is refused and never shown to the customer."""
    bench.settings.write_text("[policy]\nallow_foreign_restarts = false\n")
    bench.start_session()
    assert bench.code(rq.CredentialRequest(session="CHG-1", **terms)) == code  # type: ignore[arg-type]
    assert not bench.state.requests


def test_a_request_that_a_grant_covers_asks_nobody(bench: Bench, canary: bytearray) -> None:
    """A request that a live grant covers returns the grant and creates no request."""
    grant = bench.lend(canary)
    answer = bench.ask(rq.CredentialRequest(session="CHG-1", restarts=1))
    assert isinstance(answer.result, dict)
    assert (answer.changed, answer.result["grant"]["id"]) == (False, grant)
    assert len(bench.state.requests) == 1


def test_a_new_request_withdraws_the_open_one(bench: Bench) -> None:
    """A new request withdraws the open one of the same session and account."""
    bench.start_session()
    first = bench.request()
    second = bench.request(restarts=3)
    states = {r.id: r.state for r in bench.state.requests.values()}
    assert states == {first: RequestState.WITHDRAWN, second: RequestState.PENDING}


def test_a_new_grant_replaces_the_old_one(bench: Bench, canary: bytearray) -> None:
    """A new grant replaces and erases the old one."""
    old = bench.lend(canary)
    new = bench.lend(canary, restarts=3)
    assert bench.state.grants[old].ended is GrantState.REPLACED
    assert bench.sealed() == {new}


def test_each_account_has_its_own_grant(bench: Bench, canary: bytearray) -> None:
    """Each account has its own grant, so Anna's serves after Ben revoked his."""
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
    """A request may name the account of somebody who is not signed in."""
    bench.start_session()
    request = bench.request(account="ben")
    assert bench.state.requests[request].account == BEN


def test_another_account_cannot_answer(bench: Bench) -> None:
    """Another account cannot show, decline, postpone or allow the request."""
    bench.start_session()
    request = bench.request()
    for answer in (
        cm.RequestShown(request=request, text_sha256="0" * 64),
        cm.RequestDecline(request=request),
        cm.RequestLater(request=request),
        cm.RequestAllow(request=request, entered="anna"),
    ):
        assert bench.customer_code(answer, NOTHING, OTHER) == "no_request"


def test_showing_a_request_twice_adds_no_event(bench: Bench) -> None:
    """Showing a request again adds no event."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    version = bench.state.version
    bench.show(request)
    assert bench.state.version == version


def test_a_postponed_request_comes_back(bench: Bench) -> None:
    """A postponed request is pending again after the chosen time, which the operator reads."""
    bench.start_session()
    request = bench.request()
    bench.show(request)
    bench.customer(cm.RequestLater(request=request, seconds=600.0))
    waits = bench.result(rq.RequestWait(session="CHG-1", request=request))["request"]["waiting_for"]
    assert "18:10" in waits
    assert bench.deadline() == START + timedelta(minutes=10)
    bench.world.now += timedelta(minutes=10)
    bench.wake()
    assert bench.state.requests[request].state is RequestState.PENDING


def test_a_request_that_is_postponed_past_its_deadline_expires(bench: Bench) -> None:
    """The customer is not asked again earlier than they want: the request ends without an answer."""
    bench.start_session()
    request = bench.request(answer_within=600.0)
    bench.show(request)
    bench.customer(cm.RequestLater(request=request, seconds=86_400.0))
    assert bench.deadline() == START + timedelta(minutes=10)
    bench.world.now += timedelta(minutes=10)
    bench.wake()
    assert bench.state.requests[request].state is RequestState.EXPIRED


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
def test_a_second_entry_is_allowed_only_where_it_may_help(
    bench: Bench, canary: bytearray, refusal: LogonRefusal, left: int
) -> None:
    """A second entry is allowed only if the refusal may depend on what was typed."""
    request = bench.shown_request(canary)
    bench.world.answers = [refusal]
    assert bench.allow(request, canary).tries_left == left


def test_the_number_of_entries_stays_during_the_check(bench: Bench, canary: bytearray) -> None:
    """The window shows the reduced number of entries only after the check."""
    request = bench.shown_request(canary)
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


def test_a_fault_of_the_check_leaves_a_second_entry(bench: Bench, canary: bytearray) -> None:
    """A fault of the PC during the check leaves the customer a second entry."""
    request = bench.shown_request(canary)
    bench.world.broken.add("accounts")
    assert bench.allow(request, canary).error is not None
    bench.world.broken.clear()
    assert bench.allow(request, canary).done


def test_an_idle_agent_has_no_deadline(bench: Bench) -> None:
    """An idle agent has no deadline."""
    assert bench.deadline() is None


def test_the_next_deadline_is_the_nearest(bench: Bench, canary: bytearray) -> None:
    """The next deadline is the earliest of session, grant, request, permit and desktop."""
    bench.lend(canary, unlocks=1, not_after="23:00", relock_after=300.0)
    assert bench.deadline() == START.replace(hour=23)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock(within=60.0)
    assert bench.deadline() == START + timedelta(seconds=60)
    bench.redeem()
    assert bench.deadline() == START + timedelta(seconds=120)
    bench.report(next(iter(bench.state.permits)))
    assert bench.deadline() == START + timedelta(seconds=300)
    bench.request(restarts=5, answer_within=30.0)
    assert bench.deadline() == START + timedelta(seconds=30)
