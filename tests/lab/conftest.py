# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end-to-end tests share: PCs, and an operator with the real ansible-playbook."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.pc import SimulatedComputer, pc
from lab.wine.installed import missing
from tests.lab.job import Operator
from tests.lab.kinds import BOTH
from tests.lab.provoked import pytest_runtest_call
from tests.sharing import WINE_PCS, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lab.wine.computer import WineComputer

    Desk = Callable[..., tuple[Operator, SimulatedComputer]]

__all__ = [
    "desk",
    "pytest_collection_modifyitems",
    "pytest_generate_tests",
    "pytest_runtest_call",
    "scrapped_wine_pc",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each end-to-end test two minutes at most, unless it says otherwise.

    The first Wine PC may have to wait until everything on its disk is fetched, compiled and installed.
    """
    for item in items:
        if "tests/lab/" in item.nodeid and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(600 if together(item.nodeid) == WINE_PCS else 120))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that is marked so on a Wine PC as well."""
    if metafunc.definition.get_closest_marker("also_on_wine"):
        metafunc.parametrize("desk", BOTH, indirect=True)


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path, canary: bytearray) -> Iterator[Desk]:
    """Makes a PC whose customer's password is the canary, and an operator for it. Both end with the test."""
    with ExitStack() as stack:
        maker = _maker(getattr(request, "param", "simulated"))

        def make(**settings: Any) -> tuple[Operator, SimulatedComputer]:
            chosen = {"password": canary, **settings}
            computer = stack.enter_context(maker(tmp_path / "pc", **chosen))
            operator = Operator(tmp_path / "operator", {"pc1": computer})
            stack.callback(operator.stop)
            return operator, computer

        yield make


def _maker(kind: str) -> Callable[..., AbstractContextManager[SimulatedComputer]]:
    if kind == "simulated":
        return pc
    if lacking := missing():
        pytest.skip(lacking)
    return scrapped_wine_pc


@contextmanager
def scrapped_wine_pc(folder: Path, **settings: Any) -> Iterator[WineComputer]:
    """Run a Wine PC, and remove its disk afterwards: it is larger than all that other tests leave."""
    from lab.wine.computer import wine_pc  # noqa: PLC0415 - needs what the simulated PC does without

    with wine_pc(folder, **settings) as computer:
        yield computer
    computer.scrap()
