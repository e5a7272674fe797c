# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the lab to play with until Ctrl-C: `python -m lab.tryout`, with the variables that `choice` reads."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from agent.packaging.announcing import announced_to
from agent.packaging.workshop import WorkError
from lab.computer import LabError
from lab.tryout import lab_pc, page_packages
from lab.tryout.choice import chosen
from lab.tryout.command_server import CommandServer, sentence
from lab.tryout.only_one import alone
from lab.tryout.page_server import PageServer, opened
from lab.tryout.played_lab import COMMANDS, PlayedLab
from lab.tryout.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lab.tryout.choice import Choice

FAILED = 1


def say(text: str) -> None:
    """Tell the player what the lab does."""
    print(f"lab: {text}", flush=True)


@contextmanager
def interrupted() -> Iterator[threading.Event]:
    """Yield an event that Ctrl-C, a closed terminal and `kill` set."""
    event = threading.Event()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, lambda *_: event.set()) for number in numbers}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main() -> int:
    """Run the lab; return the exit code."""
    try:
        choice = chosen(os.environ)
        lab_pc.require(choice)
        with interrupted() as over, announced_to(say):
            _run(choice, over)
    except (LabError, WorkError, OSError) as fault:
        print(f"lab: {sentence(str(fault))}", file=sys.stderr)
        return FAILED
    return 0


def _run(choice: Choice, over: threading.Event) -> None:
    with ExitStack() as stack:
        private = stack.enter_context(alone(choice.folder))
        pcs = stack.enter_context(lab_pc.running(choice, private, say))
        workspace = Workspace(choice.folder, private / "command")
        stack.callback(workspace.remove)
        say("the collection is built, and installed with ansible-galaxy")
        workspace.make({pc.name: pc.inventory for pc in pcs})
        lab = PlayedLab(pcs)
        lab.start()
        stack.enter_context(CommandServer(private / "command", lab))
        page = _page(stack, lab, workspace, choice, private)
        # Before the page's end, so that its readers are told.
        stack.callback(lab.stop)
        if not over.is_set():
            _welcome(page, workspace)
            over.wait()
        say("ends")


def _page(stack: ExitStack, lab: PlayedLab, workspace: Workspace, choice: Choice, private: Path) -> str:
    """Serve the page and open it; return its address, empty if its libraries cannot be installed."""
    try:
        packages = page_packages.installed(say)
    except LabError as fault:
        say(f"no page: {fault}")
        return ""
    page = stack.enter_context(PageServer(lab, workspace, packages, choice.port))
    if choice.browser:
        opened(page.address, private)
    return page.address


def _welcome(page: str, workspace: Workspace) -> None:
    place = os.path.relpath(workspace.folder)
    lines = [
        "",
        "The lab is up. It stays up until Ctrl-C.",
        "",
        *([f"  page      {page}"] if page else []),
        f"  terminal  cd {place} && . ./activate",
        *(f"            {command:<28} {text}" for command, text in COMMANDS),
        "",
        "`lab` lists all that the customer and the PC can do.",
    ]
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    sys.exit(main())
