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
    """The second redemption of a permit is refused and returns no password."""
    bench.at_logon_screen(canary)
    permit, secret = bench.redeem()
    assert secret == canary
    again, nothing = bench.logon(lm.Redeem(permit=permit))
    assert (again.done, nothing) == (False, bytearray())
    assert not bench.logon(lm.Peek())[0].done


@pytest.mark.parametrize("life", ["crash", "reboot", "power_cut"])
def test_rule_05_a_redeemed_permit_stays_redeemed(bench: Bench, canary: bytearray, life: str) -> None:
    """A crash, a reboot or a power cut does not make a redeemed permit valid again."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    getattr(bench, life)()
    assert not bench.logon(lm.Redeem(permit=permit))[0].done
    assert not bench.logon(lm.Peek())[0].done


def test_rule_05_the_redemption_is_on_the_disk_before_the_password_is_out(
    place: Path, canary: bytearray
) -> None:
    """A power cut at any touch of a redemption never lets the same permit return the password twice."""
    tried = 0
    for cut in cuts(place, lambda bench: bench.at_logon_screen(canary), lambda bench: bench.redeem()[1]):
        permit = next(reversed(cut.bench.state.permits))
        again = cut.bench.logon(lm.Redeem(permit=permit))[1]
        assert not (cut.result and again)
        assert bool(cut.result) == cut.survived
        tried += 1
    assert tried > 3


@pytest.mark.parametrize("disk", ["full", "dead"])
def test_rule_05_a_disk_that_fails_hands_nothing_over(bench: Bench, canary: bytearray, disk: str) -> None:
    """A redemption that cannot be journalled returns no password, and the permit stays valid."""
    permit = bench.at_logon_screen(canary)
    bench.world.disk = disk  # type: ignore[assignment]
    answer, secret = bench.logon(lm.Redeem(permit=permit))
    assert (answer.done, secret) == (False, bytearray())
    bench.world.disk = "well"
    assert bench.redeem()[1] == canary


# --- 6: a password that Windows refused --------------------------------------------------------


def test_rule_06_two_entries_are_tried_and_no_third(bench: Bench, canary: bytearray) -> None:
    """The second refused entry ends the request, and Windows is never asked a third time."""
    request = bench.shown_request(canary)
    assert bench.allow(request, WRONG).tries_left == 1
    assert bench.allow(request, WRONG).tries_left == 0
    assert not bench.allow(request, canary).done
    assert bench.world.checks == ["anna", "anna"]
    assert bench.code(rq.RequestWait(session="CHG-1", request=request)) == "wrong_password"


def test_rule_06_a_crash_does_not_give_an_entry_back(bench: Bench, canary: bytearray) -> None:
    """An entry counts even if the agent dies before it journals the answer of Windows."""
    request = bench.shown_request(canary)
    for _ in range(3):
        bench.world.dies_after = "accounts"
        with suppress(PowerCut):
            bench.allow(request, WRONG)
        bench.crash()
    assert bench.world.checks == ["anna", "anna"]
    assert bench.state.requests[request].state is RequestState.DENIED


def test_rule_06_postponing_during_the_last_check_gives_no_entry_back(
    bench: Bench, canary: bytearray
) -> None:
    """Postponing during the check of the last entry does not revive a request without entries left."""
    request = bench.shown_request(canary)
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
    """A refused check before a use rejects and erases the grant, and no second check follows."""
    grant = bench.lend(canary)
    bench.world.set_password(ANNA, b"another")
    checks = len(bench.world.checks)
    assert bench.code(RESTART) == "grant_rejected"
    assert bench.code(RESTART) == "grant_rejected"
    assert len(bench.world.checks) == checks + 1
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert bench.sealed() == set()


def test_rule_06_a_crash_does_not_lead_to_a_second_trial(bench: Bench, canary: bytearray) -> None:
    """A crash between the refusal of Windows and its journal entry erases the record."""
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


def test_rule_06_a_failing_disk_does_not_lead_to_a_second_trial(bench: Bench, canary: bytearray) -> None:
    """A refusal that could not be journalled still prevents a second check once the disk works."""
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
    """The second of two simultaneous uses waits and does not ask Windows again."""
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
    """A refusal at the logon screen erases the record, and the use reports the reason."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit, LOGON_FAILURE)
    assert bench.sealed() == set()
    use = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))["use"]
    assert use["error"]["code"] == "logon_refused"
    assert bench.code(RESTART) == "grant_rejected"


def test_rule_06_a_late_refusal_ends_the_grant(bench: Bench, canary: bytearray) -> None:
    """A refusal reported after the customer signed in by hand still ends the grant."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.state.permits[permit].state is PermitState.LOGGED_ON
    bench.report(permit, LOGON_FAILURE)
    assert bench.sealed() == set()
    assert bench.code(RESTART) == "grant_rejected"


def test_rule_06_a_temporary_refusal_keeps_the_grant(bench: Bench, canary: bytearray) -> None:
    """A missing domain controller says nothing about the password, so the grant stays usable."""
    bench.lend(canary)
    bench.world.answers = [LogonRefusal.NO_LOGON_SERVERS]
    assert bench.code(RESTART) == "account_refused"
    assert bench.restart()


def test_rule_06_a_pause_during_the_check_does_not_hide_a_refusal(bench: Bench, canary: bytearray) -> None:
    """A grant paused during the check is still rejected when Windows refuses the password."""
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


def test_nothing_is_redeemed_while_the_settings_are_broken(bench: Bench, canary: bytearray) -> None:
    """A policy that cannot be read allows no use, also one that began before; repaired settings allow it again."""
    permit = bench.at_logon_screen(canary)
    bench.settings.write_text("[policy]\nnonsense = 1\n")
    assert not bench.logon(lm.Peek())[0].done
    assert bench.logon(lm.Redeem(permit=permit))[1] == b""
    bench.settings.write_text("")
    assert bench.redeem() == (permit, canary)
