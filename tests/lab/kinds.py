# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of PC that the end-to-end tests run on."""

from __future__ import annotations

import pytest

WINE = pytest.param("wine", marks=pytest.mark.xdist_group("wine-pc"))
"""One after the other: each is a whole Windows, and two processors are soon too few."""
ON_WINE = pytest.mark.parametrize("desk", [WINE], indirect=True)
BOTH = ["simulated", WINE]
