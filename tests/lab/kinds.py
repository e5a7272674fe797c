# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of PC that the end-to-end tests run on.

In `make test` most tests run on simulated PCs; those marked `also_on_wine` also run on a Wine PC, with the real
Windows agent. `make test PC=wine` runs all of them on Wine PCs.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from agent.packaging import system_tools
from lab.simulated import simulated_pc as simulated
from lab.simulated.connections import CONNECTIONS
from lab.simulated.pc_settings import Settings
from tests.needs import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from lab.simulated.simulated_pc import SimulatedComputer
    from lab.wine.wine_computer import WineComputer

SIMULATED, WINE = "simulated", "wine"
ON_WINE = pytest.mark.parametrize("lab_pc", [WINE], indirect=True)
WINE_FACTOR = 3
"""A Wine PC takes up to this many times as long as a simulated one."""

_chosen = SIMULATED


def choose(kind: str) -> None:
    """Use this kind of PC in every test that does not name one."""
    global _chosen  # noqa: PLW0603 - chosen once, when pytest is configured
    _chosen = kind


def chosen() -> str:
    """Return the kind of PC of every test that does not name one."""
    return _chosen


def patience(seconds: float) -> float:
    """Return the time for something that takes `seconds` at most on a simulated PC; a Wine PC needs a multiple."""
    return seconds if _chosen == SIMULATED else WINE_FACTOR * seconds


def pc_name() -> str:
    """Return the name of a PC of the chosen kind."""
    if _chosen == SIMULATED:
        return Settings().name
    from lab.wine.wine_computer import device_name  # noqa: PLC0415 - the simulated PC does not need it

    return device_name()


def also_on_wine() -> list[str]:
    """Return the kinds of PC of a test marked `also_on_wine`."""
    return [SIMULATED, WINE] if _chosen == SIMULATED else [_chosen]


def pc(folder: Path, kind: str = "", **settings: Any) -> AbstractContextManager[SimulatedComputer]:
    """Return a PC of the chosen kind; skip the test if this machine lacks a requirement of Wine PCs."""
    if (kind or _chosen) == SIMULATED:
        return simulated.pc(folder, **settings)
    require(system_tools.WINE, system_tools.PACKAGE)
    return scrapped_wine_pc(folder, **settings)


def pcs_for(
    stack: ExitStack, folder: Path, connections: Iterable[str], **settings: Any
) -> dict[str, SimulatedComputer]:
    """Run a simulated PC for each connection, by its name in `CONNECTIONS`; the PCs end with the stack."""
    return {
        name: stack.enter_context(
            pc(folder / f"pc{number}", SIMULATED, listeners=(CONNECTIONS[name].listener,), **settings)
        )
        for number, name in enumerate(connections)
    }


@contextmanager
def scrapped_wine_pc(folder: Path, **settings: Any) -> Iterator[WineComputer]:
    """Run a Wine PC, and remove its large disk afterwards."""
    from lab.wine.wine_computer import wine_pc  # noqa: PLC0415 - the simulated PC does not need it

    with wine_pc(folder, **settings) as computer:
        yield computer
    (folder / "agent.log").write_text(computer.log, encoding="utf-8")
    computer.scrap()
