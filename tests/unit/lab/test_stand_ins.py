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


def test_the_exact_form_is_answered(host: LocalHost) -> None:
    """A script of the form is given to the program, with what the form's groups caught."""
    assert host.stand_in("Get-Thing -Name 'clock'") == (FORM.program, ("clock",))


@pytest.mark.parametrize(
    "script", ["Get-Thing -Name 'clock'; exit 1", " Get-Thing -Name 'clock'", "Get-Thing"]
)
def test_another_form_is_not(host: LocalHost, script: str) -> None:
    """Whatever is added, left out or changed makes it a script like any other."""
    assert host.stand_in(script) is None
