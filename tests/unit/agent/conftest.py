# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.canary import canary
from tests.unit.agent.bench import Bench

__all__ = ["bench", "canary"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An agent on a computer in memory."""
    made = Bench(tmp_path)
    yield made
    made.stop()
