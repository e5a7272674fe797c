# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The time that a step has left, as the role's own variables tell it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

VARS = Path(__file__).resolve().parents[3] / "roles/maintenance/vars/main.yml"
LIMIT = 60


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 5000.25

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The steady clock of the controller. Its other clocks go on: they play no part."""
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def value(name: str, **given: Any) -> Any:
    """Return a variable of the role."""
    loader = DataLoader()
    known = loader.load_from_file(str(VARS), trusted_as_template=True)
    return Templar(loader=loader, variables={**known, **given}).template(known[name])


def test_the_limit_counts_the_seconds_that_pass(clock: Clock) -> None:
    """A jump of the controller's own clock, by a person or at the end of summer time, changes nothing."""
    ends = float(value("maintenance_seconds")) + LIMIT
    assert ends == clock.seconds + LIMIT
    for passed, left in ((0, 60), (0.5, 60), (1, 59), (59, 1), (59.5, 1)):
        clock.seconds = 5000.25 + passed
        assert value("maintenance_time_left", maintenance_try_ends=ends) == left


@pytest.mark.parametrize("late", [0, 1, 86_400])
def test_each_further_task_after_the_limit_has_one_second(clock: Clock, late: float) -> None:
    """Those of `rescue` and `always` tidy up. Ansible takes 0 for no limit at all."""
    ends = clock.seconds - late
    assert value("maintenance_time_left", maintenance_try_ends=ends) == 1
