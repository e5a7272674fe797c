# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options, fixtures and scheduling of all tests."""

from __future__ import annotations

import secrets
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
    config.option.unkind_seed = config.option.unkind_seed or _id_of_run(config)
    config.pluginmanager.register(needs)


def _id_of_run(config: pytest.Config) -> str:
    """Return a random text that the workers of pytest-xdist share: all have to collect the same tests."""
    shared: dict[str, str] = getattr(config, "workerinput", {})
    config.option.testrunuid = (
        shared.get("testrunuid") or config.getoption("testrunuid") or secrets.token_hex(3)
    )
    return str(config.option.testrunuid)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that select the kind of PC for the end-to-end tests, and how unkind they are."""
    parser.addoption(
        "--pc", choices=["simulated", "wine"], default="simulated", help="kind of PC that tests/lab uses"
    )
    parser.addoption("--unkind", action="store_true", help="all of tests/lab/test_unkind.py, not only a few")
    parser.addoption(
        "--nights", action="store_true", help="all nights of tests/lab/test_night.py, not only one"
    )
    parser.addoption("--unkind-seed", metavar="SEED", help="choose the same unkind PCs again")


def pytest_report_header(config: pytest.Config) -> str:
    """Print the seed of the choices at random."""
    return f"unkind PCs are chosen with --unkind-seed {config.option.unkind_seed}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slowest tests first."""
    items.sort(key=lambda item: turn(item.nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """Keep tests that share something on one worker."""
    return SharedScheduling(config, log)
