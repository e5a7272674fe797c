# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The exact bounds of the rules: the moment itself, and each condition alone (`make mutants` found them missing)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from latchkey_agent.domain import Now, permits
from latchkey_agent.domain.model import State
from latchkey_agent.domain.transitions import GrantState, PermitState
from latchkey_agent.protocol import customer_messages as cm
from tests.unit.agent.bench import Bench, at
from tests.unit.agent.world import LOGON, START

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


# --- 5 and 12: the one moment of a permit -------------------------------------------------------


@pytest.fixture
def waiting(bench: Bench, canary: bytearray) -> State:
    """A restart permit in the boot after its restart: agreed from 18:00 to 23:00, it lapses before that."""
    bench.at_logon_screen(canary, not_after="23:00")
    return bench.state


def changed(before: State, table: str, **changes: Any) -> State:
    """Return a state whose only permit or grant is changed."""
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
