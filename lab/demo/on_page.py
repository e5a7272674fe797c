# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the PC of a demo on the page of `make lab`, at a pace that a person can follow."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.computer import LabError
from lab.tryout import page_packages
from lab.tryout.lab_pc import LabPC
from lab.tryout.page_server import PageServer, listening, opened
from lab.tryout.played_lab import PlayedLab
from lab.tryout.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from lab.demo.viewer import Viewer
    from lab.simulated.simulated_pc import SimulatedComputer

    Run = Callable[..., AbstractContextManager[SimulatedComputer]]

PACE = 5.0
"""Seconds before each answer of the customer, and for a restart."""
LONGEST_WAIT = 900.0
"""Seconds until somebody has opened the page."""
LAST_LOOK = 3.0
"""Seconds in which the page gets the last events."""


def on_page(run: Run, kind: str, viewer: Viewer) -> Run:
    """Return a function that runs a PC like `run`, and begins when somebody has opened its page.

    Args:
        run: runs a PC in a folder, with settings by name.
        kind: the PC's kind, for the page.
        viewer: is told the page's address.
    """

    @contextmanager
    def runs(folder: Path, **settings: Any) -> Iterator[SimulatedComputer]:
        with ExitStack() as stack:
            packages = page_packages.installed(lambda text: viewer.write([f"  ... {text}"]))
            computer = stack.enter_context(run(folder, **settings))
            # The demo types its password itself: the page has none to show.
            pc = LabPC("pc1", kind, computer, None, computer.reach.inventory(), bytearray())
            lab = PlayedLab([pc], is_demo=True)
            lab.start()
            workspace = Workspace(folder.parent / "player", folder.parent / "command")
            workspace.folder.mkdir()
            page = stack.enter_context(PageServer(lab, workspace, packages, stack.enter_context(listening())))
            stack.callback(lab.stop)
            viewer.write([f"  Open this page; the demo begins then: {page.address}"])
            private = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="latchkey-lab-")))
            opened(page.address, private)
            _wait_for_reader(lab)
            yield computer
            time.sleep(LAST_LOOK)

    return runs


def _wait_for_reader(lab: PlayedLab) -> None:
    until = time.monotonic() + LONGEST_WAIT
    while not lab.feed.watched:
        if time.monotonic() > until:
            msg = f"The page was not opened within {LONGEST_WAIT / 60:.0f} minutes. Start the demo again"
            raise LabError(msg)
        time.sleep(0.2)
