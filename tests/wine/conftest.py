# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Wine tier: tests/wine/guest runs on the Windows CPython, this folder drives it from Linux."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from agent.packaging.system_tools import SCREEN, WINE
from lab.wine.display import Display
from lab.wine.wine_pc import WinePC
from tests.needs import have, require

# On Windows itself these tests are run directly.
collect_ignore = [] if sys.platform == "win32" else ["guest"]


@pytest.fixture(scope="session")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WinePC]:
    """A running Wine PC, with a screen if possible; the agent is on its disk but not started."""
    require(WINE)
    place = tmp_path_factory.mktemp("wine")
    with ExitStack() as room:
        screen = room.enter_context(Display(place / "screen")).name if have(SCREEN) else None
        yield room.enter_context(WinePC(place / "pc", screen))
