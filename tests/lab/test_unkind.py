# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that are killed and launched again on PCs as unkind as those in the field.

`make unkind` takes each unkindness alone at every moment, and random pairs of them at random moments; `make test`
takes a few of these. The report's header says the seed of the choice.
"""

from __future__ import annotations

import random
from itertools import combinations
from typing import TYPE_CHECKING

import pytest

from lab.simulated.unkindness import UNKIND
from tests.lab.relaunch import KILLED, kill_and_launch_again

if TYPE_CHECKING:
    from tests.lab.conftest import LabPC

pytestmark = pytest.mark.timeout(240)

SHARE = 6
"""Tests of `make test`."""
PAIRS = 30
"""Random pairs of `make unkind`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the moments and unkindnesses by the seed."""
    dice = random.Random(metafunc.config.getoption("unkind_seed"))  # noqa: S311 - no secret
    chosen = choice(dice)
    if not metafunc.config.getoption("unkind"):
        chosen = dice.sample(chosen, SHARE)
    metafunc.parametrize(
        ("moment", "unkindness"), chosen, ids=[f"{moment}: {', '.join(rows)}" for moment, rows in chosen]
    )


def choice(dice: random.Random) -> list[tuple[str, tuple[str, ...]]]:
    """Return each unkindness alone at every moment, and some pairs, each at a moment at random."""
    pairs = dice.sample(list(combinations(UNKIND, 2)), PAIRS)
    alone = [(moment, (row,)) for row in UNKIND for moment in KILLED]
    return [*alone, *((dice.choice(list(KILLED)), pair) for pair in pairs)]


def test_a_killed_job_goes_on(lab_pc: LabPC, moment: str, unkindness: tuple[str, ...]) -> None:
    """The second launch continues the job: each step once, one restart for each use, two shells at most."""
    kill_and_launch_again(lab_pc, moment, *unkindness)
