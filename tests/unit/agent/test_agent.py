# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent with its threads: effects, deadlines, waits, faults and the stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from latchkey_agent import agent as module
from latchkey_agent.agent import Agent
from latchkey_agent.domain.transitions import GrantState
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import codec
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol import customer_messages as cm
from latchkey_agent.protocol import logon_messages as lm
from tests.unit.agent.bench import NO_INTERVAL, Bench
from tests.unit.agent.world import ANNA, CUSTOMER, LOGON, OPERATOR, World

PATIENCE = 20.0
"""Seconds that a test waits for an event before it fails."""


class Running:
    """An agent with its threads, on a computer in memory."""

    def __init__(self, place: Path) -> None:
        self.world = World()
        self.settings = place / "settings.toml"
        self.settings.write_text(f"[policy]\n{NO_INTERVAL}\n")
        self.place = place
        self.agent = Agent(self.world.computer(), place, self.settings)

    def until(self, ready: Callable[[], bool]) -> None:
        """Wait until the agent's state meets a condition."""
        assert self.agent.core.wait_for(lambda: True if ready() else None, PATIENCE)

    def until_seen(self, ready: Callable[[], bool]) -> None:
        """Wait until the PC meets a condition."""
        with self.world.happened:
            assert self.world.happened.wait_for(ready, PATIENCE)

    def ask(self, request: rq.ControlRequest) -> ans.Answer:
        """Send a control request as the operator."""
        answer = self.agent.control(msgspec.json.encode(request), OPERATOR)
        return msgspec.json.decode(answer, type=ans.Answer)

    def customer(self, request: cm.CustomerRequest, secret: bytes | bytearray = b"") -> cm.CustomerAnswer:
        """Send a message as the companion."""
        answer = self.agent.customer(msgspec.json.encode(request), bytearray(secret), CUSTOMER)
        return msgspec.json.decode(answer, type=cm.CustomerAnswer)

    def lend(self, password: bytearray, **terms: int) -> str:
        """Let the customer grant a request; return the grant's id."""
        self.world.set_password(ANNA, password)
        self.world.sign_in(ANNA)
        self.ask(rq.SessionStart(session="CHG-1", reason="Updates"))
        self.ask(rq.CredentialRequest(session="CHG-1", **({"restarts": 2} | terms)))  # type: ignore[arg-type]
        request = next(iter(self.agent.core.state.requests))
        self.customer(cm.RequestShown(request=request, text_sha256="0" * 64))
        assert self.customer(cm.RequestAllow(request=request, entered="anna"), password).done
        return next(iter(self.agent.core.state.grants))


@pytest.fixture
def running(place: Path) -> Iterator[Running]:
    """A started agent, stopped after the test."""
    made = Running(place)
    made.agent.start()
    yield made
    made.agent.stop()
    assert not [thread for thread in made.agent._threads if thread.is_alive()]


def test_the_main_job_runs_by_itself(running: Running, canary: bytearray) -> None:
    """The agent's own threads restart the PC, lock the desktop and prove the erasure."""
    running.lend(canary)
    permit = running.ask(rq.CredentialApply(session="CHG-1", action="restart"))
    assert isinstance(permit.result, dict)
    running.until_seen(lambda: running.world.scheduled)
    running.agent.stop()
    running.world.reboot()
    running.agent = Agent(running.world.computer(), running.place, running.settings)
    running.agent.start()
    peek = codec.decode_logon_answer(running.agent.logon(codec.encode_logon(lm.Peek()), LOGON).body)
    redeem = codec.encode_logon(lm.Redeem(permit=peek.permit))
    assert running.agent.logon(redeem, LOGON).secret == canary
    running.world.sign_in(ANNA)
    running.agent.logon(codec.encode_logon(lm.ReportResult(permit=peek.permit, status=0)), LOGON)
    running.agent.sessions_changed()
    use = running.ask(rq.ApplyWait(session="CHG-1", permit=peek.permit, wait=PATIENCE)).result
    assert isinstance(use, dict)
    running.until(lambda: running.agent.core.state.permits[peek.permit].closing == "locked")
    ended = running.ask(rq.SessionEnd(session="CHG-1")).result
    assert isinstance(ended, dict)
    assert ended["erasure"][0]["confirmed"]


def test_a_changed_clock_is_noticed(running: Running, canary: bytearray) -> None:
    """A changed clock ends and erases an expired grant without any call."""
    grant = running.lend(canary)
    running.world.now += timedelta(days=2)
    running.agent.clock_changed()
    running.until(lambda: running.agent.core.state.grants[grant].state is GrantState.ERASED)


def test_a_long_poll_ends_with_the_answer(running: Running) -> None:
    """A long poll returns as soon as the customer answers."""
    running.world.sign_in(ANNA)
    running.ask(rq.SessionStart(session="CHG-1", reason="Updates"))
    running.ask(rq.CredentialRequest(session="CHG-1", restarts=1))
    request = next(iter(running.agent.core.state.requests))
    answers: list[ans.Answer] = []
    wait = rq.RequestWait(session="CHG-1", request=request, wait=60.0)
    thread = threading.Thread(target=lambda: answers.append(running.ask(wait)))
    running.customer(cm.RequestShown(request=request, text_sha256="0" * 64))
    thread.start()
    running.customer(cm.RequestDecline(request=request))
    thread.join(PATIENCE)
    # The poll started before or after the customer's answer; either way it does not end with `shown`.
    assert answers
    error = answers[0].error
    assert not isinstance(error, ans.ErrorView) or error.code == "denied"


def test_the_companion_gets_news_at_once(running: Running) -> None:
    """The companion's long poll returns as soon as its snapshot is newer."""
    seen = running.agent.core.state.version
    snapshots: list[cm.CustomerAnswer] = []
    watch = cm.CustomerWatch(seen=seen, wait=60.0)
    thread = threading.Thread(target=lambda: snapshots.append(running.customer(watch)))
    thread.start()
    running.world.sign_in(ANNA)
    running.ask(rq.SessionStart(session="CHG-1", reason="Updates"))
    thread.join(PATIENCE)
    assert snapshots[0].snapshot is not None
    assert snapshots[0].snapshot.version > seen


def test_a_stop_answers_every_wait(running: Running) -> None:
    """A stop answers every open long poll and does not wait for it."""
    answers: list[cm.CustomerAnswer] = []
    watch = cm.CustomerWatch(seen=1000, wait=60.0)
    thread = threading.Thread(target=lambda: answers.append(running.customer(watch)))
    thread.start()
    running.agent.stop()
    thread.join(PATIENCE)
    assert answers[0].done


def test_a_request_after_the_stop_finds_no_agent(running: Running) -> None:
    """A request after the stop gets the error that the agent does not run."""
    running.agent.stop()
    answer = running.ask(rq.SessionStart(session="CHG-1", reason="Updates"))
    assert isinstance(answer.error, ans.ErrorView)
    assert answer.error.code == "agent_not_running"


def test_a_failed_effect_is_retried(
    running: Running, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed effect succeeds once its port works again."""
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    running.world.broken.add("notifier")
    running.lend(canary)
    running.world.broken.clear()
    running.until_seen(lambda: "anna" in running.world.summoned)


def test_a_failing_disk_does_not_end_the_threads(
    running: Running, canary: bytearray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Effects run again once the disk works."""
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    running.lend(canary)
    database = running.agent.core.journal._db
    database.execute("PRAGMA query_only = ON")
    assert running.ask(rq.CredentialApply(session="CHG-1", action="restart")).outcome == "refused"
    database.execute("PRAGMA query_only = OFF")
    assert running.ask(rq.CredentialApply(session="CHG-1", action="restart")).outcome == "done"
    running.until_seen(lambda: running.world.scheduled)


def test_an_agent_whose_start_failed_starts_later(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent whose start failed refuses everything and starts by itself once the port works."""
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    running = Running(place)
    running.world.broken.add("boot_id")
    running.agent.start()
    answer = running.ask(rq.SessionStart(session="CHG-1", reason="Updates"))
    assert isinstance(answer.error, ans.ErrorView)
    assert answer.error.code == "agent_failed"
    running.world.broken.clear()
    running.until(lambda: running.agent.core.state.boot_id != "")
    assert running.ask(rq.SessionStart(session="CHG-1", reason="Updates")).outcome == "done"
    running.agent.stop()


def test_a_damaged_journal_is_logged_once(
    place: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A damaged journal is logged once; a reset makes the agent work again."""
    monkeypatch.setattr(module, "FIRST_RETRY", 0.01)
    (place / "journal.db").write_bytes(b"Dear diary")
    running = Running(place)
    with caplog.at_level(logging.ERROR):
        running.agent.start()
        for _ in range(5):
            running.agent.clock_changed()
            assert running.agent.core.journal_life.is_damaged
    assert caplog.text.count("refuses everything") == 1
    assert running.ask(rq.JournalReset()).outcome == "done"
    assert running.ask(rq.SessionStart(session="CHG-1", reason="Updates")).outcome == "done"
    running.agent.stop()


@pytest.mark.parametrize("happens", [lambda bench: bench.agent.sessions_changed(), Bench.crash])
def test_an_ended_companion_is_summoned_again(
    bench: Bench, canary: bytearray, happens: Callable[[Bench], None]
) -> None:
    """Each session change and each start summon the companion while a grant is live."""
    bench.lend(canary)
    bench.world.summoned.clear()
    happens(bench)
    assert bench.world.summoned == ["anna"]
    bench.world.broken.add("notifier")
    happens(bench)
    bench.world.broken.clear()
    bench.revoke()
    bench.world.summoned.clear()
    happens(bench)
    assert bench.world.summoned == []


def test_the_clock_sleeps_until_the_next_moment(bench: Bench) -> None:
    """The clock thread sleeps until the next deadline, between its shortest and its longest sleep.

    It waits without limit while there is no deadline. The longest sleep exists because a PC that was
    suspended may not announce the change of time.
    """
    assert bench.agent._until_next() is None
    bench.start_session()
    assert bench.agent._until_next() == module.LONGEST_SLEEP
    bench.request(answer_within=10.0)
    assert bench.agent._until_next() == 10.0
    bench.world.now += timedelta(seconds=10)
    assert bench.agent._until_next() == module.SHORTEST_SLEEP
    bench.world.broken.add("sessions")
    bench.agent.sessions_changed()
    assert bench.agent._until_next() == module.FIRST_RETRY


def test_effects_wait_for_the_disk(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Effects wait while the disk fails; without a journal there are none."""
    bench.effects_lag = True
    bench.start_session()
    bench.request()
    bench.world.disk = "dead"
    assert not bench.agent._effects_done()
    assert "effects wait: storage_failed" in caplog.text
    bench.world.disk = "well"
    assert bench.agent._effects_done()
    bench.stop()
    assert bench.agent._effects_done()


def test_the_pause_between_attempts_grows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pause between two attempts doubles up to 30 seconds; a new event resets it."""
    pauses: list[float | None] = []
    agent = bench.agent
    news = iter([False] * 7 + [True] + [False])

    def wait(_seen: object, seconds: float | None) -> bool:
        pauses.append(seconds)
        if len(pauses) == 9:
            agent._stopping.set()
        return next(news)

    monkeypatch.setattr(agent, "_wait", wait)
    monkeypatch.setattr(agent, "_effects_done", lambda: False)
    agent._run_effects()
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0, 1.0]
