# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits: no account slows the agent for the others, fills the disk, or keeps a revocation waiting."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from latchkey_agent.core import call_limit
from latchkey_agent.domain import LogonRefusal, State, fold, kept_requests, sessions
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import events as e
from latchkey_agent.domain.evolve import KEPT_ARCHIVE
from latchkey_agent.domain.model import Account, Archived, Requester, Terms
from latchkey_agent.handlers import customer
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import frames
from latchkey_agent.storage import journal
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, CUSTOMER, OPERATOR, SECOND_OPERATOR, START

TERMS = Terms(
    restarts=1,
    unlocks=0,
    foreign_restarts=False,
    programs=False,
    not_before=START,
    not_after=START + timedelta(hours=1),
    relock_after=60.0,
    grace=0.0,
)


def lives(count: int, apart: timedelta = timedelta(seconds=1), *, asks: bool = True) -> Iterator[e.AnyEvent]:
    """Yield the events of sessions that start and end, each with a request that is withdrawn."""
    for number in range(count):
        at, session, request = START + number * apart, f"s{number}", f"r{number}"
        # One more account for each request, or the moments of the requests would be counted.
        asker = Account(f"S-1-5-21-1-2-4-{number}", "member", "PC-07")
        yield e.SessionStarted(
            at=at,
            session=session,
            name=session,
            owner=asker,
            requester=Requester("", "", ""),
            reason="x",
            ticket="",
            ends_at=at + timedelta(hours=1),
        )
        if asks:
            yield e.RequestMade(
                at=at,
                request=request,
                session=session,
                asked_by=asker,
                account=ANNA,
                terms=TERMS,
                code="0000",
                answer_by=at + timedelta(hours=1),
                organization={},
            )
            yield e.RequestClosed(at=at, request=request, how="withdraw")
        yield e.SessionEnded(at=at, session=session, how="end")


# --- the archive ------------------------------------------------------------------------------


def test_the_time_of_a_start_grows_with_the_sessions_and_not_with_their_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A start folds the whole journal, and copies the archive once, not for each few sessions."""
    # The package has a function of the module's name.
    evolve = importlib.import_module("latchkey_agent.domain.evolve")
    forget, archives = evolve._forget, dict[int, dict[str, Archived]]()

    def noted(draft: Any, at: datetime) -> None:
        forget(draft, at)
        archives[id(draft.archive)] = draft.archive

    monkeypatch.setattr(evolve, "_forget", noted)
    assert len(fold(State(), lives(400)).archive) > 300
    assert len(archives) <= 2


def test_a_state_keeps_its_archive_when_later_ones_grow() -> None:
    """States share no archive that changes, and it is the same whether the events come at once or one by one."""
    events, state, seen = list(lives(120)), State(), list[tuple[State, tuple[str, ...]]]()
    for event in events:
        state = fold(state, (event,))
        seen.append((state, tuple(state.archive)))
    assert [tuple(state.archive) for state, _ in seen] == [keys for _, keys in seen]
    assert fold(State(), events) == state
    assert len(state.archive) > 60


def test_only_sessions_with_a_request_are_kept_for_their_receipts() -> None:
    """A receipt is about a request: a session without one leaves nothing behind."""
    assert fold(State(), lives(100, asks=False)).archive == {}
    state = fold(State(), lives(100))
    assert [r.id for r in kept_requests(state, START, 365)] == [f"r{number}" for number in range(100)]


def test_the_archive_drops_what_no_policy_keeps() -> None:
    """No receipt is kept for longer than a policy can say."""
    state = fold(State(), lives(200, timedelta(days=20)))
    last = max(kept.at for kept in state.archive.values())
    assert min(kept.at for kept in state.archive.values()) > last - KEPT_ARCHIVE
    assert 40 < len(state.archive) < 60


# --- started sessions -------------------------------------------------------------------------


def test_an_account_has_a_most_of_started_sessions(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each started session makes every command slower; joining one, another account's and a later one are free."""
    monkeypatch.setattr(sessions, "MOST_STARTED", 2)
    first, second, third = (rq.SessionStart(session=f"CHG-{n}", reason="x") for n in range(3))
    bench.result(first)
    bench.result(second)
    refused = bench.error(third)
    assert refused.code == "policy_refuses"
    assert "at most 2 started support sessions of an account" in refused.message
    bench.result(first)
    assert bench.ask(replace(third, session="CHG-9"), SECOND_OPERATOR).outcome == "done"
    bench.result(rq.SessionEnd(session="CHG-1"))
    bench.result(third)


# --- journalled calls -------------------------------------------------------------------------


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Allow twenty calls of an account within an hour."""
    monkeypatch.setattr(call_limit, "CALLS", 20)


def flood(bench: Bench, kind: str) -> None:
    """Make more calls of a kind than are journalled."""
    requests: dict[str, tuple[rq.ControlRequest, ...]] = {
        "joined": (rq.SessionStart(session="CHG-1", reason="Monthly updates", ticket="CHG-1"),),
        "checkpoints": (
            rq.Checkpoint(session="CHG-1", step="one", state="started"),
            rq.Checkpoint(session="CHG-1", step="one", state="done"),
        ),
        "ended": (rq.SessionEnd(session="CHG-0"),),
        "nothing to revoke": (rq.CredentialRevoke(session="CHG-2"),),
    }
    for number in range(50):
        request = requests[kind][number % len(requests[kind])]
        bench.ask(replace(request, idempotency_key=f"{number}-{kind[:5]}"))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("kind", ["joined", "checkpoints", "ended", "nothing to revoke"])
def test_no_account_fills_the_journal_with_calls(bench: Bench, canary: bytearray, kind: str) -> None:
    """Calls that can be repeated without an end stop being journalled; the customer and other accounts go on."""
    bench.result(rq.SessionStart(session="CHG-0", reason="x"))
    bench.result(rq.SessionEnd(session="CHG-0"))
    bench.result(rq.SessionStart(session="CHG-2", reason="x"))
    bench.lend(canary)
    bench.world.now += timedelta(hours=2)
    bench.wake()
    before = bench.state.version
    flood(bench, kind)
    assert bench.state.version - before <= 20 + 1
    assert "command_refused" in bench.events()[-2:]
    again = rq.SessionStart(session="CHG-3", reason="x")
    refused = bench.error(again)
    assert refused.code == "policy_refuses"
    assert "at most 1000 calls of an account within an hour" in refused.message
    assert bench.ask(again, SECOND_OPERATOR).outcome == "done"
    bench.world.now += timedelta(hours=1)
    bench.wake()
    bench.result(replace(again, session="CHG-4"))


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("end", [rq.CredentialRevoke(session="CHG-1"), rq.SessionEnd(session="CHG-1")])
def test_rule_07_an_account_with_too_many_calls_can_still_give_back(
    bench: Bench, canary: bytearray, end: rq.ControlRequest
) -> None:
    """Revoking and ending are never limited while there is something to end."""
    bench.lend(canary)
    flood(bench, "checkpoints")
    assert bench.code(rq.Checkpoint(session="CHG-1", step="two", state="done")) == "policy_refuses"
    bench.result(replace(end, idempotency_key="end"))
    assert bench.sealed() == set()


@pytest.mark.usefixtures("few")
def test_rule_07_a_customer_with_too_many_calls_can_still_pause_and_revoke(
    bench: Bench, canary: bytearray
) -> None:
    """Only resuming is limited: pausing and resuming in turn could fill the journal."""
    grant = bench.lend(canary)
    for _ in range(30):
        for pause in (True, False):
            bench.customer(cm.GrantPause(grant=grant, pause=pause))
    assert bench.customer_code(cm.GrantPause(grant=grant, pause=False)) == "policy_refuses"
    assert bench.state.grants[grant].state == "paused"
    bench.revoke()
    assert bench.sealed() == set()


@pytest.mark.usefixtures("few")
def test_no_account_fills_the_journal_with_checks_of_a_password(bench: Bench, canary: bytearray) -> None:
    """While no domain controller answers an operator may ask again, but not without an end."""
    bench.lend(canary)
    bench.world.answers = [LogonRefusal.NO_LOGON_SERVERS] * 50
    apply = rq.CredentialApply(session="CHG-1", action="restart")
    codes = [bench.code(apply) for _ in range(30)]
    assert set(codes) == {"account_refused", "policy_refuses"}
    assert codes[-1] == "policy_refuses"
    assert len(bench.world.checks) <= 1 + 20


# --- the checks of an erasure -----------------------------------------------------------------


def test_rule_07_no_revocation_waits_for_the_checks_of_an_erasure(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent reads its files back in portions, and its lock is free between them."""
    monkeypatch.setattr(journal, "_SEARCHED", 4096)
    bench.lend(canary)
    other = bench.lend(canary, session="CHG-2")
    core, pauses = bench.agent.core, list[int]()

    def paused(_seconds: float) -> None:
        pauses.append(len(bench.sealed()))
        if len(pauses) == 1:
            # In this thread the lock would be taken once more if it were held: its count tells.
            assert not core.lock._is_owned()  # type: ignore[attr-defined]
            core.execute(c.RevokeGrants(grants=(other,), revoked_by="operator"), actor=OPERATOR.actor)

    monkeypatch.setattr(core, "pause", paused)
    bench.result(rq.CredentialRevoke(session="CHG-1"))
    assert len(pauses) > 5
    assert bench.effects()
    assert all(grant.erasure and grant.erasure.confirmed for grant in bench.state.grants.values())


# --- one answer -------------------------------------------------------------------------------


def test_the_customer_reads_the_newest_receipts_that_one_answer_can_hold(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Receipts of grants with many uses are long. An answer beyond the largest frame would not be sent at all."""
    for number in range(8):
        bench.lend(canary, session=f"CHG-{number}")
        bench.ask(rq.SessionEnd(session=f"CHG-{number}"))
    newest_first = list(reversed(bench.state.requests))
    everything = bench.customer(cm.OwnReceipts()).receipts
    assert [receipt.request for receipt in everything] == newest_first
    size = len(msgspec.json.encode(everything))
    monkeypatch.setattr(frames, "MAX_BODY", size // 2 + customer.ROOM)
    body = bench.agent.customer(msgspec.json.encode(cm.OwnReceipts()), bytearray(), CUSTOMER)
    assert len(body) <= frames.MAX_BODY
    shown = msgspec.json.decode(body, type=cm.CustomerAnswer).receipts
    assert [receipt.request for receipt in shown] == newest_first[: len(shown)]
    assert 3 <= len(shown) < 8
