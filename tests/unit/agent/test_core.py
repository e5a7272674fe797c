# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell round the domain: what becomes of faults that no rule foresees."""

from __future__ import annotations

import logging
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from latchkey_agent.core import core as module
from latchkey_agent.core import refusal_throttle
from latchkey_agent.core.core import Core
from latchkey_agent.domain import commands as c
from latchkey_agent.domain import events as e
from latchkey_agent.domain.decision import Decision
from latchkey_agent.domain.refusal import Refused
from latchkey_agent.domain.transitions import GrantState, IllegalTransitionError, SessionState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.storage.journal import Change
from latchkey_agent.storage.vault import VaultError
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import START

END = rq.SessionEnd(session="CHG-1")


def test_what_contradicts_the_tables_never_gets_into_the_journal(bench: Bench) -> None:
    """A rule that decides nonsense fails alone: nothing is written, and the journal is read again."""
    bench.open()
    [session] = bench.state.sessions
    closed = e.SessionEnded(at=START, session=session, how="end")
    with pytest.raises(Refused) as caught:
        bench.agent.core._commit(Decision((closed, closed)))
    assert caught.value.code == "agent_failed"
    assert "session_ended" not in bench.events()
    bench.crash()
    assert bench.result(rq.JournalVerify())["intact"]


def test_a_clock_that_meets_nonsense_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread that watches the time does not die of it."""

    def nonsense(*_: object) -> Decision:
        raise IllegalTransitionError(SessionState.ENDED, "end", [])

    monkeypatch.setattr(module, "decide", nonsense)
    bench.wake()
    assert "could not be journalled: agent_failed" in caplog.text


def test_events_that_contradict_each_other_are_damage(bench: Bench) -> None:
    """Their hashes fit, but no agent of ours wrote them."""
    bench.open()
    [session] = bench.state.sessions
    closed = e.SessionEnded(at=START, session=session, how="end")
    bench.agent.core.journal.commit(Change([closed, closed]))
    bench.crash()
    assert "contradict each other" in bench.error(rq.JournalVerify()).message


def test_events_about_nothing_are_damage(bench: Bench) -> None:
    """Nor is there anything that they are about."""
    bench.agent.core.journal.commit(Change([e.GrantPaused(at=START, grant="none")]))
    bench.crash()
    assert "contradict each other" in bench.error(rq.JournalVerify()).message


def test_damage_that_shows_while_it_runs_is_damage(bench: Bench, canary: bytearray) -> None:
    """Somebody wrote into the tables: nothing of it is used any more, nothing stays sealed."""
    bench.lend(canary)
    head = bench.agent.core.head()
    bench.database.execute("INSERT INTO events VALUES (?, x'7b7d', x'00')", (head.seq + 1,))
    assert bench.code(END) == "journal_damaged"
    assert bench.agent.core.journal_life.is_damaged
    assert bench.seal_tags() == 0


def test_what_is_sealed_and_cannot_be_overwritten_is_not_called_gone(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk does not take the overwriting: it is tried again until it does."""
    bench.lend(canary)
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.kill()

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fails)
        bench.start()
        assert bench.code(END) == "storage_failed"
    bench.wake()
    assert bench.code(END) == "journal_damaged"
    assert bench.seal_tags() == 0


def test_a_journal_that_cannot_be_set_aside_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program holds the file: that is said, and it can be done later."""
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()

    def fails(_: Path, __: Path) -> Path:
        raise OSError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fails)
        assert bench.code(rq.JournalReset()) == "storage_failed"
    assert bench.result(rq.JournalReset())["intact"]


def test_a_reset_that_was_cut_off_can_be_done_again(bench: Bench) -> None:
    """The file has its new name, the anchor is the old one's."""
    bench.open()
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    bench.world.broken.add("anchor")
    assert bench.code(rq.JournalReset()) == "agent_failed"
    bench.world.broken.clear()
    bench.crash()
    assert bench.result(rq.JournalReset())["intact"]
    assert len(list(bench.folder.glob("journal.damaged-*.db"))) == 2


def test_asking_in_a_loop_fills_no_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One refusal a minute is journalled for each kind and person; the list of them does not grow either."""
    monkeypatch.setattr(refusal_throttle, "MANY_REFUSALS", 3)
    for _ in range(100):
        bench.customer(cm.RequestShown(request="none", text_sha256="0" * 64))
        bench.code(END)
    assert bench.events().count("command_refused") == 1
    core = bench.agent.core
    for number in range(10):
        core.note_refusal("Look", Refused("no_session"), f"operator {number}")
        assert len(core._journalled_refusals) <= 3


def test_a_clock_that_was_set_back_hides_no_refusal(bench: Bench) -> None:
    """It is journalled again at once."""
    bench.code(END)
    bench.world.now -= timedelta(days=1)
    bench.code(END)
    assert bench.events().count("command_refused") == 2


def test_a_refusal_on_a_full_disk_is_still_that_refusal(bench: Bench) -> None:
    """That it cannot be journalled hides nothing from who asked; when there is room it is."""
    bench.world.disk = "full"
    assert bench.code(END) == "no_session"
    bench.world.disk = "well"
    assert bench.code(END) == "no_session"
    assert bench.events().count("command_refused") == 1


def test_a_start_that_cannot_be_journalled_is_no_start(bench: Bench) -> None:
    """The PC is in another boot, and the disk does not take that: everything is refused until it does."""
    bench.open()
    bench.kill()
    bench.world.reboot()
    bench.world.disk = "dead"
    bench.start()
    assert bench.code(END) == "storage_failed"
    bench.world.disk = "well"
    bench.wake()
    assert bench.state.boot_id == bench.world.boot
    assert bench.ask(END).outcome == "done"


def test_what_is_not_sealed_is_not_opened(bench: Bench, canary: bytearray) -> None:
    """It is said that nothing is there."""
    grant = bench.lend(canary)
    bench.revoke()
    with pytest.raises(VaultError, match="nothing is sealed for this grant"):
        bench.agent.core.unseal(bench.state.grants[grant])


def test_a_record_that_went_while_the_agent_ran_ends_its_grant(bench: Bench, canary: bytearray) -> None:
    """Somebody deleted it: the use is refused, nothing is tried."""
    grant = bench.lend(canary)
    bench.database.execute("DELETE FROM sealed")
    checks = len(bench.world.checks)
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_rejected"
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert len(bench.world.checks) == checks


def test_a_desktop_that_cannot_be_seen_is_told(
    bench: Bench, canary: bytearray, caplog: pytest.LogCaptureFixture
) -> None:
    """The PC does not say who is signed in while a logon is under way: the log says that it may be open."""
    bench.waiting(canary)
    bench.redeem()
    bench.world.broken.add("sessions")
    with caplog.at_level(logging.WARNING):
        bench.agent.sessions_changed()
    assert "the desktop may be open" in caplog.text


def test_a_report_is_kept_until_the_disk_takes_it(bench: Bench, canary: bytearray) -> None:
    """What the logon screen says once is not lost; what is of no more use is forgotten."""
    permit = bench.waiting(canary)
    bench.redeem()
    bench.world.disk = "dead"
    bench.report(permit, 0xC000006D)
    bench.wake()
    bench.world.disk = "well"
    bench.wake()
    assert bench.state.grants[bench.state.permits[permit].grant].ended is GrantState.REJECTED
    assert not bench.agent._logon.has_unjournalled


def test_a_report_about_nothing_is_forgotten(bench: Bench) -> None:
    """It waits for a disk, and then is refused: it is not tried for ever."""
    bench.agent._logon._unjournalled["none"] = c.ReportLogon(permit="none")
    bench.wake()
    assert not bench.agent._logon.has_unjournalled


def test_a_session_of_a_day_has_a_day(bench: Bench) -> None:
    """Also in the night of the clock change: Python would make it an hour shorter in one zone."""
    berlin = ZoneInfo("Europe/Berlin")
    bench.world.zone = berlin
    bench.world.now = datetime(2026, 10, 24, 18, 0, tzinfo=berlin)
    session = bench.result(rq.SessionStart(session="CHG-1", reason="Updates"))["session"]
    lasts = datetime.fromisoformat(session["ends_at"]) - datetime.fromisoformat(session["started_at"])
    assert lasts == timedelta(hours=24)


def test_the_lent_hour_ends_after_an_hour_in_the_night_of_the_clock_change(
    bench: Bench, canary: bytearray
) -> None:
    """Between half past two and half past two there is an hour: not a minute more is lent."""
    berlin = ZoneInfo("Europe/Berlin")
    bench.world.zone = berlin
    bench.world.now = datetime(2026, 10, 25, 2, 10, tzinfo=berlin)
    bench.lend(canary, not_after="2026-10-25T02:30+02:00")
    bench.world.now = datetime(2026, 10, 25, 2, 20, fold=1, tzinfo=berlin)
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_expired"


def test_ids_are_random_and_versioned(bench: Bench) -> None:
    """UUIDs of version 4."""
    ids = {bench.agent.core.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(one[14] == "4" for one in ids)


def test_a_pause_ends_when_the_agent_stops(place: Path) -> None:
    """Whoever waits for a lock to show does not hold the stop up."""
    bench = Bench(place)
    bench.stop()
    began = time.monotonic()
    Core.pause(bench.agent.core, 60.0)
    assert time.monotonic() - began < 30.0
