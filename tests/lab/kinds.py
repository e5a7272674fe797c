# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of PC that the end-to-end tests run on.

In `make test` most run on simulated PCs, and those that say so (`also_on_wine`) on a Wine PC as well, with the real
Windows agent. `make test PC=wine` runs them all on Wine PCs.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging import system_tools
from lab.simulated import simulated_pc as simulated
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from lab.wine.wine_computer import WineComputer

SIMULATED, WINE = "simulated", "wine"
ON_WINE = pytest.mark.parametrize("lab_pc", [WINE], indirect=True)

_chosen = SIMULATED


def choose(kind: str) -> None:
    """Let every test use this kind of PC that does not name one."""
    global _chosen  # noqa: PLW0603 - chosen once, when pytest is configured
    _chosen = kind


def chosen() -> str:
    """Return the kind of PC of every test that does not name one."""
    return _chosen


def also_on_wine() -> list[str]:
    """Return the kinds of PC of a test that is marked so."""
    return [SIMULATED, WINE] if _chosen == SIMULATED else [_chosen]


def pc(folder: Path, kind: str = "", **settings: Any) -> AbstractContextManager[SimulatedComputer]:
    """Return a PC of the chosen kind; skips the test where this machine lacks what a Wine PC needs."""
    if (kind or _chosen) == SIMULATED:
        return simulated.pc(folder, **settings)
    require(system_tools.WINE, system_tools.PACKAGE)
    return scrapped_wine_pc(folder, **settings)


@contextmanager
def scrapped_wine_pc(folder: Path, **settings: Any) -> Iterator[WineComputer]:
    """Run a Wine PC, and remove its disk afterwards: it is larger than all that other tests leave."""
    from lab.wine.wine_computer import wine_pc  # noqa: PLC0415 - needs what the simulated PC does without

    with wine_pc(folder, **settings) as computer:
        yield computer
    (folder / "agent.log").write_text(computer.log, encoding="utf-8")
    computer.scrap()
