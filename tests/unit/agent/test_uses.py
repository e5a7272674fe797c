# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants and permits: what the rules decide beyond what always holds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.domain import commands as c
from latchkey_agent.domain.decide import decide, next_deadline
from latchkey_agent.domain.decision import Decision
from latchkey_agent.domain.policy import NOTHING_ALLOWED, Policy
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import GrantState, IllegalTransitionError, PermitState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN, OTHER, START


def use(bench: Bench, permit: str) -> dict[str, Any]:
    """Return how far a use is."""
    answer = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
    return {**answer, **answer["use"]}


def test_an_unlock_where_nobody_is_signed_in_signs_in_and_locks(bench: Bench, canary: bytearray) -> None:
    """There is no desktop of the customer's to open: what is opened is closed again."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.signed_in = []
    permit = bench.unlock()
    bench.sign_in_with_permit()
    assert use(bench, permit)["locked_at"]


def test_an_unlock_of_an_open_desktop_does_nothing(bench: Bench, canary: bytearray) -> None:
    """It is answered with done, without a use."""
    bench.lend(canary, restarts=0, unlocks=1)
    answer = bench.ask(rq.CredentialApply(session="CHG-1", action="unlock"))
    assert isinstance(answer.result, dict)
    assert (answer.changed, answer.result["finished"], answer.result.get("use")) == (False, True, None)
    assert bench.world.checks == ["anna"]


def test_check_mode_begins_nothing_and_asks_windows_nothing(bench: Bench, canary: bytearray) -> None:
    """It answers as if; a refusal is not journalled either."""
    bench.lend(canary)
    answer = bench.ask(rq.CredentialApply(session="CHG-1", action="restart", check=True))
    assert answer.changed
    assert not bench.state.permits
    assert bench.world.checks == ["anna"]
    version = bench.state.version
    assert bench.code(rq.CredentialApply(session="CHG-1", action="unlock", check=True)) == "terms_used_up"
    assert bench.state.version == version


def test_a_refused_apply_is_journalled(bench: Bench, canary: bytearray) -> None:
    """Although nothing was begun; the same again within a minute is not."""
    bench.lend(canary)
    for _ in range(3):
        assert bench.code(rq.CredentialApply(session="CHG-1", action="unlock")) == "terms_used_up"
    assert bench.events().count("command_refused") == 1
    bench.world.now += timedelta(minutes=1)
    bench.code(rq.CredentialApply(session="CHG-1", action="unlock"))
    assert bench.events().count("command_refused") == 2


def test_a_pause_voids_what_was_not_redeemed(bench: Bench, canary: bytearray) -> None:
    """The operator reads that the customer paused; going on brings the permit not back."""
    grant = bench.lend(canary)
    permit = bench.restart()
    assert bench.customer(cm.GrantPause(grant=grant)).done
    assert bench.customer(cm.GrantPause(grant=grant)).done
    assert use(bench, permit)["error"]["code"] == "grant_paused"
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done
    assert bench.customer(cm.GrantPause(grant=grant, pause=False)).done
    assert not bench.logon(lm.Peek())[0].done
    assert bench.restart()


def test_a_restart_that_the_pc_refuses_is_not_counted(bench: Bench, canary: bytearray) -> None:
    """Nobody was signed out; the use is given back."""
    bench.lend(canary)
    bench.world.refuses_restart = "somebody else is signed in"
    permit = bench.restart()
    assert use(bench, permit)["left"] == {"restarts": 2, "unlocks": 0}
    assert use(bench, permit)["error"]["message"] == "Windows refused to restart: somebody else is signed in."


def test_who_signs_in_before_the_restart_is_not_signed_out(bench: Bench, canary: bytearray) -> None:
    """The permit was written before they came: it is cancelled, Windows is not asked, the use is given back."""
    bench.lend(canary)
    bench.effects_lag = True
    permit = bench.restart()
    bench.world.sign_in(BEN, session_id=2)
    bench.effects()
    assert bench.world.restarts == []
    assert use(bench, permit)["left"] == {"restarts": 2, "unlocks": 0}
    assert use(bench, permit)["error"]["code"] == "restart_refused"
    assert BEN.qualified in use(bench, permit)["error"]["message"]


@pytest.mark.parametrize("mine", [True, False])
def test_somebody_else_keeps_the_pc_up(bench: Bench, canary: bytearray, *, mine: bool) -> None:
    """Also where the one who lends has signed out, and in check mode; once the others have gone it restarts."""
    bench.lend(canary)
    if not mine:
        bench.world.signed_in.clear()
    bench.world.sign_in(BEN, session_id=2)
    for check in (True, False):
        apply = rq.CredentialApply(session="CHG-1", action="restart", check=check)
        assert bench.error(apply).code == "others_signed_in"
    bench.world.signed_in.pop()
    assert bench.restart()


def test_a_restart_that_is_too_late_is_not_begun(bench: Bench, canary: bytearray) -> None:
    """The effect runs when the permit's time is over: the PC would come back to nobody."""
    bench.lend(canary)
    bench.effects_lag = True
    permit = bench.restart(within=60.0)
    bench.world.now += timedelta(seconds=60)
    bench.effects()
    assert bench.world.restarts == []
    error = use(bench, permit)["error"]
    assert (error["code"], "before the PC restarted" in error["message"]) == ("permit_cancelled", True)


def test_an_unlock_permit_is_void_after_a_restart(bench: Bench, canary: bytearray) -> None:
    """The operator reads that the PC restarted instead."""
    bench.lend(canary, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    permit = bench.unlock()
    bench.reboot()
    error = use(bench, permit)["error"]
    assert (error["code"], "the PC restarted instead" in error["message"]) == ("permit_cancelled", True)


@pytest.mark.parametrize(
    ("touch", "waits"),
    [
        ("", "the PC to go down"),
        ("reboot", "the logon screen to use the permit"),
        ("redeem", "Windows to sign the customer in"),
        ("report", "the desktop to be locked"),
        ("lock", ""),
    ],
)
def test_the_operator_reads_what_is_waited_for(
    bench: Bench, canary: bytearray, touch: str, waits: str
) -> None:
    """At each stage of a use; nothing when it is finished."""
    stages = ["", "reboot", "redeem", "report", "lock"]
    bench.lend(canary)
    permit = bench.restart()
    for stage in stages[: stages.index(touch) + 1]:
        if stage in {"reboot", "redeem"}:
            getattr(bench, stage)()
        elif stage == "report":
            bench.effects_lag = True
            bench.world.sign_in(ANNA)
            bench.report(permit)
        elif stage == "lock":
            bench.effects()
    found = bench.result(rq.ApplyWait(session="CHG-1", permit=permit)).get("waiting_for", "")
    assert found == waits


def test_a_restart_by_others_is_covered_where_that_was_lent(bench: Bench, canary: bytearray) -> None:
    """The use is marked as begun by others, and counted."""
    bench.lend(canary, foreign_restarts=True)
    bench.reboot()
    bench.sign_in_with_permit()
    [permit] = bench.state.permits.values()
    assert (permit.foreign, permit.state, permit.closing) == (True, PermitState.LOGGED_ON, "locked")
    assert use(bench, permit.id)["left"] == {"restarts": 1, "unlocks": 0}


def test_a_restart_by_others_is_not_covered_where_it_was_not_lent(bench: Bench, canary: bytearray) -> None:
    """The logon screen gets nothing."""
    bench.lend(canary)
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done


def test_a_restart_by_others_is_not_covered_out_of_time_or_terms(bench: Bench, canary: bytearray) -> None:
    """Before the window begins, and when only unlocks are left."""
    bench.lend(canary, session="CHG-1", foreign_restarts=True, not_before="22:00", not_after="05:00")
    bench.lend(canary, session="CHG-2", foreign_restarts=True, restarts=0, unlocks=1)
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done


def test_our_own_restart_is_not_taken_for_anothers(bench: Bench, canary: bytearray) -> None:
    """One permit, one use."""
    bench.waiting(canary, foreign_restarts=True)
    assert len(bench.state.permits) == 1


def test_a_permit_is_not_for_a_moment_after_its_time(bench: Bench, canary: bytearray) -> None:
    """The rule says so itself, whether or not time has been noticed."""
    permit = bench.waiting(canary)
    late = START + timedelta(hours=2)
    command = c.RedeemPermit(permit=permit, boot_id=bench.world.boot)
    with pytest.raises(Refused) as caught:
        decide(bench.state, command, late, Policy())
    assert caught.value.code == "permit_cancelled"


def test_a_grant_is_not_for_a_moment_after_its_time(bench: Bench, canary: bytearray) -> None:
    """Nor is a grant."""
    bench.lend(canary, not_after="20:00")
    command = c.ApplyGrant(
        name="CHG-1",
        permit="t",
        action="restart",
        boot_id="b",
        step=None,
        message="",
        grace=0.0,
        within=60.0,
        relock_after=60.0,
        desktop="none",
    )
    with pytest.raises(Refused) as caught:
        decide(bench.state, command, START + timedelta(hours=2), Policy())
    assert caught.value.code == "grant_expired"


def test_only_one_trial_at_a_time(bench: Bench, canary: bytearray) -> None:
    """A grant that is on trial, or held back, is not tried."""
    grant = bench.lend(canary)
    bench.agent.core.execute(c.BeginTrial(grant=grant))
    with pytest.raises(IllegalTransitionError):
        decide(bench.state, c.BeginTrial(grant=grant), START, Policy())


def test_no_entry_beyond_the_last_is_judged(bench: Bench, canary: bytearray) -> None:
    """Two that nobody could judge are two."""
    request = bench.shown(canary)
    for _ in range(2):
        bench.agent.core.execute(c.TryEntry(request=request))
    assert bench.allow(request, canary).error is not None
    assert bench.world.checks == []


def test_closing_what_is_closed_changes_nothing(bench: Bench, canary: bytearray) -> None:
    """The desktop was locked by one and looked at by another."""
    bench.waiting(canary)
    bench.sign_in_with_permit()
    version = bench.state.version
    permit = next(iter(bench.state.permits))
    bench.agent.core.execute(c.CloseDesktop(permit=permit, how="locked"))
    assert bench.state.version == version


def test_reporting_a_refusal_twice_ends_the_grant_once(bench: Bench, canary: bytearray) -> None:
    """The second report finds everything done."""
    permit = bench.waiting(canary)
    bench.redeem()
    assert bench.report(permit, 0xC000006D)
    version = bench.state.version
    assert bench.report(permit, 0xC000006D)
    assert bench.state.version == version


def test_other_sessions_desktops_stay_as_they_are(bench: Bench, canary: bytearray) -> None:
    """Ending one session, or giving its grant back, locks nothing of another's."""
    bench.lend(canary, session="CHG-2")
    bench.lend(canary, session="CHG-1", restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock("CHG-1")
    bench.sign_in_with_permit()
    bench.ask(rq.CredentialRevoke(session="CHG-2"))
    bench.ask(rq.SessionEnd(session="CHG-2"))
    assert bench.world.open_desktops()


def test_a_finished_permit_has_no_deadline(bench: Bench, canary: bytearray) -> None:
    """What is left is the grant's own end."""
    bench.lend(canary, not_after="23:00")
    bench.restart()
    bench.reboot()
    bench.sign_in_with_permit()
    assert next_deadline(bench.state) == START.replace(hour=23)


def test_of_unread_notices_the_last_ones_are_kept(bench: Bench, canary: bytearray) -> None:
    """A customer who never comes back does not make the agent slow; another's notices stay."""
    bench.open()
    bench.world.set_password(BEN, canary)
    request = bench.request(account="ben")
    bench.customer(cm.RequestShown(request=request, text_sha256="0" * 64), peer=OTHER)
    assert bench.customer(cm.RequestAllow(request=request, entered="ben"), canary, OTHER).done
    for number in range(30):
        bench.lend(canary, session=f"S-{number}")
        bench.ask(rq.SessionEnd(session=f"S-{number}"))
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert 64 <= len(snapshot.notices) < 64 + 8
    assert snapshot.notices[-1].kind == "erased"
    theirs = bench.customer(cm.CustomerWatch(), peer=OTHER).snapshot
    assert theirs is not None
    assert [notice.kind for notice in theirs.notices] == ["granted"]


def test_a_session_with_an_open_desktop_is_not_forgotten(bench: Bench, canary: bytearray) -> None:
    """Its name is used again, but what it has opened is still to be closed; then it may go."""
    permit = bench.waiting(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.report(permit)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.result(rq.SessionStart(session="CHG-1", reason="Another"))
    assert permit in bench.state.permits
    bench.world.lock_works = True
    bench.effects()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.result(rq.SessionStart(session="CHG-1", reason="A third"))
    assert permit not in bench.state.permits
    assert len(bench.state.sessions) == 1


def test_a_session_with_a_void_permit_is_forgotten(bench: Bench, canary: bytearray) -> None:
    """Nothing comes of it any more."""
    bench.lend(canary)
    bench.world.refuses_restart = "somebody else is signed in"
    bench.restart()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.result(rq.SessionStart(session="CHG-1", reason="Another"))
    assert not bench.state.permits


def test_a_fault_of_the_pc_while_a_password_is_tried_keeps_the_grant(bench: Bench, canary: bytearray) -> None:
    """Windows said nothing about it: it may be tried again."""
    bench.lend(canary)
    bench.world.broken.add("accounts")
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "agent_failed"
    bench.world.broken.clear()
    assert bench.restart()


def test_a_desktop_that_went_down_with_the_pc_is_gone(bench: Bench, canary: bytearray) -> None:
    """The power failed before the lock: nothing is open any more, and the customer reads that."""
    permit = bench.waiting(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.effects_lag = True
    bench.report(permit)
    bench.power_cut()
    assert bench.state.permits[permit].closing == "gone"


def test_a_restart_by_others_is_not_taken_for_the_jobs_own(bench: Bench, canary: bytearray) -> None:
    """The job's step still wants its restart."""
    bench.lend(canary, foreign_restarts=True)
    bench.reboot()
    bench.sign_in_with_permit()
    assert bench.restart() != next(iter(bench.state.permits))


def test_nothing_allowed_allows_taking_back(bench: Bench, canary: bytearray) -> None:
    """The policy that stands for a broken one refuses to lend, and ends what is lent."""
    grant = bench.lend(canary)
    assert decide(bench.state, c.EndGrant(grant=grant, how="revoke"), START, NOTHING_ALLOWED).events
    bench.revoke()
    assert bench.state.grants[grant].ended is GrantState.REVOKED


def test_effects_never_come_without_an_event(bench: Bench, canary: bytearray) -> None:
    """Who waits for something to do looks at the state's version: each decision of a whole job keeps to that."""
    seen: list[Decision] = []
    commit = bench.agent.core._commit

    def watched(decision: Decision, put: tuple[str, bytes] | None = None) -> None:
        seen.append(decision)
        commit(decision, put)

    bench.agent.core._commit = watched  # type: ignore[method-assign]
    bench.lend(canary, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock(relock_after=60.0)
    bench.sign_in_with_permit()
    bench.world.now += timedelta(seconds=60)
    bench.wake()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    assert any(decision.effects for decision in seen)
    assert all(decision.events for decision in seen if decision.effects)
