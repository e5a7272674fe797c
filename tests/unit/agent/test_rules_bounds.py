# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact bounds of the rules: the moment itself, and each condition alone (`make mutants` found them missing)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from latchkey_agent.domain import Now, Policy, Refused, grants, permits
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain import events as e
from latchkey_agent.domain.decision import Decision, end_grant, end_session, relock
from latchkey_agent.domain.model import Erasure, State
from latchkey_agent.domain.transitions import GrantState, IllegalTransitionError, PermitState
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench, at
from tests.unit.agent.world import ANNA, LOGON, START

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


# --- 5 and 12: the one moment of a permit -------------------------------------------------------


@pytest.fixture
def waiting(bench: Bench, canary: bytearray) -> State:
    """A restart permit in the boot after its restart: agreed from 18:00 to 23:00, it lapses before that."""
    bench.at_logon_screen(canary, not_after="23:00")
    return bench.state


def changed(before: State, table: str, **changes: Any) -> State:
    """Return a state whose only permit, grant or session is changed."""
    ((key, one),) = getattr(before, table).items()
    return replace(before, **{table: {key: replace(one, **changes)}})


def redeemable(state: State, now: Now) -> bool:
    """Tell whether the logon screen gets the permit."""
    return permits.redeemable(state, state.boot_id, now) is not None


def test_rule_05_a_permit_is_redeemable_until_it_lapses_and_no_longer(waiting: State) -> None:
    """A permit lapses at its moment, not after it."""
    (permit,) = waiting.permits.values()
    assert redeemable(waiting, at(permit.expires_at - SECOND))
    assert not redeemable(waiting, at(permit.expires_at))


def test_rule_03_a_permit_is_not_redeemable_at_the_end_of_its_terms(waiting: State) -> None:
    """A grant that ends before its permit lapses ends the permit, by the clock that is ahead."""
    (permit,) = waiting.permits.values()
    end = permit.expires_at - MINUTE
    state = with_terms(waiting, not_after=end)
    assert redeemable(state, at(end - SECOND))
    assert not redeemable(state, at(end))
    assert not redeemable(state, Now(end - SECOND, end, 0.0))


def test_rule_03_a_permit_is_not_redeemable_before_its_terms_begin(waiting: State) -> None:
    """The beginning counts by the clock that is behind; the moment itself counts."""
    begin = START + MINUTE
    state = with_terms(waiting, not_before=begin)
    assert redeemable(state, at(begin))
    assert not redeemable(state, at(begin - SECOND))
    assert not redeemable(state, Now(begin - SECOND, begin, 0.0))
    assert not redeemable(state, Now(begin, begin - SECOND, 0.0))


def test_rule_03_a_permit_is_not_redeemable_while_the_clock_is_behind(waiting: State) -> None:
    """A minute is the tolerance; a clock further behind is a fault, also where the terms have begun."""
    now = START + 2 * MINUTE
    state = with_terms(waiting, not_before=START - 60 * MINUTE)
    assert redeemable(state, Now(now, now - MINUTE, 0.0))
    assert not redeemable(state, Now(now, now - MINUTE - SECOND, 0.0))


def test_rule_12_only_an_issued_permit_of_a_live_grant_in_its_boot_is_redeemable(waiting: State) -> None:
    """Each of these alone keeps the permit from the logon screen."""
    (permit,) = waiting.permits.values()
    now = at(START + MINUTE)
    assert redeemable(waiting, now)
    assert not redeemable(changed(waiting, "grants", state=GrantState.PAUSED), now)
    assert not redeemable(changed(waiting, "permits", state=PermitState.REDEEMED), now)
    assert permits.redeemable(waiting, permit.boot_before, now) is None
    unlock = changed(waiting, "permits", action="unlock")
    assert not redeemable(unlock, now)
    assert permits.redeemable(unlock, permit.boot_before, now) is not None


def test_an_end_of_a_check_that_is_over_changes_nothing(waiting: State) -> None:
    """A grant that is forgotten, or not on trial, has no check to end."""
    (grant,) = waiting.grants
    for name in (grant, "forgotten"):
        assert grants.end_trial(waiting, c.EndTrial(grant=name), at(START), Policy()) == Decision(
            subject=name
        )


@pytest.mark.parametrize(("confirmed", "given"), [(True, "erased"), (False, "erase_failed")])
def test_the_erasure_of_a_live_grant_is_a_contradiction(
    waiting: State, given: str, *, confirmed: bool
) -> None:
    """Only an ended grant can be erased; the error names the given result."""
    (grant,) = waiting.grants
    noted = c.RecordErasure(grant=grant, erasure=Erasure(START, confirmed, ()))
    with pytest.raises(IllegalTransitionError, match=rf"\b{given}\b"):
        grants.record_erasure(waiting, noted, at(START), Policy())


def with_terms(state: State, **changes: Any) -> State:
    """Return a state whose only grant has other terms."""
    ((_, grant),) = state.grants.items()
    return changed(state, "grants", terms=replace(grant.terms, **changes))


def test_rule_09_a_redeemed_permit_knows_the_windows_session_of_its_logon_screen(
    bench: Bench, canary: bytearray
) -> None:
    """The desktop that must end locked is known by its Windows session."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    assert bench.state.permits[permit].windows_session == LOGON.session_id == 1


def test_rule_03_an_interrupted_last_use_uses_the_grant_up(bench: Bench, canary: bytearray) -> None:
    """A grant whose last use has no result is over, and its record is gone in the same transaction."""
    bench.at_logon_screen(canary, restarts=1)
    permit, _ = bench.redeem()
    decision = permits.interrupted(bench.state, bench.state.permits[permit], at(START))
    assert [type(event).__name__ for event in decision.events] == ["PermitRefused", "GrantEnded"]
    bench.power_cut()
    assert bench.sealed() == set()


def test_rule_06_a_logon_that_windows_refused_was_not_accepted(waiting: State) -> None:
    """A report of success for a permit that Windows refused contradicts the table, and names both."""
    state = changed(waiting, "permits", state=PermitState.REFUSED, why="refused")
    (permit,) = state.permits
    with pytest.raises(IllegalTransitionError, match=r"refused.*log_on|log_on.*refused"):
        permits.report(state, c.ReportLogon(permit=permit), at(START), Policy())


# --- 3: a grant allows exactly what was agreed ---------------------------------------------------


@pytest.fixture
def lent(bench: Bench, canary: bytearray) -> State:
    """A grant of two restarts and one unlock, from 19:00 to 23:00."""
    bench.lend(canary, unlocks=1, not_before="19:00", not_after="23:00")
    return bench.state


def refusal(state: State, now: Now, action: str = "restart") -> Refused | None:
    """Return the refusal of a use of the only grant, None if the use is allowed."""
    (grant,) = state.grants.values()
    try:
        grants.must_allow(grant, action, now)
    except Refused as refused:
        return refused
    return None


def code(state: State, now: Now, action: str = "restart") -> str | None:
    """Return the code of `refusal`."""
    refused = refusal(state, now, action)
    return None if refused is None else refused.code


def test_rule_03_a_grant_is_usable_from_its_first_moment_until_its_last(lent: State) -> None:
    """The first moment counts by the clock that is behind, the last by the one ahead and no longer."""
    (grant,) = lent.grants.values()
    begin, end = grant.terms.not_before, grant.terms.not_after
    assert code(lent, at(begin)) is None
    assert code(lent, at(end - SECOND)) is None
    assert code(lent, at(end)) == "grant_expired"
    assert code(lent, Now(end - SECOND, end, 0.0)) == "grant_expired"
    assert code(lent, Now(begin, begin - SECOND, 0.0)) == "too_early"
    early = refusal(lent, at(begin - MINUTE))
    assert early is not None
    assert (early.code, early.retry_after) == ("too_early", 60.0)


def test_rule_03_each_kind_of_use_has_its_own_count(lent: State) -> None:
    """A count of zero ends its own kind only; a paused grant and a clock behind end both."""
    (grant,) = lent.grants.values()
    now = at(grant.terms.not_before)
    no_restart = changed(lent, "grants", left=replace(grant.left, restarts=0))
    no_unlock = changed(lent, "grants", left=replace(grant.left, unlocks=0))
    assert (code(no_restart, now), code(no_restart, now, "unlock")) == ("terms_used_up", None)
    assert (code(no_unlock, now), code(no_unlock, now, "unlock")) == (None, "terms_used_up")
    assert code(changed(lent, "grants", state=GrantState.PAUSED), now) == "grant_paused"
    assert code(lent, now._replace(at=now.at + MINUTE + SECOND)) == "clock_behind"


def test_rule_14_the_interval_between_restarts_ends_at_its_moment(lent: State) -> None:
    """The refusal says how long to wait."""
    state, policy = replace(lent, last_restart_at=START), Policy(min_restart_interval=60.0)
    with pytest.raises(Refused) as found:
        grants.not_too_soon(state, at(START + MINUTE - SECOND), policy)
    assert (found.value.code, found.value.retry_after) == ("restart_too_soon", 1.0)
    grants.not_too_soon(state, at(START + MINUTE), policy)
    grants.not_too_soon(lent, at(START), policy)


# --- 7: an end ends all that is its own, and nothing else ----------------------------------------


def names(decision: Decision) -> list[str]:
    """Return the kinds of a decision's events."""
    return [type(event).__name__ for event in decision.events]


def test_two_decisions_are_joined_in_their_order() -> None:
    """The first one's subject stays; a decision alone is about nothing."""
    first = Decision((e.TimeSeen(at=START),), (), "first")
    second = Decision((e.TimeSeen(at=START + SECOND),), (fx.SummonCompanion(account=ANNA),), "second")
    assert first + second == Decision(first.events + second.events, second.effects, "first")
    assert (Decision() + second).subject == "second"
    assert Decision() == Decision((), (), "")


def test_rule_07_the_end_of_a_session_withdraws_its_own_open_request(bench: Bench) -> None:
    """The request of another session stays; one that was answered is not closed again."""
    bench.start_session("CHG-1")
    bench.start_session("CHG-2")
    ours = bench.request("CHG-1")
    session = bench.state.sessions[bench.state.requests[ours].session]
    (other,) = (one for one in bench.state.sessions.values() if one.id != session.id)
    decision = end_session(bench.state, session, START, "end")
    assert decision.events == (
        e.RequestClosed(at=START, request=ours, how="withdraw"),
        e.SessionEnded(at=START, session=session.id, how="end"),
    )
    assert decision.effects == (fx.SummonCompanion(account=ANNA),)
    assert decision.subject == session.id
    assert names(end_session(bench.state, other, START, "expire")) == ["SessionEnded"]
    bench.show(ours)
    assert bench.customer(cm.RequestDecline(request=ours)).done
    assert names(end_session(bench.state, session, START, "expire")) == ["SessionEnded"]


def test_rule_07_a_permit_that_an_end_makes_void_says_which_end(bench: Bench, canary: bytearray) -> None:
    """The playbook is told whether its session ended or its grant."""
    bench.lend(canary)
    permit = bench.restart()
    (session,), (grant,) = bench.state.sessions.values(), bench.state.grants.values()
    how = e.GrantEnded(at=START, grant=grant.id, how="revoke")
    by_revoking = end_grant(bench.state, grant, how)
    by_ending = end_session(bench.state, session, START, "end")
    void = e.PermitDropped(at=START, permit=permit, how="cancel", why="grant_ended")
    assert by_revoking.events == (void, how)
    assert by_revoking.subject == grant.id
    assert by_ending.events[0] == replace(void, why="session_ended")
    assert end_grant(bench.state, grant, how, settled=permit).events == (how,)


def test_rule_09_only_a_desktop_that_an_unlock_holds_open_is_closed_by_an_end(
    bench: Bench, canary: bytearray
) -> None:
    """A grant that is only used up leaves its desktop open; every other end closes it."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.agent.core.computer.sessions.lock(1)
    bench.unlock()
    permit, _ = bench.redeem()
    assert relock(bench.state.permits[permit], START) == Decision()
    bench.report(permit)
    held = bench.state.permits[permit]
    assert held.relock_at is not None
    assert names(relock(held, START)) == ["RelockDue"]
    grant = bench.state.grants[held.grant]
    used_up = e.GrantEnded(at=START, grant=grant.id, how="use_up")
    assert names(end_grant(bench.state, grant, used_up)) == ["GrantEnded"]
    revoked = e.GrantEnded(at=START, grant=grant.id, how="revoke")
    assert names(end_grant(bench.state, grant, revoked)) == ["GrantEnded", "RelockDue"]


@pytest.fixture
def redeemed(bench: Bench, canary: bytearray) -> State:
    """An unlock permit whose password the logon screen has, and whose result is not known."""
    bench.lend(canary, restarts=0, unlocks=2)
    bench.agent.core.computer.sessions.lock(1)
    bench.unlock()
    bench.redeem()
    return bench.state


def stays_open(state: State) -> bool:
    """Tell whether the desktop of the only permit stays open after the report of its logon."""
    (permit,) = state.permits
    decision = permits.report(state, c.ReportLogon(permit=permit, rejection=None), at(START), Policy())
    closes = any(isinstance(effect, fx.CloseDesktop) for effect in decision.effects)
    (logged_on,) = (event for event in decision.events if isinstance(event, e.PermitLoggedOn))
    assert closes is (logged_on.relock_at is None)
    return not closes


def test_rule_09_an_unlock_stays_open_for_its_own_time_only(redeemed: State) -> None:
    """The desktop stays open for the agreed time, but not past the end of the terms."""
    assert stays_open(redeemed)
    (permit,) = redeemed.permits
    (grant,) = redeemed.grants.values()
    report = c.ReportLogon(permit=permit, rejection=None)
    for now, until in (
        (START, START + timedelta(seconds=grant.terms.relock_after)),
        (grant.terms.not_after - SECOND, grant.terms.not_after),
    ):
        logged_on = permits.report(redeemed, report, at(now), Policy()).events[0]
        assert isinstance(logged_on, e.PermitLoggedOn)
        assert logged_on.relock_at == until


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("permits", {"must_lock": True}),
        ("permits", {"state": PermitState.REFUSED, "why": "interrupted"}),
        ("grants", {"state": GrantState.PAUSED}),
        ("grants", {"state": GrantState.ERASED, "ended": GrantState.REVOKED}),
        ("sessions", {"ended_at": START}),
    ],
)
def test_rule_09_an_unlock_that_nobody_wants_any_more_ends_locked(
    redeemed: State, table: str, changes: dict[str, Any]
) -> None:
    """Each of these alone closes the desktop at once: a late result, a pause, an end of the grant or session."""
    assert not stays_open(changed(redeemed, table, **changes))


# --- 8: erased means read back ---------------------------------------------------------------------


def failed_checks(bench: Bench) -> set[str]:
    """Return the checks that the last erasure of the only grant did not pass."""
    (grant,) = bench.state.grants.values()
    assert grant.erasure is not None
    return {name for name, passed, _ in grant.erasure.checks if not passed}


def test_rule_08_a_seal_tag_that_is_read_back_is_no_erasure(bench: Bench, canary: bytearray) -> None:
    """A copy of the record elsewhere in the journal's files keeps the erasure unconfirmed until it is gone."""
    grant = bench.lend(canary)
    bench.database.execute("INSERT INTO keys SELECT 'stray', record FROM sealed WHERE grant_id = ?", (grant,))
    bench.revoke()
    bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASE_FAILED
    assert failed_checks(bench) == {"journal.db read back"}
    bench.database.execute("DELETE FROM keys WHERE name = 'stray'")
    bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED


def test_rule_08_a_record_that_is_there_again_is_no_erasure(bench: Bench, canary: bytearray) -> None:
    """The agent looks for the record after deleting it."""
    grant = bench.lend(canary)
    bench.database.execute("CREATE TRIGGER keeps BEFORE DELETE ON sealed BEGIN SELECT RAISE(IGNORE); END")
    bench.revoke()
    bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASE_FAILED
    assert "sealed record deleted" in failed_checks(bench)
    bench.database.execute("DROP TRIGGER keeps")
    bench.effects()
    assert bench.state.grants[grant].state is GrantState.ERASED


# --- 10: the customer is notified ----------------------------------------------------------------


def use(bench: Bench) -> None:
    """Use the grant for a restart that ends signed in and locked."""
    bench.restart()
    bench.reboot()
    bench.sign_in_with_permit()


def fail(bench: Bench) -> None:
    """Use the grant for a restart after which Windows refuses the password."""
    bench.restart()
    bench.reboot()
    permit, _ = bench.redeem()
    bench.report(permit, status=0xC000006D)


@pytest.mark.parametrize(("act", "kinds"), [(use, ["used", "locked"]), (fail, ["failed", "ended"])])
def test_rule_10_a_use_is_told_as_done_while_away(
    bench: Bench, canary: bytearray, act: Callable[[Bench], None], kinds: list[str]
) -> None:
    """Every step of a use counts as done while the customer was away; only their own acts do not."""
    bench.lend(canary)
    act(bench)
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    told: dict[str, bool] = {notice.kind: notice.while_away for notice in snapshot.notices}
    assert not told["granted"]
    assert all(told[kind] for kind in kinds)
