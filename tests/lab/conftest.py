# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shared fixtures of the end-to-end tests: PCs, and an operator with the real ansible-playbook."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.simulated_pc import SimulatedComputer
from tests.lab import kinds
from tests.lab.job import Operator
from tests.lab.provoked import pytest_runtest_call
from tests.sharing import WINE_PCS, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    LabPC = Callable[..., tuple[Operator, SimulatedComputer]]

__all__ = [
    "lab_pc",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_runtest_call",
]


def pytest_configure(config: pytest.Config) -> None:
    """Choose the kind of PC."""
    kinds.choose(config.getoption("pc"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Limit each end-to-end test to two minutes, unless it has its own limit; on Wine PCs to a multiple of that.

    The first Wine PC may have to download, compile and install its whole disk.
    """
    for item in (item for item in items if "tests/lab/" in item.nodeid):
        own = item.get_closest_marker("timeout")
        limit: float = own.args[0] if own else 120
        if kinds.chosen() == kinds.WINE or together(item.nodeid) == WINE_PCS:
            limit = max(600, kinds.WINE_FACTOR * limit)
        item.add_marker(pytest.mark.timeout(limit), append=False)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test marked `also_on_wine` on a Wine PC, too."""
    if metafunc.definition.get_closest_marker("also_on_wine"):
        metafunc.parametrize("lab_pc", kinds.also_on_wine(), indirect=True)


@pytest.fixture
def lab_pc(request: pytest.FixtureRequest, tmp_path: Path, canary: bytearray) -> Iterator[LabPC]:
    """Makes a PC and an operator for it; the customer's password is the canary. Both end with the test."""
    with ExitStack() as stack:
        kind = getattr(request, "param", kinds.chosen())

        def make(**settings: Any) -> tuple[Operator, SimulatedComputer]:
            chosen = {"password": canary, **settings}
            computer = stack.enter_context(kinds.pc(tmp_path / "pc", kind, **chosen))
            operator = Operator(tmp_path / "operator", {"pc1": computer})
            stack.callback(operator.stop)
            return operator, computer

        yield make
