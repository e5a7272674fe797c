# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's core by itself: commands each second, and a start with a long journal, both on a real disk."""

from __future__ import annotations

import re
import statistics
import time
import uuid
from itertools import chain, count, islice
from typing import TYPE_CHECKING, Literal

import msgspec

from lab import canary
from latchkey_agent.agent import Agent
from latchkey_agent.core.journal_lifecycle import JOURNAL_NAME
from latchkey_agent.domain.events import AnyEvent
from latchkey_agent.protocol import answers as ans
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.protocol.frames import wipe
from latchkey_agent.storage.journal import Change, Journal
from tests.benchmarks.figures import Figure
from tests.unit.agent.bench import Bench
from tests.unit.agent.world import OPERATOR, World, anchors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EVENTS = 100_000
START = 1.0
STARTS = 3
COMMANDS = 300
AT_ONCE = 2_000
_STATES: tuple[Literal["started", "done"], ...] = ("started", "done")
_ID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def measure(folder: Path) -> list[Figure]:
    """Write a journal of many whole support sessions, and start on it."""
    return [_commands(folder / "commands"), *_long(folder / "long")]


def _agent(world: World, folder: Path) -> Agent:
    settings = folder.with_suffix(".toml")
    settings.write_text("[policy]\nmin_restart_interval = 0.0\n", encoding="utf-8")
    return Agent(world.computer(), folder, settings)


def _commands(folder: Path) -> Figure:
    folder.mkdir(parents=True)
    agent = _agent(World(), folder)
    agent.start()
    try:
        _done(agent, rq.SessionStart(session="CHG-1", reason="Monthly updates"))
        began = time.perf_counter()
        for number in range(COMMANDS):
            _done(
                agent,
                rq.Checkpoint(session="CHG-1", step=f"Step {number % 10}", state=_STATES[number // 10 % 2]),
            )
        seconds = time.perf_counter() - began
    finally:
        agent.stop()
    return Figure("agent core, journal on disk", COMMANDS / seconds, "commands each second")


def _done(agent: Agent, request: rq.ControlRequest) -> None:
    answer = msgspec.json.decode(agent.control(msgspec.json.encode(request), OPERATOR), type=ans.Answer)
    assert answer.outcome == "done", answer


def _long(folder: Path) -> list[Figure]:
    folder.mkdir(parents=True)
    world = World()
    life = _life(folder / "life")
    _write(folder / JOURNAL_NAME, world, life)
    seconds = statistics.median(_start(world, folder) for _ in range(STARTS))
    size = sum(file.stat().st_size for file in folder.glob(f"{JOURNAL_NAME}*") if "reserve" not in file.name)
    return [
        Figure(
            f"start with {EVENTS:,} events", seconds, "s", START, where=f"sessions of {len(life)} events each"
        ),
        Figure(
            f"size of {EVENTS:,} events",
            size / 1e6,
            "MB",
            where=f"{size / EVENTS:.0f} bytes an event, with its hash",
        ),
    ]


def _life(folder: Path) -> list[bytes]:
    """Return the events of one support session with one restart, without the journal's own first ones."""
    folder.mkdir()
    bench = Bench(folder)
    password = canary.make()
    try:
        bench.lend(password)
        bench.restart()
        bench.reboot()
        wipe(bench.sign_in_with_permit())
        bench.result(rq.SessionEnd(session="CHG-1"))
        bodies = [bytes(body) for (body,) in bench.database.execute("SELECT body FROM events ORDER BY seq")]
    finally:
        bench.stop()
        wipe(password)
    begun = next(at for at, body in enumerate(bodies) if b'"session_started"' in body)
    return bodies[begun:]


def _write(path: Path, world: World, life: list[bytes]) -> None:
    """Write a journal with many copies of this session's events, each with its own ids."""
    journal = Journal(path, *anchors(world))
    decode = msgspec.json.Decoder(AnyEvent).decode
    try:
        lives = chain.from_iterable(_another(life, number) for number in count(1))
        for _ in range(0, EVENTS, AT_ONCE):
            journal.commit(Change([decode(body) for body in islice(lives, AT_ONCE)]))
    finally:
        journal.close()


def _another(life: list[bytes], number: int) -> Iterator[bytes]:
    fresh: dict[bytes, bytes] = {}
    for body in life:
        named = body.replace(b"CHG-1", b"CHG-%d" % number).replace(b"boot-2", b"boot-%d" % (number + 1))
        yield _ID.sub(lambda old: fresh.setdefault(old[0], str(uuid.uuid4()).encode()), named)


def _start(world: World, folder: Path) -> float:
    """Return the seconds of a start, up to the point where the service opens its pipes."""
    agent = _agent(world, folder)
    began = time.perf_counter()
    agent.start()
    seconds = time.perf_counter() - began
    problem, events = agent.core.problem, agent.core.state.version
    agent.stop()
    assert not problem, problem
    assert events >= EVENTS
    return seconds
