# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core around the domain: its behaviour on faults that no rule covers."""

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
from latchkey_agent.domain import Actor
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


def test_an_illegal_decision_is_not_journalled(bench: Bench) -> None:
    """A decision that breaks the transition tables is refused and not journalled."""
    bench.start_session()
    [session] = bench.state.sessions
    ended = e.SessionEnded(at=START, session=session, how="end")
    with pytest.raises(Refused) as caught:
        bench.agent.core._commit(Decision((ended, ended)))
    assert caught.value.code == "agent_failed"
    assert "session_ended" not in bench.events()
    bench.crash()
    assert bench.result(rq.JournalVerify())["intact"]


def test_the_clock_thread_survives_an_illegal_transition(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The clock thread survives an illegal transition and logs it."""

    def nonsense(*_: object) -> Decision:
        raise IllegalTransitionError(SessionState.ENDED, "end", [])

    monkeypatch.setattr(module, "decide", nonsense)
    bench.wake()
    assert "could not be journalled: agent_failed" in caplog.text


def test_events_that_contradict_each_other_are_damage(bench: Bench) -> None:
    """Events that break the transition tables are damage even if their hashes match."""
    bench.start_session()
    [session] = bench.state.sessions
    ended = e.SessionEnded(at=START, session=session, how="end")
    bench.agent.core.journal.commit(Change([ended, ended]))
    bench.crash()
    assert "contradict each other" in bench.error(rq.JournalVerify()).message


def test_an_event_about_an_unknown_grant_is_damage(bench: Bench) -> None:
    """An event about an unknown grant is damage."""
    bench.agent.core.journal.commit(Change([e.GrantPaused(at=START, grant="none")]))
    bench.crash()
    assert "contradict each other" in bench.error(rq.JournalVerify()).message


def test_damage_at_run_time_is_handled_as_at_the_start(bench: Bench, canary: bytearray) -> None:
    """Damage found at run time stops every use and overwrites the sealed records."""
    bench.lend(canary)
    head = bench.agent.core.head()
    bench.database.execute("INSERT INTO events VALUES (?, x'7b7d', x'00')", (head.seq + 1,))
    assert bench.code(END) == "journal_damaged"
    assert bench.agent.core.journal_life.is_damaged
    assert bench.seal_tags() == 0


def test_a_failed_overwrite_is_reported_and_repeated(
    bench: Bench, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed overwrite is reported and repeated until it succeeds."""
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


def test_a_reset_waits_for_a_locked_journal(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset is refused while another program holds the file, and works later."""
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()

    def fails(_: Path, __: Path) -> Path:
        raise OSError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fails)
        assert bench.code(rq.JournalReset()) == "storage_failed"
    assert bench.result(rq.JournalReset())["intact"]


def test_a_reset_that_was_cut_off_can_be_done_again(bench: Bench) -> None:
    """A reset that moved the file but not the anchor can be repeated."""
    bench.start_session()
    bench.database.execute("DELETE FROM events WHERE seq = 2")
    bench.crash()
    bench.world.broken.add("anchor")
    assert bench.code(rq.JournalReset()) == "agent_failed"
    bench.world.broken.clear()
    bench.crash()
    assert bench.result(rq.JournalReset())["intact"]
    assert len(list(bench.folder.glob("journal.damaged-*.db"))) == 2


def test_repeated_refusals_do_not_fill_the_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each refusal is journalled once a minute per person, and the list in memory stays bounded."""
    monkeypatch.setattr(refusal_throttle, "MANY_REFUSALS", 3)
    for _ in range(100):
        bench.customer(cm.RequestShown(request="none", text_sha256="0" * 64))
        bench.code(END)
    assert bench.events().count("command_refused") == 1
    core = bench.agent.core
    for number in range(10):
        core.note_refusal("Look", Refused("no_session"), Actor(f"operator {number}", f"S-{number}"))
        assert len(core._journalled_refusals) <= 3


def test_a_clock_set_back_hides_no_refusal(bench: Bench) -> None:
    """A refusal after the clock was set back is journalled at once."""
    bench.code(END)
    bench.world.set_clock(bench.world.now - timedelta(days=1))
    bench.code(END)
    assert bench.events().count("command_refused") == 2


def test_a_refusal_on_a_full_disk_is_still_that_refusal(bench: Bench) -> None:
    """The caller gets the refusal even if it cannot be journalled."""
    bench.world.disk = "full"
    assert bench.code(END) == "no_session"
    bench.world.disk = "well"
    assert bench.code(END) == "no_session"
    assert bench.events().count("command_refused") == 1


def test_a_start_waits_until_it_can_be_journalled(bench: Bench) -> None:
    """The agent refuses everything until it can journal the new boot."""
    bench.start_session()
    bench.kill()
    bench.world.reboot()
    bench.world.disk = "dead"
    bench.start()
    assert bench.code(END) == "storage_failed"
    bench.world.disk = "well"
    bench.wake()
    assert bench.state.boot_id == bench.world.boot
    assert bench.ask(END).outcome == "done"


def test_a_missing_record_cannot_be_unsealed(bench: Bench, canary: bytearray) -> None:
    """Unsealing a grant without a record raises an error."""
    grant = bench.lend(canary)
    bench.revoke()
    with pytest.raises(VaultError, match="nothing is sealed for this grant"):
        bench.agent.core.unseal(bench.state.grants[grant])


def test_a_record_deleted_at_run_time_ends_its_grant(bench: Bench, canary: bytearray) -> None:
    """A record deleted at run time ends its grant before Windows is asked."""
    grant = bench.lend(canary)
    bench.database.execute("DELETE FROM sealed")
    checks = len(bench.world.checks)
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_rejected"
    assert bench.state.grants[grant].state is GrantState.ERASED
    assert len(bench.world.checks) == checks


def test_the_log_warns_of_a_desktop_that_may_be_open(
    bench: Bench, canary: bytearray, caplog: pytest.LogCaptureFixture
) -> None:
    """The log warns of an open desktop while Windows does not list the sessions."""
    bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.broken.add("sessions")
    with caplog.at_level(logging.WARNING):
        bench.agent.sessions_changed()
    assert "the desktop may be open" in caplog.text


def test_a_report_is_kept_until_it_is_journalled(bench: Bench, canary: bytearray) -> None:
    """The agent keeps a report of the logon screen until the journal accepts it."""
    permit = bench.at_logon_screen(canary)
    bench.redeem()
    bench.world.disk = "dead"
    bench.report(permit, 0xC000006D)
    bench.wake()
    bench.world.disk = "well"
    bench.wake()
    assert bench.state.grants[bench.state.permits[permit].grant].ended is GrantState.REJECTED
    assert not bench.agent._logon.has_unjournalled


def test_a_report_about_an_unknown_permit_is_dropped(bench: Bench) -> None:
    """A report about an unknown permit is dropped after its refusal."""
    bench.agent._logon._unjournalled["none"] = c.ReportLogon(permit="none")
    bench.wake()
    assert not bench.agent._logon.has_unjournalled


def test_a_session_lasts_24_hours_over_the_clock_change(bench: Bench) -> None:
    """A session over the clock change lasts exactly 24 hours."""
    berlin = ZoneInfo("Europe/Berlin")
    bench.world.zone = berlin
    bench.world.now = datetime(2026, 10, 24, 18, 0, tzinfo=berlin)
    session = bench.result(rq.SessionStart(session="CHG-1", reason="Updates"))["session"]
    lasts = datetime.fromisoformat(session["ends_at"]) - datetime.fromisoformat(session["started_at"])
    assert lasts == timedelta(hours=24)


def test_the_repeated_hour_does_not_extend_a_grant(bench: Bench, canary: bytearray) -> None:
    """A grant until 02:30 summer time has expired at 02:20 standard time."""
    berlin = ZoneInfo("Europe/Berlin")
    bench.world.zone = berlin
    bench.world.now = datetime(2026, 10, 25, 2, 10, tzinfo=berlin)
    bench.lend(canary, not_after="2026-10-25T02:30+02:00")
    bench.world.now = datetime(2026, 10, 25, 2, 20, fold=1, tzinfo=berlin)
    assert bench.code(rq.CredentialApply(session="CHG-1", action="restart")) == "grant_expired"


def test_ids_are_random_and_versioned(bench: Bench) -> None:
    """Each id is a different UUID of version 4."""
    ids = {bench.agent.core.new_id() for _ in range(100)}
    assert len(ids) == 100
    assert all(one[14] == "4" for one in ids)


def test_a_pause_ends_when_the_agent_stops(place: Path) -> None:
    """A stop ends a pause at once."""
    bench = Bench(place)
    bench.stop()
    began = time.monotonic()
    Core.pause(bench.agent.core, 60.0)
    assert time.monotonic() - began < 30.0
