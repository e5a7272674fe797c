# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test may ask for."""

from __future__ import annotations

from tests.canary import canary
from tests.collection import pytest_configure

__all__ = ["canary", "pytest_configure"]
