# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.canary import canary
from tests.unit.agent.bench import Bench, memory_disk

__all__ = ["bench", "canary", "place"]


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in memory if the system has one, since no test here depends on a real disk."""
    with TemporaryDirectory(dir=memory_disk()) as folder:
        yield Path(folder)


@pytest.fixture
def bench(place: Path) -> Iterator[Bench]:
    """An agent on a computer in memory."""
    made = Bench(place)
    yield made
    made.stop()


@pytest.fixture
def other_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The process has a zone that is not the PC's."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()
