# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unkind settings that a correct job survives."""

from __future__ import annotations

from dataclasses import fields

import pytest

from lab.computer import Faults
from lab.simulated.pc_settings import Settings
from lab.simulated.unkindness import UNKIND, unkind


@pytest.mark.parametrize("name", UNKIND)
def test_each_row_changes_a_field_that_exists(name: str) -> None:
    """A row that names no field, or a field's default, would leave the PC kind."""
    chosen = unkind([name])
    kind = {f.name: f.default for f in fields(Settings)}, {f.name: f.default for f in fields(Faults)}
    for changed, defaults in zip((chosen.settings, chosen.faults), kind, strict=True):
        assert all(defaults[field] != value for field, value in changed.items())
    assert {**chosen.settings, **chosen.faults} == UNKIND[name]


def test_several_rows_are_put_together() -> None:
    """Each row counts; of two values for one field the later one."""
    first, second = "a first sign-in that is listed as locked", "session numbers that change"
    assert unkind([first, second]).settings == {**UNKIND[first], **UNKIND[second]}


def test_the_switches_are_set_on_a_pc() -> None:
    """A row may name a switch of `Faults`."""
    faults = Faults()
    unkind([])._replace(faults={"lock_fails": True}).switch_on(faults)
    assert faults.lock_fails
