# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small fleet through two execution nodes. `make fleet` plays a thousand PCs."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.fleet.fleet_night import Plan, play

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("mode", ["wait", "begin"])
def test_a_slice_of_a_node_that_died_goes_on_elsewhere(tmp_path: Path, mode: str) -> None:
    """Each step is done once on each PC, each restart made once, and each customer asked once."""
    said: list[str] = []
    plan = Plan(pcs=6, workers=2, piece=3, wave=6, mode=mode, kills=1, restart_seconds=1.0)

    told = play(tmp_path, plan, random.Random(mode), said.append)  # noqa: S311 - no secret

    assert told.deaths == 1, said
    assert sum("goes to another node" in line for line in said) == 1, said
    assert [work.pcs for work in told.waves] == [6]
