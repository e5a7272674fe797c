# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs in place of scripts that the lab does not understand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lab.wsman.host import LocalHost, StandIn

if TYPE_CHECKING:
    from pathlib import Path

FORM = StandIn(r"Get-Thing -Name '([a-z]+)'", r"C:\\Lab\\thing.exe")


@pytest.fixture
def host(tmp_path: Path) -> LocalHost:
    """A computer with one stand-in."""
    return LocalHost(root=tmp_path, programs={}, passwords={}, stand_ins=(FORM,))


def test_a_script_of_the_exact_form_runs_the_program(host: LocalHost) -> None:
    """A script of the exact form runs the program with the matches of the form's groups."""
    assert host.stand_in("Get-Thing -Name 'clock'") == (FORM.program, ("clock",))


@pytest.mark.parametrize(
    "script", ["Get-Thing -Name 'clock'; exit 1", " Get-Thing -Name 'clock'", "Get-Thing"]
)
def test_a_script_of_another_form_does_not(host: LocalHost, script: str) -> None:
    """A script with an added, missing or changed part does not run the program."""
    assert host.stand_in(script) is None
