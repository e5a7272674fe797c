# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules hold in every state that a small search reaches, and each broken rule is found."""

from __future__ import annotations

import pytest

from tests.explorer import rules
from tests.explorer.limits import LIMITS, is_accepted
from tests.explorer.mutants import MUTANTS, Mutant, broken
from tests.explorer.runs import RUNS
from tests.explorer.search import Search

STATES = 900
"""States of each run: all runs together take some ten seconds."""
STATES_FOR_A_MUTANT = 6000


def test_no_state_breaks_a_rule() -> None:
    """No run reaches a violation that the table of accepted limits does not list."""
    found = {}
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
    """The kinds of violations by which mutants are found, and the accepted ones, stand in the table of rules."""
    known = {kind for kinds in rules.WHERE.values() for kind in kinds}
    kinds = {*LIMITS, *(kind for mutant in MUTANTS for kind in mutant.kinds)}
    assert {kind.partition(":")[0] for kind in kinds} <= {kind.partition(":")[0] for kind in known}
    assert set(rules.WHERE) == set(range(1, 15))
