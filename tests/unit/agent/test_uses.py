# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants and permits: decisions beyond the rules that always hold."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from latchkey_agent.domain import commands as c
from latchkey_agent.domain.decide import decide
from latchkey_agent.domain.decision import Decision
from latchkey_agent.domain.evolve import AT_ONCE, KEPT_SESSIONS
from latchkey_agent.domain.policy import NOTHING_ALLOWED, Policy
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import GrantState, IllegalTransitionError, PermitState
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import Bench, at
from tests.unit.agent.world import ADMIN, ANNA, BEN, OTHER, START


def use(bench: Bench, permit: str) -> dict[str, Any]:
    """Return the state of a use."""
    answer = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
    return {**answer, **answer["use"]}


def test_rule_01_an_unlock_signs_nobody_in(bench: Bench, canary: bytearray) -> None:
    """The customer lent unlocks: an unlock is refused while they have no desktop, and costs nothing."""
    grant = bench.lend(canary, restarts=0, unlocks=1)
    bench.world.signed_in = []
    assert bench.code(rq.CredentialApply(session="CHG-1", action="unlock")) == "not_signed_in"
    assert bench.state.grants[grant].left.unlocks == 1


def test_rule_01_an_unlock_is_void_once_its_desktop_is_gone(bench: Bench, canary: bytearray) -> None:
    """The customer signs out before the logon screen unlocks: the permit signs nobody in, and costs nothing."""
    grant = bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    permit = bench.unlock()
    bench.world.signed_in = []
    bench.agent.sessions_changed()
    assert not bench.logon(lm.Peek())[0].done
    assert use(bench, permit)["error"]["code"] == "not_signed_in"
    assert bench.state.grants[grant].left.unlocks == 1


@pytest.mark.parametrize("desktop", ["opened", "gone"])
def test_rule_05_an_unlock_looks_at_the_screen_after_the_password(
    bench: Bench, canary: bytearray, desktop: str
) -> None:
    """The customer unlocks or signs out while Windows checks the password: no permit waits for their next lock."""
    grant = bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    inside, go_on = bench.slow_check()
    answers: list[ans.Answer] = []
    asking = threading.Thread(
        target=lambda: answers.append(bench.ask(rq.CredentialApply(session="CHG-1", action="unlock")))
    )
    asking.start()
    assert inside.wait(10)
    if desktop == "opened":
        bench.world.sign_in(ANNA)
    else:
        bench.world.signed_in = []
    bench.agent.sessions_changed()
    go_on.set()
    asking.join()
    assert bench.state.permits == {}
    assert (answers[0].outcome, answers[0].changed) == ("done" if desktop == "opened" else "refused", False)
    assert bench.state.grants[grant].left.unlocks == 1
    assert not bench.state.grants[grant].on_trial


@pytest.mark.parametrize("desktop", ["opened", "gone"])
def test_rule_05_an_unlock_looks_at_the_screen_before_the_password_is_out(
    bench: Bench, canary: bytearray, desktop: str
) -> None:
    """Windows' notice of a change may still be on its way when the logon screen redeems."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    permit = bench.unlock()
    bench.world.signed_in = []
    if desktop == "opened":
        bench.world.sign_in(ANNA)
    answer, secret = bench.logon(lm.Redeem(permit=permit))
    assert (answer.done, secret) == (False, bytearray())


def test_rule_05_without_a_look_at_the_screen_no_unlock_is_redeemed(bench: Bench, canary: bytearray) -> None:
    """While Windows does not list its sessions, no password of an unlock is handed out."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    permit = bench.unlock()
    bench.world.broken.add("sessions")
    assert not bench.logon(lm.Redeem(permit=permit))[0].done
    bench.world.broken.clear()
    assert bench.logon(lm.Redeem(permit=permit))[0].done


def test_rule_03_a_restart_that_had_to_wait_does_not_come_too_late(bench: Bench, canary: bytearray) -> None:
    """The effect may fail for a while: Windows is not asked for a restart whose warning ends after the permit."""
    grant = bench.lend(canary, restarts=2, grace=300.0)
    bench.effects_lag = True
    permit = bench.restart(within=600.0)
    bench.effects_lag = False
    bench.world.broken.add("sessions")
    assert not bench.effects()
    bench.world.now += timedelta(seconds=590)
    bench.world.broken.clear()
    bench.effects()
    assert bench.world.restarts == []
    assert use(bench, permit)["error"]["code"] == "restart_refused"
    assert bench.state.grants[grant].left.restarts == 2


def test_rule_03_a_restart_after_a_kill_does_not_come_after_the_terms(
    bench: Bench, canary: bytearray
) -> None:
    """The agent starts again shortly before the end of the terms: the restart is cancelled."""
    bench.lend(canary, restarts=2, grace=30.0, not_after="18:10")
    bench.effects_lag = True
    bench.restart()
    bench.kill()
    bench.world.now += timedelta(seconds=580)
    bench.start()
    bench.effects_lag = False
    bench.effects()
    assert bench.world.restarts == []


def test_rule_05_an_unlock_does_not_outlive_the_agent(bench: Bench, canary: bytearray) -> None:
    """While the agent is down the customer may unlock and lock: the permit opens no later lock, and costs nothing."""
    grant = bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    permit = bench.unlock()
    bench.crash()
    assert not bench.logon(lm.Peek())[0].done
    assert use(bench, permit)["error"]["code"] == "permit_cancelled"
    assert bench.state.grants[grant].left.unlocks == 1


@pytest.mark.parametrize("late", [{"not_after": "18:10"}, {"within": 600.0}, {"ends": "18:10"}], ids=str)
def test_rule_03_no_restart_after_the_agreed_time(
    bench: Bench, canary: bytearray, late: dict[str, Any]
) -> None:
    """A warning that is longer than the time that is left is refused: the PC would restart outside of the terms."""
    bench.world.set_password(ANNA, canary)
    bench.world.sign_in(ANNA)
    bench.result(rq.SessionStart(session="CHG-1", reason="Updates", ends=late.get("ends")))
    request = bench.request(grace=600.0, not_after=late.get("not_after"))
    bench.show(request)
    assert bench.allow(request, canary).done
    apply = rq.CredentialApply(session="CHG-1", action="restart", within=late.get("within", 3600.0))
    assert bench.code(apply) == "too_late"
    assert bench.world.restarts == []
    if "within" in late:
        bench.restart(within=601.0)


def test_rule_06_a_late_report_of_a_logon_settles_its_doubt(bench: Bench, canary: bytearray) -> None:
    """A desktop that is seen before its report leaves no doubt about the password after the report."""
    grant = bench.lend(canary, restarts=3, foreign_restarts=True)
    for _ in range(2):
        bench.reboot()
        permit, _secret = bench.redeem()
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
        assert bench.state.grants[grant].is_doubtful
        assert bench.report(permit)
        assert not bench.state.grants[grant].is_doubtful
    assert bench.state.grants[grant].ended is None


def test_an_unlock_of_an_open_desktop_does_nothing(bench: Bench, canary: bytearray) -> None:
    """An unlock of an open desktop is done without a use."""
    bench.lend(canary, restarts=0, unlocks=1)
    answer = bench.ask(rq.CredentialApply(session="CHG-1", action="unlock"))
    assert isinstance(answer.result, dict)
    assert (answer.changed, answer.result["finished"], answer.result.get("use")) == (False, True, None)
    assert bench.world.checks == ["anna"]


def test_check_mode_begins_nothing_and_asks_windows_nothing(bench: Bench, canary: bytearray) -> None:
    """Check mode issues no permit, does not ask Windows and journals no refusal."""
    bench.lend(canary)
    answer = bench.ask(rq.CredentialApply(session="CHG-1", action="restart", check=True))
    assert answer.changed
    assert not bench.state.permits
    assert bench.world.checks == ["anna"]
    version = bench.state.version
    assert bench.code(rq.CredentialApply(session="CHG-1", action="unlock", check=True)) == "terms_used_up"
    assert bench.state.version == version


def test_a_refused_use_is_journalled(bench: Bench, canary: bytearray) -> None:
    """A refused use is journalled, at most once a minute."""
    bench.lend(canary)
    for _ in range(3):
        assert bench.code(rq.CredentialApply(session="CHG-1", action="unlock")) == "terms_used_up"
    assert bench.events().count("command_refused") == 1
    bench.world.now += timedelta(minutes=1)
    bench.code(rq.CredentialApply(session="CHG-1", action="unlock"))
    assert bench.events().count("command_refused") == 2


def test_a_pause_cancels_an_unredeemed_permit(bench: Bench, canary: bytearray) -> None:
    """A pause cancels an unredeemed permit, and a resume does not restore it."""
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
    """A restart that Windows refuses is not counted as a use."""
    bench.lend(canary)
    bench.world.refuses_restart = "somebody else is signed in"
    permit = bench.restart()
    assert use(bench, permit)["left"] == {"restarts": 2, "unlocks": 0}
    assert use(bench, permit)["error"]["message"] == "Windows refused to restart: somebody else is signed in."


def test_a_sign_in_before_the_restart_cancels_it(bench: Bench, canary: bytearray) -> None:
    """A sign-in by another account before the restart cancels the permit, and the use is not counted."""
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
def test_another_signed_in_account_prevents_a_restart(bench: Bench, canary: bytearray, *, mine: bool) -> None:
    """Another signed-in account prevents a restart until it signs out, also in check mode."""
    bench.lend(canary)
    if not mine:
        bench.world.signed_in.clear()
    bench.world.sign_in(BEN, session_id=2)
    for check in (True, False):
        apply = rq.CredentialApply(session="CHG-1", action="restart", check=check)
        assert bench.error(apply).code == "others_signed_in"
    bench.world.signed_in.pop()
    assert bench.restart()


def test_a_late_restart_effect_does_not_restart(bench: Bench, canary: bytearray) -> None:
    """A restart effect that runs after the permit's time does not restart the PC."""
    bench.lend(canary)
    bench.effects_lag = True
    permit = bench.restart(within=60.0)
    bench.world.now += timedelta(seconds=60)
    bench.effects()
    assert bench.world.restarts == []
    error = use(bench, permit)["error"]
    assert (error["code"], "before the PC restarted" in error["message"]) == ("permit_cancelled", True)


def test_an_unlock_permit_is_void_after_a_restart(bench: Bench, canary: bytearray) -> None:
    """An unlock permit is cancelled by a restart, and the use says so."""
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
def test_the_operator_reads_the_reason_for_waiting(
    bench: Bench, canary: bytearray, touch: str, waits: str
) -> None:
    """The operator reads the reason for waiting at each stage, and none at the end."""
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


def test_a_restart_by_others_is_used_if_the_terms_cover_it(bench: Bench, canary: bytearray) -> None:
    """A restart by others counts as a use if the terms cover it."""
    bench.lend(canary, foreign_restarts=True)
    bench.reboot()
    bench.sign_in_with_permit()
    [permit] = bench.state.permits.values()
    assert (permit.foreign, permit.state, permit.closing) == (True, PermitState.LOGGED_ON, "locked")
    assert use(bench, permit.id)["left"] == {"restarts": 1, "unlocks": 0}


def test_a_restart_by_others_needs_terms_that_cover_it(bench: Bench, canary: bytearray) -> None:
    """A restart by others issues no permit if the terms do not cover it."""
    bench.lend(canary)
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done


def test_a_restart_by_others_needs_time_and_restarts_left(bench: Bench, canary: bytearray) -> None:
    """A restart by others issues no permit before the agreed time or when only unlocks are left."""
    bench.lend(canary, session="CHG-1", foreign_restarts=True, not_before="22:00", not_after="05:00")
    bench.lend(canary, session="CHG-2", foreign_restarts=True, restarts=0, unlocks=1)
    bench.reboot()
    assert not bench.logon(lm.Peek())[0].done


def test_the_jobs_own_restart_issues_one_permit(bench: Bench, canary: bytearray) -> None:
    """The job's own restart does not issue a second permit."""
    bench.at_logon_screen(canary, foreign_restarts=True)
    assert len(bench.state.permits) == 1


def test_an_expired_permit_is_refused_by_the_rule(bench: Bench, canary: bytearray) -> None:
    """The rule refuses an expired permit even before the clock thread notices."""
    permit = bench.at_logon_screen(canary)
    late = START + timedelta(hours=2)
    command = c.RedeemPermit(permit=permit, boot_id=bench.world.boot)
    with pytest.raises(Refused) as caught:
        decide(bench.state, command, at(late), Policy())
    assert caught.value.code == "permit_cancelled"


def test_an_expired_grant_is_refused_by_the_rule(bench: Bench, canary: bytearray) -> None:
    """The rule refuses an expired grant even before the clock thread notices."""
    bench.lend(canary, not_after="20:00")
    command = c.ApplyGrant(
        by=ADMIN,
        name="CHG-1",
        permit="t",
        action="restart",
        boot_id="b",
        step=None,
        message="",
        within=60.0,
        desktop="none",
    )
    with pytest.raises(Refused) as caught:
        decide(bench.state, command, at(START + timedelta(hours=2)), Policy())
    assert caught.value.code == "grant_expired"


def test_only_one_trial_at_a_time(bench: Bench, canary: bytearray) -> None:
    """A second trial of the same grant cannot begin before the first one ends."""
    grant = bench.lend(canary)
    bench.agent.core.execute(c.BeginTrial(grant=grant))
    with pytest.raises(IllegalTransitionError):
        decide(bench.state, c.BeginTrial(grant=grant), at(START), Policy())


def test_no_entry_beyond_the_last_is_checked(bench: Bench, canary: bytearray) -> None:
    """Two entries without an answer of Windows leave no third one."""
    request = bench.shown_request(canary)
    for _ in range(2):
        bench.agent.core.execute(c.TryEntry(request=request))
    assert bench.allow(request, canary).error is not None
    assert bench.world.checks == []


def test_closing_a_closed_desktop_changes_nothing(bench: Bench, canary: bytearray) -> None:
    """Closing a locked desktop again adds no event."""
    bench.at_logon_screen(canary)
    bench.sign_in_with_permit()
    version = bench.state.version
    permit = next(iter(bench.state.permits))
    bench.agent.core.execute(c.CloseDesktop(permit=permit, how="locked"))
    assert bench.state.version == version


def test_reporting_a_refusal_twice_ends_the_grant_once(bench: Bench, canary: bytearray) -> None:
    """A second report of the same refusal changes nothing."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    assert bench.report(permit, 0xC000006D)
    version = bench.state.version
    assert bench.report(permit, 0xC000006D)
    assert bench.state.version == version


def test_other_sessions_desktops_stay_as_they_are(bench: Bench, canary: bytearray) -> None:
    """Ending one session, or revoking its grant, does not lock the desktop of another session."""
    bench.lend(canary, session="CHG-2")
    bench.lend(canary, session="CHG-1", restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock("CHG-1")
    bench.sign_in_with_permit()
    bench.ask(rq.CredentialRevoke(session="CHG-2"))
    bench.ask(rq.SessionEnd(session="CHG-2"))
    assert bench.world.open_desktops()


def test_a_finished_permit_has_no_deadline(bench: Bench, canary: bytearray) -> None:
    """The next deadline after a finished use is the end of the grant."""
    bench.lend(canary, not_after="23:00")
    bench.restart()
    bench.reboot()
    bench.sign_in_with_permit()
    assert bench.deadline() == START.replace(hour=23)


def test_the_state_keeps_the_latest_unread_notices(bench: Bench, canary: bytearray) -> None:
    """The state keeps a limited number of unread notices per account."""
    bench.start_session()
    bench.world.set_password(BEN, canary)
    request = bench.request(account="ben")
    bench.customer(cm.RequestShown(request=request, text_sha256="0" * 64), peer=OTHER)
    assert bench.customer(cm.RequestAllow(request=request, entered="ben"), canary, OTHER).done
    for number in range(100):
        bench.lend(canary, session=f"S-{number}")
        bench.ask(rq.SessionEnd(session=f"S-{number}"))
    snapshot = bench.customer(cm.CustomerWatch()).snapshot
    assert snapshot is not None
    assert 256 <= len(snapshot.notices) < 256 + 8
    assert snapshot.notices[-1].kind == "erased"
    theirs = bench.customer(cm.CustomerWatch(), peer=OTHER).snapshot
    assert theirs is not None
    assert [notice.kind for notice in theirs.notices] == ["granted"]


def crowd(bench: Bench) -> None:
    """Start and end so many sessions that the oldest ended ones are forgotten."""
    for number in range(KEPT_SESSIONS + AT_ONCE + 1):
        bench.result(rq.SessionStart(session=f"crowd-{number}", reason="Another"))
        bench.ask(rq.SessionEnd(session=f"crowd-{number}"))


def test_a_session_with_an_open_desktop_is_not_forgotten(bench: Bench, canary: bytearray) -> None:
    """An ended session is kept until its open desktop is locked."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.world.lock_works = bench.world.disconnect_works = False
    bench.report(permit)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    crowd(bench)
    assert permit in bench.state.permits
    bench.world.lock_works = True
    bench.effects()
    crowd(bench)
    assert permit not in bench.state.permits


def test_a_session_with_a_void_permit_is_forgotten(bench: Bench, canary: bytearray) -> None:
    """A cancelled permit does not keep its session."""
    bench.lend(canary)
    bench.world.refuses_restart = "somebody else is signed in"
    bench.restart()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    crowd(bench)
    assert not bench.state.permits


def test_ending_a_session_of_a_reused_name_keeps_the_older_one(bench: Bench, canary: bytearray) -> None:
    """A session of the same name removes nothing of an ended one: its receipts stay."""
    bench.lend(canary)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.result(rq.SessionStart(session="CHG-1", reason="Another"))
    assert len(bench.state.sessions) == 2
    assert len(bench.result(rq.Info(receipts=True))["receipts"]) == 1


def test_a_fault_of_the_pc_during_a_check_keeps_the_grant(bench: Bench, canary: bytearray) -> None:
    """A failed port during the check says nothing about the password, so the grant stays usable."""
    bench.lend(canary)
    bench.world.broken.add("accounts")
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "agent_failed"
    bench.world.broken.clear()
    assert bench.restart()


def test_a_desktop_is_gone_after_a_power_cut(bench: Bench, canary: bytearray) -> None:
    """A desktop counts as gone after a power cut before its lock."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.effects_lag = True
    bench.report(permit)
    bench.power_cut()
    assert bench.state.permits[permit].closing == "gone"


def test_a_restart_by_others_is_not_taken_for_the_jobs_own(bench: Bench, canary: bytearray) -> None:
    """A restart by others does not stand for the restart of the job's step."""
    bench.lend(canary, foreign_restarts=True)
    bench.reboot()
    bench.sign_in_with_permit()
    assert bench.restart() != next(iter(bench.state.permits))


def test_a_broken_policy_allows_a_revocation(bench: Bench, canary: bytearray) -> None:
    """The policy that replaces a broken one still allows a revocation."""
    grant = bench.lend(canary)
    revoke = c.RevokeGrants(grants=(grant,), revoked_by="customer")
    assert decide(bench.state, revoke, at(START), NOTHING_ALLOWED).events
    bench.revoke()
    assert bench.state.grants[grant].ended is GrantState.REVOKED


def test_every_effect_comes_with_an_event(bench: Bench, canary: bytearray) -> None:
    """Every decision with an effect has an event, because waiting threads watch the state's version."""
    seen: list[Decision] = []
    commit = bench.agent.core._commit

    def watched(decision: Decision, put: tuple[str, bytes] | None = None, *, revokes: bool = False) -> None:
        seen.append(decision)
        commit(decision, put, revokes=revokes)

    bench.agent.core._commit = watched  # type: ignore[method-assign]
    bench.lend(canary, unlocks=1, relock_after=60.0)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    bench.sign_in_with_permit()
    bench.world.now += timedelta(seconds=60)
    bench.wake()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    assert any(decision.effects for decision in seen)
    assert all(decision.events for decision in seen if decision.effects)
