# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the end-to-end tests share: PCs, and an operator with the real ansible-playbook."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from lab.simulated.pc import SimulatedComputer, pc
from tests.lab.job import Operator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Desk = Callable[..., tuple[Operator, SimulatedComputer]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each end-to-end test two minutes at most, unless it says otherwise."""
    for item in items:
        if "tests/lab/" in item.nodeid and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(120))


@pytest.fixture
def desk(tmp_path: Path, canary: bytearray) -> Iterator[Desk]:
    """Makes a PC whose customer's password is the canary, and an operator for it. Both end with the test."""
    with ExitStack() as stack:

        def make(**settings: Any) -> tuple[Operator, SimulatedComputer]:
            chosen = {"password": canary, **settings}
            computer = stack.enter_context(pc(tmp_path / "pc", **chosen))
            operator = Operator(tmp_path / "operator", {"pc1": computer})
            stack.callback(operator.stop)
            return operator, computer

        yield make
