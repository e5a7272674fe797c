# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 13, the effects alone: each does what its event says, once, and nothing for what is gone."""

from __future__ import annotations

import re
import sqlite3
import threading
from contextlib import closing
from datetime import timedelta

import pytest

from latchkey_agent.core.effect_runner import EffectRunner
from latchkey_agent.domain import effects as fx
from latchkey_agent.domain import owed_effects
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import PermitState
from latchkey_agent.ports import PortError
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.storage.journal import Change
from tests.unit.agent.bench import Bench, verdict
from tests.unit.agent.world import ANNA, BEN

GONE = "00000000-0000-4000-8000-000000000000"


def test_rule_13_a_restart_is_asked_for_once_with_the_words_and_the_warning_of_its_terms(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The customer has agreed to the warning's length; the effect is repeated without a second restart."""
    asked: list[tuple[str, float]] = []
    power = bench.agent.core.computer.power
    monkeypatch.setattr(power, "restart", lambda *, message, grace, sign_on: asked.append((message, grace)))
    bench.lend(canary, grace=30.0)
    permit = bench.restart(message="Updates")
    runner = EffectRunner(bench.agent.core)
    effect = fx.Restart(permit=permit, boot_id=power.boot_id(), message="Updates", grace=30.0)
    asked.clear()
    runner._carry_out(effect)
    runner._carry_out(effect)
    assert asked == [("Updates", 30.0)]


def test_rule_13_an_effect_of_a_forgotten_permit_or_grant_does_nothing(bench: Bench) -> None:
    """A stored effect may outlive the session that it belongs to."""
    boot = bench.agent.core.computer.power.boot_id()
    runner, events = EffectRunner(bench.agent.core), bench.events()
    for effect in (
        fx.Restart(permit=GONE, boot_id=boot, message="", grace=5.0),
        fx.CloseDesktop(permit=GONE, boot_id=boot),
        fx.ConfirmErasure(grant=GONE),
    ):
        runner._carry_out(effect)
    assert (bench.world.restarts, bench.events()) == ([], events)


def test_rule_12_an_announced_permit_wakes_the_logon_screen(bench: Bench, canary: bytearray) -> None:
    """An unlock announces its permit at once; an effect of another boot is dropped."""
    bench.lend(canary, unlocks=1)
    bench.agent.core.computer.sessions.lock(1)
    before = bench.world.announced
    bench.unlock()
    bench.effects()
    assert bench.world.announced == before + 1
    runner = EffectRunner(bench.agent.core)
    assert runner._attempt(fx.AnnouncePermit(permit=GONE, boot_id="another"))
    assert bench.world.announced == before + 1


def test_rule_10_the_companion_is_summoned_for_the_effects_account(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The account is the customer's, who may be one of several people on this PC."""
    summoned: list[object] = []
    monkeypatch.setattr(bench.agent.core.computer.notifier, "summon_companion", summoned.append)
    EffectRunner(bench.agent.core)._carry_out(fx.SummonCompanion(account=ANNA))
    assert summoned == [ANNA]


def test_rule_08_an_erasure_that_is_confirmed_is_not_checked_again(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The effect may be stored twice; the files are not read again, and the receipt keeps the first result."""
    grant = bench.lend(canary)
    bench.ask(rq.SessionEnd(session="CHG-1"))
    bench.effects()
    erasure, events = bench.state.grants[grant].erasure, bench.events()
    searched: list[bytes] = []
    monkeypatch.setattr(bench.agent.core.journal, "search", searched.append)
    EffectRunner(bench.agent.core)._carry_out(fx.ConfirmErasure(grant=grant))
    assert (bench.state.grants[grant].erasure, bench.events(), searched) == (erasure, events, [])


def test_rule_09_a_desktop_that_was_closed_once_is_the_customers(bench: Bench, canary: bytearray) -> None:
    """A repeated effect does not lock the desktop that the customer has opened since."""
    permit = bench.at_logon_screen(canary)
    bench.sign_in_with_permit()
    assert not bench.state.permits[permit].owes_lock
    bench.world.sign_in(ANNA)
    events = bench.events()
    EffectRunner(bench.agent.core)._carry_out(fx.CloseDesktop(permit=permit, boot_id=bench.world.boot))
    assert bench.world.open_desktops()
    assert bench.events() == events


@pytest.mark.parametrize("fault", [PortError("the port is broken"), Refused("agent_failed", detail="no")])
def test_rule_13_an_effect_that_fails_stays_and_holds_up_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """The others are done and forgotten; the one that failed is tried again."""
    notifier, announced = bench.agent.core.computer.notifier, list[int]()

    def fails(_: object) -> None:
        raise fault

    journal = bench.agent.core.journal
    boot = bench.world.boot
    fails_first = fx.SummonCompanion(account=ANNA)
    journal.commit(Change(effects=[fails_first, fx.AnnouncePermit(permit=GONE, boot_id=boot), fails_first]))
    runner = EffectRunner(bench.agent.core)
    with monkeypatch.context() as patch:
        patch.setattr(notifier, "announce_permit", lambda: announced.append(1))
        patch.setattr(notifier, "summon_companion", fails)
        assert not runner.run()
    assert announced == [1]
    assert [effect for _, effect in journal.pending()] == [fails_first, fails_first]
    assert runner.run()
    assert journal.pending() == []
    assert bench.world.summoned == [ANNA.user]


def test_rule_13_an_effect_whose_boot_is_unknown_stays(bench: Bench) -> None:
    """Windows does not say which boot this is, so nothing tells whether the effect is outdated."""
    runner = EffectRunner(bench.agent.core)
    effect = fx.AnnouncePermit(permit=GONE, boot_id=bench.world.boot)
    bench.world.broken.add("boot_id")
    assert not runner._attempt(effect)
    assert runner._attempt(fx.SummonCompanion(account=ANNA))
    bench.world.broken.clear()
    assert runner._attempt(effect)
    assert bench.world.announced == 1


def checks_of(bench: Bench, grant: str) -> list[tuple[str, bool, str]]:
    """Return the checks of a grant's erasure."""
    erasure = bench.state.grants[grant].erasure
    assert erasure is not None
    return list(erasure.checks)


def test_rule_08_an_erasure_is_confirmed_by_six_checks(bench: Bench, canary: bytearray) -> None:
    """The receipt shows the result for the record, the key slot, the log and every file of the database."""
    grant = bench.lend(canary)
    bench.revoke()
    (record, slot, log, *files) = checks_of(bench, grant)
    assert record == ("sealed record deleted", True, "no record")
    assert slot == ("key slot overwritten", True, "read back as zeros")
    assert log[:2] == ("write-ahead log overwritten", True)
    assert re.fullmatch(r"[1-9]\d+ bytes, then emptied", log[2])
    assert [(name, passed) for name, passed, _ in files] == [
        (f"journal.db{suffix} read back", True) for suffix in ("", "-wal", "-shm")
    ]
    assert files[1][2] == "0 bytes, seal tag found 0 times"
    assert re.fullmatch(r"[1-9]\d+ bytes, seal tag found 0 times", files[0][2])


def test_rule_08_an_erasure_with_the_log_in_use_is_not_confirmed(
    bench: Bench, canary: bytearray, caplog: pytest.LogCaptureFixture
) -> None:
    """The check says why, and the effect is tried again."""
    grant = bench.lend(canary)
    with bench.read_by_others():
        bench.revoke()
        assert ("write-ahead log overwritten", False, "another reader holds it") in checks_of(bench, grant)
        assert "ConfirmErasure failed and stays to be done: the erasure could not be confirmed" in caplog.text
    assert bench.effects()


def test_rule_08_a_record_that_is_there_again_is_not_confirmed(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is read back after everything else was overwritten."""
    grant = bench.lend(canary)
    journal = bench.agent.core.journal
    with monkeypatch.context() as patch:
        patch.setattr(journal, "sealed", lambda asked: b"record" if asked == grant else None)
        bench.revoke()
    assert checks_of(bench, grant)[0] == ("sealed record deleted", False, "a record is there again")
    assert bench.effects()
    assert checks_of(bench, grant)[0] == ("sealed record deleted", True, "no record")


def test_rule_07_a_confirmed_erasure_keeps_space_for_the_next_one(bench: Bench, canary: bytearray) -> None:
    """The reserve that a full disk has cost is made again as soon as something was erased."""
    bench.lend(canary)
    bench.world.reserve.unlink()
    bench.revoke()
    assert bench.world.reserve.exists()


@pytest.mark.parametrize("is_begun", [False, True])
def test_rule_12_a_restart_is_cancelled_by_a_stranger_unless_it_has_begun(
    bench: Bench, canary: bytearray, *, is_begun: bool
) -> None:
    """Somebody who has not agreed signed in after the use was given; what Windows does already is not given back."""
    bench.lend(canary)
    bench.effects_lag = True
    permit = bench.restart()
    bench.world.sign_in(BEN, session_id=2)
    bench.world.scheduled = is_begun
    assert bench.effects()
    assert bench.world.restarts == []
    found = bench.state.permits[permit]
    assert found.state is (PermitState.ISSUED if is_begun else PermitState.CANCELLED)
    if not is_begun:
        assert "ben signed in meanwhile without agreeing to a restart" in str(found)


# --- 7: revoking wins against the restart ------------------------------------------------------


@pytest.mark.parametrize("look", ["sessions.signed_in", "power.prepare_restart"])
@pytest.mark.parametrize("how", ["revoke", "pause"])
def test_rule_07_windows_is_asked_for_no_restart_after_a_revocation(
    bench: Bench, canary: bytearray, look: str, how: str
) -> None:
    """The customer revokes or pauses while Windows takes its time before the restart: it is not begun any more."""
    grant = bench.lend(canary)
    bench.effects_lag = True
    permit = bench.restart()
    port, _, name = look.partition(".")
    part = getattr(bench.agent.core.computer, port)
    real = getattr(part, name)
    answered: list[bool] = []

    def slow() -> object:
        message = cm.GrantRevoke() if how == "revoke" else cm.GrantPause(grant=grant)
        if not answered:
            answered.append(bench.customer(message).done)
        return real()

    setattr(part, name, slow)
    assert bench.effects()
    assert answered == [True]
    assert bench.world.restarts == []
    assert bench.state.permits[permit].state is PermitState.CANCELLED


def test_rule_07_a_revocation_does_not_come_between_the_last_look_and_the_restart(
    bench: Bench, canary: bytearray
) -> None:
    """The permit is looked at, and Windows is asked, under the lock that each revocation takes."""
    bench.lend(canary)
    bench.effects_lag = True
    bench.restart()
    core, was_free = bench.agent.core, []
    real = core.computer.power.restart

    def restart(*, message: str, grace: float, sign_on: bool) -> None:
        def other() -> None:
            if core.lock.acquire(blocking=False):
                core.lock.release()
                was_free.append("free")

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        real(message=message, grace=grace, sign_on=sign_on)

    core.computer.power.restart = restart  # type: ignore[method-assign]
    assert bench.effects()
    assert bench.world.restarts
    assert was_free == []


@pytest.mark.parametrize("is_begun", [False, True])
def test_rule_13_a_restart_that_windows_does_not_prepare_is_given_back_unless_it_has_begun(
    bench: Bench, canary: bytearray, *, is_begun: bool
) -> None:
    """The port itself finds a second account: the use is given back, unless Windows restarts already."""
    bench.lend(canary)
    bench.effects_lag = True
    permit = bench.restart()
    bench.world.broken.add("before_restart")
    bench.world.scheduled = is_begun
    assert bench.effects()
    assert bench.world.restarts == []
    found = bench.state.permits[permit]
    assert found.state is (PermitState.ISSUED if is_begun else PermitState.CANCELLED)


# --- 9 and 8: no chain covers the stored effects -----------------------------------------------

CHANGES = [
    "DELETE FROM effects",
    "UPDATE effects SET body = CAST(replace(CAST(body AS TEXT), 'boot-1', 'boot-0') AS BLOB)",
]


def change_effects(bench: Bench, statement: str) -> None:
    """Kill the agent, change the stored effects, and start it again in the same boot."""
    bench.kill()
    with closing(sqlite3.connect(bench.journal)) as database:
        assert database.execute(statement).rowcount
        database.commit()
    bench.start()


@pytest.mark.parametrize("statement", CHANGES)
def test_rule_09_a_desktop_is_locked_though_the_stored_effect_is_gone(
    bench: Bench, canary: bytearray, statement: str
) -> None:
    """The journal's events say that the desktop is due: no change of the other tables keeps it open."""
    bench.lend(canary, restarts=0, unlocks=2, relock_after=60.0)
    bench.open_desktop()
    bench.effects_lag = True
    bench.world.now += timedelta(seconds=60)
    bench.wake()
    change_effects(bench, statement)
    assert bench.world.open_desktops()
    bench.effects()
    assert bench.world.open_desktops() == []
    assert verdict(bench.agent.core.journal).problem == ""


def test_rule_09_a_desktop_that_is_not_due_yet_is_closed_by_no_lost_effect(
    bench: Bench, canary: bytearray
) -> None:
    """An unlock's time has not come, and a lost logon has opened no desktop: the state asks for nothing."""
    bench.lend(canary, unlocks=1)
    bench.open_desktop()
    bench.effects()
    assert owed_effects(bench.state) == []
    assert bench.world.open_desktops()
    bench.world.sign_in(ANNA, locked=True)
    bench.world.now += timedelta(hours=1)
    bench.wake()
    bench.effects()
    bench.restart()
    bench.reboot()
    bench.redeem()
    bench.world.now += timedelta(hours=1)
    bench.wake()
    assert owed_effects(bench.state) == []


def test_rule_08_an_erasure_is_confirmed_though_the_stored_effect_is_gone(
    bench: Bench, canary: bytearray
) -> None:
    """The grant's end is in the journal, so its erasure is checked."""
    grant = bench.lend(canary)
    bench.effects_lag = True
    bench.revoke()
    change_effects(bench, "DELETE FROM effects")
    assert bench.effects()
    erasure = bench.state.grants[grant].erasure
    assert erasure is not None
    assert erasure.confirmed
