# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of PC that the end-to-end tests run on."""

from __future__ import annotations

import pytest

BOTH = ["simulated", "wine"]
ON_WINE = pytest.mark.parametrize("desk", ["wine"], indirect=True)
