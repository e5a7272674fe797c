# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures of the credential provider's tests under Wine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.packaging.system_tools import COMPILER, WINE_ALONE
from lab.wine.logon_ui import LogonScreen
from latchkey_agent.protocol.frames import wipe
from tests.native import built
from tests.native.programs import FakeAgent, SharedAgent, register
from tests.needs import require


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the first test the time in which everything is built and Wine makes its disk."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def programs() -> Path:
    """The folder with the DLL and the harness' programs."""
    require(COMPILER)
    return built.programs()


@pytest.fixture(scope="session")
def pc(programs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[built.BarePC]:
    """A Wine PC on which the provider is registered as the installer does it."""
    require(WINE_ALONE)
    with built.BarePC(tmp_path_factory.mktemp("provider") / "pc") as machine:
        register(machine)
        yield machine


@pytest.fixture
def canary() -> Iterator[bytearray]:
    """A password that is new in every test (UTF-16LE), overwritten afterwards.

    Of Chinese characters, unlike the other tests' canary: any four letters of that
    one may stand somewhere in a process' memory by chance, and here four are looked for.
    """
    password = bytearray("".join(map(chr, random.sample(range(0x4E00, 0x9FA5), 22))), "utf-16-le")
    yield password
    wipe(password)


@pytest.fixture
def screen(pc: built.BarePC, canary: bytearray) -> Iterator[LogonScreen]:
    """A logon screen that was just started, whose memory is searched for the password."""
    with LogonScreen(pc) as started:
        started.look_for(canary)
        yield started
        assert started("memory")["places"] == 0


@pytest.fixture(scope="session")
def shared_agent(pc: built.BarePC) -> Iterator[SharedAgent]:
    """The agent's service, kept from test to test: installing it takes its time."""
    shared = SharedAgent(pc)
    yield shared
    shared.stop()


@pytest.fixture
def agent(shared_agent: SharedAgent) -> FakeAgent:
    """The agent's service, without a permit and with nothing asked so far."""
    return shared_agent.ready()


@pytest.fixture
def no_agent(shared_agent: SharedAgent) -> None:
    """The agent's service does not run."""
    shared_agent.stop()
