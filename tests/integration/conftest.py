# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shared fixtures of the integration tests."""

from __future__ import annotations

from tests.integration.simulated_fixtures import simulated_pc
from tests.integration.wsman_fixtures import (
    wsman_config,
    wsman_environment,
    wsman_lab,
    wsman_password,
    wsman_reach,
    wsman_start,
    wsman_tap,
)

__all__ = [
    "simulated_pc",
    "wsman_config",
    "wsman_environment",
    "wsman_lab",
    "wsman_password",
    "wsman_reach",
    "wsman_start",
    "wsman_tap",
]
