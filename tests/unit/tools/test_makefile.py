# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A choice that a user of make gives reaches the program that it is meant for, and no program that this one starts."""

from __future__ import annotations

import re
import subprocess

import pytest

from tools.run_tests import ROOT

CHOICES = re.findall(r"^([A-Z]+) (?:\?|:)?=", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("choice", [name for name in CHOICES if name != "MAKEOVERRIDES"])
def test_no_choice_is_in_the_environment_of_a_recipe(choice: str) -> None:
    """`make test PC=wine` would make a lab of Wine PCs of each lab that a test starts."""
    command = ["make", "--eval", "show: ; @env", "show", f"{choice}=marker"]
    shown = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, timeout=60).stdout
    assert "marker" not in shown
