# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's requests and grants are for its own accounts; every event names its actor."""

from __future__ import annotations

import msgspec
import pytest

from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN, OPERATOR, SECOND_OPERATOR

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
OTHERS: dict[str, rq.ControlRequest] = {
    "joins": rq.SessionStart(session="CHG-1"),
    "asks for more": rq.CredentialRequest(session="CHG-1", restarts=5),
    "uses": RESTART,
    "uses in check mode": rq.CredentialApply(session="CHG-1", action="restart", check=True),
    "sets a checkpoint": rq.Checkpoint(session="CHG-1", step="one", state="started"),
}


@pytest.mark.parametrize("act", OTHERS)
def test_another_operator_neither_joins_nor_uses_a_session(bench: Bench, canary: bytearray, act: str) -> None:
    """An operator whom the session did not name at its start cannot ask or use anything in it."""
    bench.lend(canary)
    version = bench.state.version
    error = bench.error(OTHERS[act], SECOND_OPERATOR)
    assert error.code == "not_owner"
    assert OPERATOR.name in error.message
    assert SECOND_OPERATOR.name in error.message
    assert set(bench.events()[version:]) <= {"command_refused"}


def test_an_account_that_the_session_named_uses_its_grant(bench: Bench, canary: bytearray) -> None:
    """A person asks in the afternoon, the account of a scheduler works at night."""
    bench.result(
        rq.SessionStart(session="CHG-1", reason="Monthly updates", ticket="CHG-1", operators=("ben",))
    )
    bench.lend(canary)
    ben = SECOND_OPERATOR._replace(account=BEN)
    use = bench.ask(RESTART, ben)
    assert use.outcome == "done", use
    [permit] = bench.state.permits.values()
    assert permit.by == ben.actor
    assert bench.code(RESTART, SECOND_OPERATOR) == "not_owner"


def test_a_session_names_its_accounts_at_its_start_only(bench: Bench) -> None:
    """Whoever joins cannot add an account that the window does not show."""
    bench.start_session()
    assert bench.code(rq.SessionStart(session="CHG-1", operators=("ben",))) == "session_in_use"
    assert (
        bench.code(rq.SessionStart(session="CHG-2", reason="x", operators=("nobody",))) == "no_such_account"
    )


def test_a_joined_session_may_name_the_accounts_that_it_has(bench: Bench) -> None:
    """The same playbook, launched again with its list of accounts, finds its session."""
    start = rq.SessionStart(session="CHG-1", reason="Monthly updates", operators=("ben",))
    first = bench.result(start)["session"]
    again = bench.ask(start)
    assert (again.outcome, again.changed) == ("done", False)
    assert (first["owner"], first["operators"]) == (OPERATOR.name, [BEN.qualified])


@pytest.mark.parametrize("request_", [rq.CredentialRevoke(session="CHG-1"), rq.SessionEnd(session="CHG-1")])
def test_giving_back_is_open_to_every_operator_and_names_who_did_it(
    bench: Bench, canary: bytearray, request_: rq.ControlRequest
) -> None:
    """Any operator may revoke and end; journal and receipt say which one did."""
    bench.lend(canary)
    assert bench.ask(request_, SECOND_OPERATOR).outcome == "done"
    [receipt] = bench.result(rq.Info(receipts=True))["receipts"]
    assert receipt["document"]["asked_by"]["account"] == OPERATOR.name
    assert receipt["document"]["ended"]["by"]["account"] == SECOND_OPERATOR.name


def test_every_event_names_its_actor(bench: Bench, canary: bytearray) -> None:
    """Events of operators, of the customer and of the logon screen name the account; the others are the agent's."""
    permit = bench.at_logon_screen(canary)
    bench.sign_in_with_permit()
    bench.customer(cm.GrantRevoke())
    bodies = bench.database.execute("SELECT body FROM events ORDER BY seq").fetchall()
    actors: dict[str, set[str]] = {}
    for (body,) in bodies:
        event = msgspec.json.decode(body)
        actors.setdefault(event["event"], set()).add(event.get("actor", {}).get("name", "agent"))
    assert permit in bench.state.permits
    for kind in ("session_started", "request_made", "permit_issued"):
        assert actors[kind] == {OPERATOR.name}
    for kind in ("request_shown", "entry_tried", "grant_given", "grant_ended"):
        assert actors[kind] == {ANNA.qualified}
    for kind in ("permit_redeemed", "permit_logged_on"):
        assert actors[kind] == {"logon screen"}
    for kind in ("boot_seen", "erasure_checked", "desktop_closed"):
        assert actors[kind] == {"agent"}
