# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole nights. `make nights` plays one on forty PCs and three at random; `make test` plays one on a few PCs."""

from __future__ import annotations

import random
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.lab import night as nights
from tests.lab.job import Operator
from tests.lab.kinds import SIMULATED, pc

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.timeout(1800)

FEW, MANY, RANDOM = 10, 40, 12
"""The PCs of the night in `make test`, of the large night, and of each night at random."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose the nights by the seed."""
    seed = metafunc.config.getoption("unkind_seed")
    dice = random.Random(seed)  # noqa: S311 - no secret
    ordinary = MANY if metafunc.config.getoption("nights") else FEW
    chosen = [(f"{ordinary} PCs", nights.first_paragraph(ordinary))]
    if metafunc.config.getoption("nights"):
        chosen += [(f"at random, {seed}-{n}", nights.at_random(RANDOM, dice)) for n in range(3)]
    metafunc.parametrize("fates", [fates for _, fates in chosen], ids=[name for name, _ in chosen])


def test_a_night(
    tmp_path: Path, canary: bytearray, fates: Sequence[nights.Fate], request: pytest.FixtureRequest
) -> None:
    """In the morning everything that could be done is done, nothing twice, and the report says so."""
    dice = random.Random(request.config.getoption("unkind_seed"))  # noqa: S311 - no secret
    names = [f"pc{number}" for number in range(len(fates))]
    with ExitStack() as stack:
        pcs = {
            name: stack.enter_context(
                pc(
                    tmp_path / name,
                    SIMULATED,
                    password=bytearray(canary),
                    script=list(nights.ANSWERS[fate.answer]),
                    updates_seconds=1.5,
                )
            )
            for name, fate in zip(names, fates, strict=True)
        }
        operator = Operator(tmp_path / "operator", pcs)
        stack.callback(operator.stop)
        nights.set_up(operator, fates)
        night = nights.Night(dict(zip(names, fates, strict=True)), pcs, operator)
        nights.play(night, dice)
        nights.check(night)
