# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules hold in every state that a small search reaches, and each broken rule is found."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.explorer import moves, rules
from tests.explorer.limits import LIMITS, is_accepted
from tests.explorer.mutants import MUTANTS, Mutant, broken
from tests.explorer.paths import PATHS
from tests.explorer.replay import Replay
from tests.explorer.runs import RUNS, Run, few_sessions
from tests.explorer.search import Search, Violation
from tests.unit.agent.bench import memory_disk

STATES = 900
"""States of each run: all runs together take some ten seconds."""
STATES_FOR_A_MUTANT = 6000
WALK = 14
"""Moves of a random walk after a run's beginning."""


@pytest.fixture(autouse=True)
def _few_sessions() -> Iterator[None]:
    """The state keeps few ended sessions, so a short path pushes one out."""
    with few_sessions():
        yield


@pytest.fixture
def replay() -> Iterator[Replay]:
    """A path player with an agent of its own."""
    with TemporaryDirectory(dir=memory_disk()) as folder:
        player = Replay(Path(folder))
        yield player
        player.close()


def test_no_state_breaks_a_rule() -> None:
    """No run reaches a violation that the table of accepted limits does not list."""
    found: dict[str, Violation] = {}
    for run in RUNS:
        found |= Search(run, STATES).search().violations
    unlisted = {name: violation.path for name, violation in found.items() if not is_accepted(violation.kind)}
    assert unlisted == {}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_broken_rule_is_found(mutant: Mutant) -> None:
    """A search over the broken rule finds one of the violations that belong to it."""
    run = next(run for run in RUNS if run.name == mutant.run)
    with broken(mutant):
        found = Search(run, STATES_FOR_A_MUTANT).search(wanted=frozenset(mutant.kinds)).violations
    assert any(violation.kind in mutant.kinds for violation in found.values())


def test_every_kind_belongs_to_a_rule() -> None:
    """Every kind of violation stands in the table of rules."""
    known = {kind.partition(":")[0] for kinds in rules.WHERE.values() for kind in kinds}
    folder = Path(rules.__file__).parent
    written = set(
        re.findall(r'violate\(\s*f?"([a-z_]+)', "".join(f.read_text("utf-8") for f in folder.glob("*.py")))
    )
    used = {*LIMITS, *(kind for mutant in MUTANTS for kind in mutant.kinds)}
    assert {kind.partition(":")[0] for kind in used} | written <= known
    assert set(rules.WHERE) == set(range(1, 15))


@pytest.mark.parametrize("name", PATHS)
def test_a_path_that_broke_a_rule_breaks_none(name: str, replay: Replay) -> None:
    """The whole agent plays the path as the explorer does, and no move violates a rule."""
    _, path = Run(name, PATHS[name], {"again": ()}).begin()
    replay.play(path)
    assert [found for found in replay.found if not is_accepted(found[0])] == []


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_the_stand_in_does_what_the_agent_does(run: Run, replay: Replay) -> None:
    """On a walk over the run's moves, the explorer's state and the whole agent's are alike after each move."""
    chance = random.Random(run.name)  # noqa: S311 - no secret
    node, path = run.begin()
    for _ in range(WALK):
        if choices := list(moves.options(node, run.groups)):
            path = (*path, chance.choice(choices))
            node = moves.do(node, path[-1])
    replay.play(path)
