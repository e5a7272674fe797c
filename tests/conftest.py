# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, fixtures and scheduling of all tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests import collection, needs
from tests.canary import canary
from tests.sharing import SharedScheduling, turn

if TYPE_CHECKING:
    from xdist.scheduler import Scheduling

__all__ = ["canary"]


def pytest_configure(config: pytest.Config) -> None:
    """Put Ansible's finder in place, and watch what each test needs.

    The hooks of this file are not called for session fixtures, so `needs` is a plugin of its own.
    """
    collection.put_finder_in_place()
    config.pluginmanager.register(needs)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that selects the kind of PC for the end-to-end tests."""
    parser.addoption(
        "--pc", choices=["simulated", "wine"], default="simulated", help="kind of PC that tests/lab uses"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest tests first."""
    items.sort(key=lambda item: turn(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Keep tests that share something on one worker."""
    return SharedScheduling(config, log)
