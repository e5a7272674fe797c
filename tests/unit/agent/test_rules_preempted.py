# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logons that did not go as planned: sign-ins by hand or by Windows, refusals that pass, results that never came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest

from latchkey_agent.domain import LogonFacts, LogonRefusal, PermitState, State
from latchkey_agent.domain.transitions import GrantState
from latchkey_agent.ports import SignIn
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from latchkey_agent.storage.journal import JournalDamagedError
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import ANNA, BEN

PASSES = [0xC000005E, 0xC0000192, 0xC000018D, 0xC0000133, 0xC000006F]
FINAL = [0xC000006D, 0xC0000234, 0xC0000072, 0xC0000071, 0xC0001234]


def use(bench: Bench, permit: str) -> dict[str, Any]:
    """Return the state of a use."""
    answer = bench.result(rq.ApplyWait(session="CHG-1", permit=permit))
    return {**answer, **answer["use"]}


# --- a restart permit is void as soon as its account has a desktop -----------------------------


@pytest.mark.parametrize("locked", [False, True])
def test_a_sign_in_by_hand_voids_the_permit(bench: Bench, canary: bytearray, *, locked: bool) -> None:
    """After a sign-in by hand the permit cannot open a lock of the customer's own; the use is a success."""
    permit = bench.at_logon_screen(canary)
    bench.world.sign_in(ANNA, locked=locked)
    bench.agent.sessions_changed()
    bench.effects()
    assert not bench.logon(lm.Peek())[0].done
    seen = use(bench, permit)
    assert (seen["state"], seen["why"], seen["finished"], seen.get("error")) == (
        "cancelled",
        "signed_in",
        True,
        None,
    )
    assert seen["left"]["restarts"] == 1
    assert len(bench.world.open_desktops()) == (not locked)


@pytest.mark.parametrize("locked", [False, True])
def test_a_restart_looks_at_the_sessions_before_the_password_is_out(
    bench: Bench, canary: bytearray, *, locked: bool
) -> None:
    """A permit that signs in opens no lock of the customer's own, though Windows' notice is still on its way.

    From Windows 10 on the logon screen asks for both with CPUS_LOGON (CREDENTIAL_PROVIDER_USAGE_SCENARIO on
    learn.microsoft.com).
    """
    permit = bench.at_logon_screen(canary)
    tile = bench.logon(lm.Peek())[0]
    bench.world.sign_in(ANNA, locked=locked)
    answer, secret = bench.logon(lm.Redeem(permit=tile.permit))
    assert (answer.done, secret) == (False, bytearray())
    seen = use(bench, permit)
    assert (seen["state"], seen["why"]) == ("cancelled", "signed_in")
    bench.effects()
    assert len(bench.world.open_desktops()) == (not locked)


def test_rule_09_a_desktop_that_windows_opened_before_its_notice_is_locked(
    bench: Bench, canary: bytearray
) -> None:
    """AutoAdminLogon signs in while the logon screen redeems: the permit is void, and the desktop ends locked."""
    bench.world.facts = LogonFacts(auto_logon=True)
    permit = bench.at_logon_screen(canary)
    bench.world.sign_in(ANNA)
    assert not bench.logon(lm.Redeem(permit=permit))[0].done
    bench.effects()
    assert bench.world.open_desktops() == []


def test_a_restart_does_not_depend_on_the_list_of_sessions(bench: Bench, canary: bytearray) -> None:
    """Early after a restart Windows may not list its sessions; nobody has signed in then."""
    permit = bench.at_logon_screen(canary)
    bench.world.broken.add("sessions")
    assert bench.logon(lm.Redeem(permit=permit))[0].done


def test_a_sign_in_by_hand_is_the_success_of_its_step(bench: Bench, canary: bytearray) -> None:
    """A job that is launched again does not restart again for a step after which the customer signed in."""
    bench.lend(canary)
    permit = bench.restart(step="one")
    bench.reboot()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.result(rq.Checkpoint(session="CHG-1", step="one", state="started"))
    assert bench.restart(step="one") == permit
    session = bench.result(rq.Info(session="CHG-1"))["sessions"][0]
    assert session["checkpoints"]["one"]["restarted"]


def test_an_unlock_by_hand_voids_the_permit_and_is_not_counted(bench: Bench, canary: bytearray) -> None:
    """The customer's own unlock voids a waiting unlock, which would open the next lock of theirs."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    permit = bench.unlock()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.world.sign_in(ANNA, locked=True)
    assert not bench.logon(lm.Peek())[0].done
    assert use(bench, permit)["left"]["unlocks"] == 1


@pytest.mark.parametrize("auto_logon", [True, None])
def test_rule_09_a_desktop_that_windows_opens_after_our_restart_is_locked(
    bench: Bench, canary: bytearray, *, auto_logon: bool | None
) -> None:
    """AutoAdminLogon signs in at the boot, or may: the permit is void, and the desktop ends locked."""
    bench.world.facts = LogonFacts(auto_logon=auto_logon)
    permit = bench.at_logon_screen(canary)
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"
    assert bench.world.facts_asked == 0, "the lock must not wait for the slow facts"


def test_rule_09_a_desktop_that_windows_opens_after_the_permit_lapsed_is_locked(
    bench: Bench, canary: bytearray
) -> None:
    """A restart that takes longer than its permit, and AutoAdminLogon: the first desktop is locked, no later one."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary)
    permit = bench.restart(within=60.0)
    bench.world.now += timedelta(minutes=5)
    bench.reboot()
    assert bench.state.permits[permit].state is PermitState.LAPSED
    for expected in (0, 1):
        bench.world.sign_in(ANNA)
        bench.agent.sessions_changed()
        bench.effects()
        assert len(bench.world.open_desktops()) == expected


def test_rule_09_a_desktop_that_windows_opens_after_a_revocation_is_locked(
    bench: Bench, canary: bytearray
) -> None:
    """The customer revokes during the warning; the restart and Windows' own sign-in happen all the same."""
    bench.world.facts = LogonFacts(auto_logon=True)
    bench.lend(canary)
    bench.restart()
    bench.revoke()
    bench.reboot()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_a_sign_in_by_hand_after_the_permit_lapsed_stays_open(bench: Bench, canary: bytearray) -> None:
    """Where Windows signs nobody in by itself, the customer's own sign-in stays open."""
    bench.lend(canary)
    bench.restart(within=60.0)
    bench.world.now += timedelta(minutes=5)
    bench.reboot()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops()


# --- rule 9: the very session of the logon ------------------------------------------------------


def test_rule_09_another_open_desktop_of_the_account_is_not_taken_for_the_logon(
    bench: Bench, canary: bytearray
) -> None:
    """A remote session of the account is locked, but the lock of the real desktop is still owed."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.signed_in = [SignIn(7, ANNA, console=False, active=True, locked=False)]
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.state.permits[permit].closing is None
    bench.world.signed_in.append(SignIn(1, ANNA, console=True, active=True, locked=False))
    bench.report(permit)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].closing == "locked"


@pytest.mark.parametrize("how", ["operator", "customer", "pause", "session"])
@pytest.mark.parametrize("late", [False, True])
def test_rule_09_an_unlock_closes_when_its_grant_ends(
    bench: Bench, canary: bytearray, how: str, *, late: bool
) -> None:
    """Revoked, paused or ended before the report or after it, by whomever: the desktop does not stay open."""
    grant = bench.lend(canary, restarts=0, unlocks=2)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    permit, _ = bench.redeem()
    endings: dict[str, Any] = {
        "operator": lambda: bench.ask(rq.CredentialRevoke(session="CHG-1")),
        "customer": bench.revoke,
        "pause": lambda: bench.customer(cm.GrantPause(grant=grant)),
        "session": lambda: bench.ask(rq.SessionEnd(session="CHG-1")),
    }
    if not late:
        endings[how]()
    bench.world.sign_in(ANNA)
    bench.report(permit)
    if late:
        assert bench.world.open_desktops()
        endings[how]()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_an_unlock_that_is_slow_to_open_is_closed_once_it_does(
    bench: Bench, canary: bytearray
) -> None:
    """Revoked before the report; the session is listed as locked until Windows opens it a moment later."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    permit, _ = bench.redeem()
    bench.revoke()
    bench.report(permit)
    assert bench.state.permits[permit].owes_lock
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []
    assert not bench.state.permits[permit].owes_lock


@pytest.mark.parametrize("session", ["disconnected", "signed out"])
def test_rule_09_an_unlock_that_was_never_seen_is_not_gone(
    bench: Bench, canary: bytearray, session: str
) -> None:
    """The customer's session was away when the unlock was given up: its desktop is locked once it opens."""
    bench.lend(canary, restarts=0, unlocks=1)
    away = SignIn(2, ANNA, console=False, active=False, locked=True)
    bench.world.signed_in = [away] if session == "disconnected" else []
    if session == "signed out":
        bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    permit, _ = bench.redeem()
    bench.world.signed_in = [away] if session == "disconnected" else []
    bench.revoke()
    bench.report(permit)
    assert bench.state.permits[permit].owes_lock
    bench.world.signed_in = [SignIn(2, ANNA, console=True, active=True, locked=False)]
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []


@pytest.mark.parametrize("disk", ["full", "dead"])
def test_rule_09_an_unlocked_desktop_is_locked_in_time_without_a_disk(
    bench: Bench, canary: bytearray, disk: Literal["full", "dead"]
) -> None:
    """Nothing can be journalled when the agreed time is over, and the desktop is locked all the same."""
    bench.lend(canary, restarts=0, unlocks=2, relock_after=60.0)
    bench.open_desktop()
    bench.world.disk = disk
    bench.world.now += timedelta(seconds=59)
    bench.wake()
    assert bench.world.open_desktops()
    bench.world.now += timedelta(seconds=1)
    bench.wake()
    assert bench.world.open_desktops() == []


@pytest.mark.parametrize("action", ["restart", "unlock"])
@pytest.mark.parametrize("reset", [False, True])
def test_rule_09_damage_that_is_noticed_while_running_locks_the_desktop(
    bench: Bench, canary: bytearray, action: str, *, reset: bool
) -> None:
    """The journal is lost between the logon and the lock, and perhaps set aside: the clock's thread locks."""
    if action == "restart":
        permit = bench.at_logon_screen(canary)
        bench.redeem()
        bench.world.sign_in(ANNA)
        bench.effects_lag = True
        bench.report(permit)
    else:
        bench.lend(canary, restarts=0, unlocks=2)
        bench.open_desktop()
    bench.agent.core.journal_life.fail(JournalDamagedError("it was changed"))
    bench.agent.core.state = State()
    if reset:
        bench.agent.core.reset_journal()
    bench.wake()
    assert bench.world.open_desktops() == []
    assert bench.agent.core.duties.is_empty


def test_rule_09_erasing_all_of_a_damaged_journal_waits_for_the_lock(bench: Bench, canary: bytearray) -> None:
    """A removal must not take away the program that locks, damaged journal or not."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit)
    bench.agent.core.journal_life.fail(JournalDamagedError("it was changed"))
    bench.agent.core.state = State()
    assert bench.code(rq.EraseAll()) == "desktop_open"


def test_rule_09_a_desktop_is_locked_although_windows_lists_no_sessions(
    bench: Bench, canary: bytearray
) -> None:
    """The session of the logon screen is known, and is locked without a list."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.world.broken.add("sessions")
    bench.report(permit)
    assert bench.world.open_desktops() == []
    assert bench.state.permits[permit].owes_lock


def test_rule_09_a_session_that_stays_locked_counts_as_locked_after_two_minutes(
    bench: Bench, canary: bytearray
) -> None:
    """The customer may have locked it between two looks of the agent."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.sign_in(ANNA, locked=True)
    bench.report(permit)
    assert bench.state.permits[permit].closing is None
    bench.world.now += timedelta(minutes=2)
    bench.effects()
    assert bench.state.permits[permit].closing == "locked"


def test_rule_09_an_unlock_that_was_given_up_closes_at_once(bench: Bench, canary: bytearray) -> None:
    """A late report of an unlock that was given up opens for no new time."""
    bench.lend(canary, restarts=0, unlocks=1)
    bench.world.sign_in(ANNA, locked=True)
    bench.unlock()
    permit, _ = bench.redeem()
    bench.world.now += timedelta(minutes=20)
    bench.wake()
    bench.world.sign_in(ANNA)
    bench.report(permit)
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_a_damaged_journal_does_not_keep_the_desktop_open(bench: Bench, canary: bytearray) -> None:
    """The duty to lock stands outside of the journal, and is met although nothing can be journalled."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.kill()
    bench.journal.write_bytes(b"damaged" * 1000)
    bench.start()
    assert bench.agent.core.problem
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.world.open_desktops() == []
    assert bench.agent.core.duties.is_empty


def test_rule_09_a_session_of_the_same_name_does_not_make_the_agent_forget(
    bench: Bench, canary: bytearray
) -> None:
    """An hour without an agent and a new session of that name: the late desktop is locked all the same."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.stop()
    bench.world.now += timedelta(hours=1)
    bench.start()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.result(rq.SessionStart(session="CHG-1", reason="Another"))
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    bench.effects()
    assert bench.world.open_desktops() == []


def test_rule_09_no_password_leaves_without_the_duty_to_lock(bench: Bench, canary: bytearray) -> None:
    """If the duty cannot be written, nothing is redeemed."""
    permit = bench.at_logon_screen(canary)
    (bench.folder / "lock-duties.new").mkdir()
    assert not bench.logon(lm.Redeem(permit=permit))[0].done
    assert bench.state.permits[permit].state is PermitState.ISSUED
    (bench.folder / "lock-duties.new").rmdir()
    assert bench.redeem()[1] == canary


def test_rule_09_a_second_redeem_ends_no_duty_to_lock(bench: Bench, canary: bytearray) -> None:
    """A second redeem is refused; the desktop of the first is locked although the journal is damaged then."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    answer, secret = bench.logon(lm.Redeem(permit=permit))
    assert not answer.done
    assert not secret
    bench.database.execute("UPDATE events SET hash = x'00' WHERE seq = 3")
    bench.kill()
    bench.world.sign_in(ANNA)
    bench.start()
    assert bench.agent.core.problem
    assert bench.world.open_desktops() == []


def test_rule_09_erasing_all_after_a_second_redeem_waits_for_the_lock(
    bench: Bench, canary: bytearray
) -> None:
    """A second redeem does not let a removal take away the program that locks."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.logon(lm.Redeem(permit=permit))
    bench.world.sign_in(ANNA)
    bench.world.lock_works = bench.world.disconnect_works = False
    assert bench.code(rq.EraseAll()) == "desktop_open"


def test_rule_09_a_boot_settles_the_duties_of_the_last_one(bench: Bench, canary: bytearray) -> None:
    """No desktop outlives its boot, and neither does the duty to lock it."""
    bench.at_logon_screen(canary)
    bench.redeem()
    assert not bench.agent.core.duties.is_empty
    bench.power_cut()
    assert bench.agent.core.duties.is_empty


# --- rule 6: what passes, and what is in doubt --------------------------------------------------


@pytest.mark.parametrize("status", PASSES)
def test_rule_06_a_refusal_that_passes_spends_the_permit_and_keeps_the_grant(
    bench: Bench, canary: bytearray, status: int
) -> None:
    """No logon server yet: the grant stays, and a further try needs a new permit."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit, status)
    assert use(bench, permit)["error"]["code"] == "logon_refused"
    assert not bench.logon(lm.Peek())[0].done
    bench.restart()
    bench.reboot()
    assert bench.sign_in_with_permit() == canary


@pytest.mark.parametrize("status", FINAL)
def test_rule_06_a_final_refusal_ends_the_grant(bench: Bench, canary: bytearray, status: int) -> None:
    """A wrong password, a locked or disabled account and an unknown code are never tried again."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.report(permit, status)
    [grant] = bench.state.grants.values()
    assert grant.ended is GrantState.REJECTED


def test_rule_06_two_logons_without_a_result_end_the_grant(bench: Bench, canary: bytearray) -> None:
    """After a power cut during a logon one further try is made; a second one without a result ends the grant."""
    bench.at_logon_screen(canary, restarts=5, foreign_restarts=True)
    bench.redeem()
    bench.power_cut()
    assert bench.redeem()[1] == canary
    bench.power_cut()
    [grant] = bench.state.grants.values()
    assert (grant.ended, grant.rejection) == (GrantState.REJECTED, "trial_unresolved")
    assert not bench.logon(lm.Peek())[0].done


def test_rule_06_a_desktop_that_was_merely_seen_is_the_second_lost_result(
    bench: Bench, canary: bytearray
) -> None:
    """Two results are lost, the second one before a sign-in by hand: the password is not tried a third time."""
    bench.at_logon_screen(canary, restarts=5, foreign_restarts=True)
    bench.redeem()
    bench.power_cut()
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    [grant] = bench.state.grants.values()
    assert (grant.ended, grant.rejection) == (GrantState.REJECTED, "trial_unresolved")
    bench.effects()
    assert bench.world.open_desktops() == []


def test_a_logon_of_an_earlier_boot_owes_no_lock(bench: Bench, canary: bytearray) -> None:
    """The power failed during a logon: a sign-in of the next boot is not taken for it."""
    bench.at_logon_screen(canary)
    permit, _ = bench.redeem()
    bench.power_cut()
    assert not bench.state.permits[permit].owes_lock
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    assert bench.state.permits[permit].state is PermitState.REFUSED
    assert bench.world.open_desktops()


def test_rule_06_a_check_that_succeeds_removes_the_doubt(bench: Bench, canary: bytearray) -> None:
    """Windows accepts the password before the next use: a later power cut is the first one again."""
    bench.at_logon_screen(canary, restarts=5)
    bench.redeem()
    bench.power_cut()
    assert next(iter(bench.state.grants.values())).is_doubtful
    bench.restart()
    bench.reboot()
    bench.redeem()
    bench.power_cut()
    assert next(iter(bench.state.grants.values())).ended is None


def test_rule_06_a_desktop_that_was_merely_seen_removes_no_doubt(bench: Bench, canary: bytearray) -> None:
    """The refusal's report was lost and the customer signed in by hand: Windows has not accepted the password."""
    bench.at_logon_screen(canary, restarts=5, foreign_restarts=True)
    bench.redeem()
    bench.world.sign_in(ANNA)
    bench.agent.sessions_changed()
    [grant] = bench.state.grants.values()
    assert grant.is_doubtful


def test_rule_06_a_late_refusal_of_an_interrupted_logon_ends_the_grant(
    bench: Bench, canary: bytearray
) -> None:
    """The result may come after the permit was given up; nothing is left to lock then."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.now += timedelta(minutes=20)
    bench.wake()
    bench.world.answers = [LogonRefusal.WRONG_PASSWORD]
    bench.report(permit, 0xC000006D)
    assert next(iter(bench.state.grants.values())).ended is GrantState.REJECTED
    assert bench.agent.core.duties.is_empty


# --- restarts by others -------------------------------------------------------------------------


def test_a_restart_by_others_without_a_sign_in_says_why(bench: Bench, canary: bytearray) -> None:
    """Where nothing is done after a restart by others, the operator and the receipt read the reason."""
    grant = bench.lend(canary, restarts=5)
    bench.reboot()
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.lend(canary, restarts=1, foreign_restarts=True, not_before="22:00", not_after="23:00")
    bench.reboot()
    [first, second] = bench.result(rq.Info())["grants"]
    assert [omitted["why"] for omitted in first["omitted"]] == ["not_agreed"]
    assert [omitted["why"] for omitted in second["omitted"]] == ["too_early"]
    receipts = bench.result(rq.Info(receipts=True))["receipts"]
    told = [r for r in receipts if r["request"] == bench.state.grants[grant].request]
    assert "Restart by others without a sign-in" in told[0]["text"]


def test_the_second_restart_of_an_update_is_covered_too(bench: Bench, canary: bytearray) -> None:
    """The policy's interval is for restarts of the agent; Windows Update's second restart comes within it."""
    bench.settings.write_text("[policy]\nmin_restart_interval = 60.0\nlock_within = 0.05\n")
    bench.lend(canary, restarts=2, foreign_restarts=True)
    for _ in range(2):
        bench.world.now += timedelta(seconds=45)
        bench.reboot()
        assert bench.sign_in_with_permit() == canary


def test_a_restart_under_way_is_not_given_back(bench: Bench, canary: bytearray) -> None:
    """Windows has begun the restart and the agent was killed: a sign-in meanwhile changes nothing of it."""
    bench.lend(canary)
    bench.effects_lag = True
    permit = bench.restart()
    bench.world.scheduled = True
    bench.crash()
    bench.world.sign_in(BEN, session_id=2)
    bench.effects()
    assert bench.state.permits[permit].state is PermitState.ISSUED
    assert use(bench, permit)["left"]["restarts"] == 1


def test_an_agent_that_starts_again_notifies_the_logon_screen(bench: Bench, canary: bytearray) -> None:
    """The event of the agent before may be gone with it."""
    bench.at_logon_screen(canary)
    bench.effects()
    announced = bench.world.announced
    bench.crash()
    bench.wake()
    assert bench.world.announced == announced + 1
