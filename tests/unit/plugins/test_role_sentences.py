# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences of the role for the agent's stable words."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import yaml

from latchkey_agent.domain.model import Omission

VARIABLES = Path(__file__).resolve().parents[3] / "roles/maintenance/vars/main.yml"


def test_each_reason_for_a_restart_without_a_sign_in_has_a_sentence() -> None:
    """The role says in words why nobody is signed in after a restart within a step."""
    known = yaml.safe_load(VARIABLES.read_text(encoding="utf-8"))["maintenance_why_omitted"]
    assert set(known) == set(get_args(Omission))
