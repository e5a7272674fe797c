# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Wine tier: tests/wine/guest runs on the Windows CPython, this folder drives it from Linux."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from lab.wine import tools
from lab.wine.display import Display
from lab.wine.wine_pc import WinePC

# On Windows itself these tests are run directly.
collect_ignore = [] if sys.platform == "win32" else ["guest"]


@pytest.fixture(scope="session")
def pc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WinePC]:
    """A running Wine PC, with a screen if possible; the agent is on its disk but not started."""
    lacking = tools.missing()
    if lacking:
        pytest.skip(lacking)
    place = tmp_path_factory.mktemp("wine")
    with ExitStack() as room:
        screen = None if tools.missing_screen() else room.enter_context(Display(place / "screen")).name
        yield room.enter_context(WinePC(place / "pc", screen))
