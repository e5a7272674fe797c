# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of PC for the demo."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from agent.packaging.system_tools import PACKAGE, WINE, missing
from lab.simulated.simulated_pc import pc

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import Any

    from lab.simulated.simulated_pc import SimulatedComputer


class Kind(NamedTuple):
    """One kind of PC: its title, its missing requirements (None: none missing), and a function that runs one."""

    title: str
    lacks: Callable[[], str | None]
    run: Callable[..., AbstractContextManager[SimulatedComputer]]


def _nothing() -> None:
    return None


def _wine_lacks() -> str | None:
    return missing(WINE, PACKAGE)


@contextmanager
def _wine(folder: Path, **settings: Any) -> Iterator[SimulatedComputer]:
    from lab.wine.wine_computer import wine_pc  # noqa: PLC0415 - needs what the simulated PC does without

    with wine_pc(folder, **settings) as computer:
        yield computer
    computer.thin()


KINDS = {
    "simulated": Kind("a model of Windows; runs everywhere", _nothing, pc),
    "wine": Kind("the agent from its MSI and the credential provider, run by Wine", _wine_lacks, _wine),
}
