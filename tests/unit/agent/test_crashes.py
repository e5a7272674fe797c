# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job with a power cut at each touch of the PC in turn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from latchkey_agent.domain.model import State
from latchkey_agent.domain.transitions import LIVE_GRANTS, GrantState
from latchkey_agent.protocol import control_requests as rq
from latchkey_agent.storage.vault import MAGIC
from tests.unit.agent.bench import Bench, cuts
from tests.unit.agent.world import PowerCut

Picture = tuple[tuple[str, ...], ...]


def main_job(bench: Bench, password: bytearray) -> None:
    """Grant, restart, sign in, lock and end the session."""
    bench.lend(password)
    bench.restart(step="one")
    bench.reboot()
    bench.sign_in_with_permit()
    bench.ask(rq.SessionEnd(session="CHG-1"))


def picture(state: State) -> Picture:
    """Return the states of all objects; a grant on trial counts as rejected, as after a crash."""
    grants = (GrantState.REJECTED if g.on_trial else g.state for g in state.grants.values())
    things: tuple[Any, ...] = (state.sessions, state.requests, state.permits)
    rest = (tuple(str(thing.state) for thing in kind.values()) for kind in things)
    return (tuple(map(str, grants)), *rest)


class Recorder(list[Picture]):
    """The states at each touch of an uninterrupted job."""

    def __init__(self, folder: Path, password: bytearray) -> None:
        super().__init__()
        bench = Bench(folder)
        touch, begun = bench.world.touch, bench.world.touches

        def watched(port: str = "") -> None:
            self.append(picture(bench.state))
            touch(port)

        bench.world.touch = watched  # type: ignore[method-assign]
        main_job(bench, password)
        self.append(picture(bench.state))
        assert bench.world.touches - begun == len(self) - 1
        bench.stop()

    def either(self, touch: int) -> set[Picture]:
        """Return the two states that a cut at this touch may leave: the old one and the new one."""
        before = self[touch - 1]
        after = next((later for later in self[touch:] if later != before), before)
        return {before, after}


@pytest.fixture
def recorder(place: Path, canary: bytearray) -> Recorder:
    """The uninterrupted job."""
    folder = place / "uncut"
    folder.mkdir()
    return Recorder(folder, canary)


def test_a_cut_anywhere_leaves_the_old_state_or_the_new_one(
    place: Path, canary: bytearray, recorder: Recorder
) -> None:
    """A power cut at any touch leaves one of two complete states, and the session can still be ended."""
    touches = 0
    for cut in cuts(place, lambda _: None, lambda bench: main_job(bench, canary)):
        touches += 1
        bench = cut.bench
        assert bench.agent.core.problem == ""
        expected = {recorder[-1]} if cut.survived else recorder.either(touches)
        assert picture(bench.state) in expected
        assert bench.sealed() == {g.id for g in bench.state.grants.values() if g.state in LIVE_GRANTS}
        assert bench.result(rq.JournalVerify())["intact"]
        bench.ask(rq.SessionEnd(session="CHG-1"))
        bench.effects()
        assert {g.state for g in bench.state.grants.values()} <= {GrantState.ERASED}
        assert MAGIC not in bench.content()
    assert touches == len(recorder)


# --- the injector itself -------------------------------------------------------------------------


def test_the_injector_counts_what_it_can_cut(recorder: Recorder) -> None:
    """The recorded job touches ports and commits, and reaches its last state without a cut."""
    assert len(recorder) > 60
    assert recorder[0] == ((), (), (), ())
    assert recorder[-1] == (("erased",), ("ended",), ("granted",), ("logged_on",))


def test_the_injector_leaves_the_power_off(bench: Bench) -> None:
    """After the cut no port is reached and nothing is written."""
    bench.start_session()
    bench.world.cut_at = bench.world.touches + 1
    with pytest.raises(PowerCut):
        bench.ask(rq.Checkpoint(session="CHG-1", step="one", state="done"))
    before, events = bench.content(), bench.events()
    summoned = len(bench.world.summoned)
    for _ in range(3):
        with pytest.raises(PowerCut):
            bench.request()
    assert bench.events() == events
    assert bench.content() == before
    assert len(bench.world.summoned) == summoned


@pytest.mark.parametrize(("cut", "written"), [(1, False), (2, True), (3, True)])
def test_the_injector_cuts_before_and_after_a_commit(bench: Bench, cut: int, *, written: bool) -> None:
    """A cut before the commit loses the event; a cut after it keeps the event."""
    bench.start_session()
    bench.world.cut_at = bench.world.touches + cut
    with pytest.raises(PowerCut):
        bench.ask(rq.Checkpoint(session="CHG-1", step="one", state="done"))
    bench.crash()
    assert ("one" in next(iter(bench.state.sessions.values())).checkpoints) is written


def test_a_kill_leaves_the_files_as_they_were(bench: Bench, canary: bytearray) -> None:
    """A kill does not shorten the write-ahead log as an orderly stop does."""
    bench.lend(canary)
    log = bench.journal.with_name("journal.db-wal")
    size = log.stat().st_size
    assert size > 0
    bench.kill()
    assert bench.journal.with_name("journal.db-wal").stat().st_size == size
    bench.start()
