# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Random acts in any order: Hypothesis searches for a history that breaks an invariant."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.unit.agent.acts import ACTS, WHOSE, Act, prelude
from tests.unit.agent.bench import memory_disk
from tests.unit.agent.play import Play

HISTORIES = int(os.environ.get("LATCHKEY_HISTORIES", "120"))
"""Number of histories; `python -m tests.unit.agent.histories` plays ten thousand by seed."""

pytestmark = pytest.mark.timeout(120 + 2 * HISTORIES)


def act(name: str) -> st.SearchStrategy[Act]:
    """Return one kind of act with any of its arguments."""
    choices = (st.sampled_from(choice) for choice in ACTS[name][1])
    return st.builds(Act, st.just(name), st.tuples(*choices))


WEIGHTED = [name for name, (weight, _) in ACTS.items() for _ in range(weight)]


class Histories(RuleBasedStateMachine):
    """A PC, two operators, two customers and every kind of fault."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = TemporaryDirectory(dir=memory_disk())
        self._play = Play(Path(self._folder.name), Random(0).randbytes)  # noqa: S311 - the same each time

    @initialize(whose=st.sampled_from(WHOSE))
    def begin(self, whose: str) -> None:
        """Begin with a grant."""
        for what in prelude(whose):
            self._play.perform(what)

    @rule(what=st.sampled_from(WEIGHTED).flatmap(act))
    def happen(self, what: Act) -> None:
        """Perform any act."""
        self._play.perform(what)

    def teardown(self) -> None:
        """Check that the agent settles, with everything erased and locked."""
        try:
            self._play.perform(Act("settle"))
        finally:
            self._play.bench.stop()
            self._folder.cleanup()


Histories.TestCase.settings = settings(
    max_examples=HISTORIES,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
TestHistories = Histories.TestCase
