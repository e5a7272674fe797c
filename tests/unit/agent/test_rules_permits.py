# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules 5 and 6 of the design, at the agent's pipes: one logon per permit, refused passwords."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from latchkey_agent.domain import LogonRefusal
from latchkey_agent.domain.model import Account
from latchkey_agent.domain.transitions import GrantState, PermitState, RequestState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import ANNA, PowerCut

RESTART = rq.CredentialApply(session="CHG-1", action="restart")
WRONG = "wrong".encode("utf-16-le")
LOGON_FAILURE = 0xC000006D
INTERVAL = "min_restart_interval = 60.0"


# --- 5: one logon attempt per permit -----------------------------------------------------------


def test_rule_05_a_permit_is_redeemed_once(bench: Bench, canary: bytearray) -> None:
    """The second one who asks gets nothing, and the password came with the first answer only."""
    bench.waiting(canary)
    permit, secret = bench.redeem()
    assert secret == canary
    again, nothing = bench.logon(lm.Redeem(permit=permit))
    assert (again.done, nothing) == (False, bytearray())
    assert not bench.logon(lm.Peek())[0].done


@pytest.mark.parametrize("life", ["crash", "reboot", "power_cut"])
def test_rule_05_a_redeemed_permit_stays_redeemed(bench: Bench, canary: bytearray, life: str) -> None:
    """Whatever comes between the two redemptions."""
    bench.waiting(canary)
    permit, _ = bench.redeem()
    getattr(bench, life)()
    assert not bench.logon(lm.Redeem(permit=permit))[0].done
    assert not bench.logon(lm.Peek())[0].done


def test_rule_05_the_redemption_is_on_the_disk_before_the_password_is_out(
    place: Path, canary: bytearray
) -> None:
    """Cut the power at every touch of a redemption: no password comes out that could come out once more."""
    tried = 0
    for cut in cuts(place, lambda bench: bench.waiting(canary), lambda bench: bench.redeem()[1]):
        permit = next(reversed(cut.bench.state.permits))
        again = cut.bench.logon(lm.Redeem(permit=permit))[1]
        assert not (cut.result and again)
        assert bool(cut.result) == cut.survived
        tried += 1
    assert tried > 3


@pytest.mark.parametrize("disk", ["full", "dead"])
def test_rule_05_a_disk_that_fails_hands_nothing_over(bench: Bench, canary: bytearray, disk: str) -> None:
    """A redemption that cannot be written down is none; the permit waits until it can."""
    permit = bench.waiting(canary)
    bench.world.disk = disk  # type: ignore[assignment]
    answer, secret = bench.logon(lm.Redeem(permit=permit))
    assert (answer.done, secret) == (False, bytearray())
    bench.world.disk = "well"
    assert bench.redeem()[1] == canary


# --- 6: a password that Windows refused --------------------------------------------------------


def test_rule_06_two_entries_are_tried_and_no_third(bench: Bench, canary: bytearray) -> None:
    """The second refusal ends the request; Windows was asked twice."""
    request = bench.shown(canary)
    assert bench.allow(request, WRONG).tries_left == 1
    assert bench.allow(request, WRONG).tries_left == 0
    assert not bench.allow(request, canary).done
    assert bench.world.checks == ["anna", "anna"]
    assert bench.code(rq.RequestWait(session="CHG-1", request=request)) == "wrong_password"


def test_rule_06_a_crash_does_not_give_an_entry_back(bench: Bench, canary: bytearray) -> None:
    """Killed after Windows was asked and before its answer was journalled: the entry counts all the same."""
    request = bench.shown(canary)
    for _ in range(3):
        bench.world.dies_after = "accounts"
        with suppress(PowerCut):
            bench.allow(request, WRONG)
        bench.crash()
    assert bench.world.checks == ["anna", "anna"]
    assert bench.state.requests[request].state is RequestState.DENIED


def test_rule_06_an_entry_that_was_put_off_while_it_was_judged_ends_after_a_crash(
    bench: Bench, canary: bytearray
) -> None:
    """Later, said while the last entry is judged, does not bring back a request that nobody can answer."""
    request = bench.shown(canary)
    bench.allow(request, WRONG)
    accounts = bench.agent.core.computer.accounts
    check = accounts.check

    def slow(account: Account, password: bytearray) -> LogonRefusal | None:
        bench.customer(cm.RequestLater(request=request))
        bench.world.dead = True
        return check(account, password)

    accounts.check = slow  # type: ignore[method-assign]
    with suppress(PowerCut):
        bench.allow(request, WRONG)
    bench.crash()
    assert bench.state.requests[request].state is RequestState.WITHDRAWN


def test_rule_06_a_password_that_was_changed_is_tried_once_and_erased(
    bench: Bench, canary: bytearray
) -> None:
    """The check before a use is refused: the grant is rejected, erased, and never tried again."""
    grant = bench.lend(canary)
    bench.world.set_password(ANNA, b"another")
    checks = len(bench.world.checks)
    assert bench.code(RESTART) == "grant_rejected"
    assert bench.code(RESTART) == "grant_rejected"
    assert len(bench.world.checks) == checks + 1
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.sealed() == set()


def test_rule_06_a_crash_does_not_lead_to_a_second_trial(bench: Bench, canary: bytearray) -> None:
    """Killed between Windows' refusal and its journalling: what Windows may have refused is erased."""
    grant = bench.lend(canary)
    bench.world.set_password(ANNA, b"another")
    checks = len(bench.world.checks)
    bench.world.dies_after = "accounts"
    with suppress(PowerCut):
        bench.ask(RESTART)
    bench.crash()
    assert bench.state.grants[grant].ended is GrantState.REJECTED
    assert bench.code(RESTART) == "grant_rejected"
    assert len(bench.world.checks) == checks + 1
    assert bench.sealed() == set()


def test_rule_06_a_disk_that_fails_does_not_lead_to_a_second_trial(bench: Bench, canary: bytearray) -> None:
    """The refusal cannot be journalled: nothing is tried again when the disk works again."""
    bench.lend(canary)
    bench.world.set_password(ANNA, b"another")
    accounts = bench.agent.core.computer.accounts
    check = accounts.check

    def breaks(account: Account, password: bytearray) -> LogonRefusal | None:
        bench.world.disk = "dead"
        return check(account, password)

    accounts.check = breaks  # type: ignore[method-assign]
    checks = len(bench.world.checks)
    assert bench.code(RESTART) == "storage_failed"
    bench.world.disk = "well"
    assert bench.code(RESTART) == "grant_rejected"
    assert len(bench.world.checks) == checks + 1


def test_rule_06_two_operators_at_once_try_a_refused_password_once(bench: Bench, canary: bytearray) -> None:
    """Both apply while Windows takes its time: the second one waits, and asks nothing any more."""
    bench.lend(canary)
    bench.world.set_password(ANNA, b"another")
    inside, go_on = bench.slow_check()
    checks, codes = len(bench.world.checks), list[str]()
    threads = [threading.Thread(target=lambda: codes.append(bench.code(RESTART))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert inside.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert codes == ["grant_rejected", "grant_rejected"]
    assert len(bench.world.checks) == checks + 1


def test_rule_06_a_refused_logon_ends_the_grant(bench: Bench, canary: bytearray) -> None:
    """What Windows refuses at the logon screen is erased, and says why."""
    permit = bench.waiting(canary)
    bench.redeem()
    bench.report(permit, LOGON_FAILURE)
    assert bench.sealed() == set()
    use = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))["use"]
    assert use["error"]["code"] == "logon_refused"
    assert bench.code(RESTART) == "grant_rejected"


def test_rule_06_a_late_refusal_counts_whatever_was_believed(bench: Bench, canary: bytearray) -> None:
    """The customer signed in by hand meanwhile, or the permit was given up: the refusal still ends the grant."""
    permit = bench.waiting(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.state.permits[permit].state is PermitState.LOGGED_ON
    bench.report(permit, LOGON_FAILURE)
    assert bench.sealed() == set()
    assert bench.code(RESTART) == "grant_rejected"


def test_rule_06_a_temporary_refusal_keeps_the_grant(bench: Bench, canary: bytearray) -> None:
    """No domain controller says nothing about the password: it may be tried again."""
    bench.lend(canary)
    bench.world.answers = [LogonRefusal.NO_LOGON_SERVERS]
    assert bench.code(RESTART) == "account_refused"
    assert bench.restart()


def test_rule_06_a_pause_while_windows_is_asked_does_not_hide_its_refusal(
    bench: Bench, canary: bytearray
) -> None:
    """The grant is rejected although it was paused when the refusal came."""
    grant = bench.lend(canary)
    bench.world.set_password(ANNA, b"another")
    accounts = bench.agent.core.computer.accounts
    check = accounts.check

    def pausing(account: Account, password: bytearray) -> LogonRefusal | None:
        bench.customer(cm.GrantPause(grant=grant))
        return check(account, password)

    accounts.check = pausing  # type: ignore[method-assign]
    assert bench.code(RESTART) == "grant_rejected"
    assert bench.state.grants[grant].state is GrantState.ERASED
