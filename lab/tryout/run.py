# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the lab to play with until Ctrl-C."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from agent.packaging.announcing import announced_to
from agent.packaging.workshop import WorkError
from lab.computer import LabError
from lab.interruption import interrupted
from lab.simulated import processes
from lab.tryout import lab_pc, page_packages, page_server
from lab.tryout.choice import chosen
from lab.tryout.command_server import CommandServer, sentence
from lab.tryout.only_one import alone
from lab.tryout.page_server import PageServer
from lab.tryout.played_lab import COMMANDS, PlayedLab
from lab.tryout.workspace import Workspace

if TYPE_CHECKING:
    import socket
    import threading

    from lab.tryout.choice import Choice

FAILED = 1


def say(text: str) -> None:
    """Tell the player what the lab does."""
    print(f"lab: {text}", flush=True)


def run() -> int:
    """Run the lab; return the exit code."""
    with interrupted() as over:
        try:
            choice = chosen(os.environ)
            lab_pc.require(choice)
            with announced_to(say):
                _run(choice, over)
        except (LabError, WorkError, OSError) as fault:
            if over.is_set():
                # What the lab was about to start has been interrupted, too.
                say("ends")
                return 0
            print(f"lab: {sentence(_reason(fault))}", file=sys.stderr)
            return FAILED
    return 0


def _reason(fault: Exception) -> str:
    return f"{fault.filename}: {fault.strerror}" if isinstance(fault, OSError) else str(fault)


def _run(choice: Choice, over: threading.Event) -> None:
    with ExitStack() as stack:
        private = stack.enter_context(alone(choice.folder))
        listening = stack.enter_context(page_server.listening(choice.port))
        processes.prepare()
        pcs = stack.enter_context(lab_pc.running(choice, private, say, over.is_set))
        workspace = Workspace(choice.folder, private / "command")
        stack.callback(workspace.remove)
        say("the collection is built, and installed with ansible-galaxy")
        workspace.make({pc.name: pc.inventory for pc in pcs})
        lab = PlayedLab(pcs)
        lab.start()
        stack.enter_context(CommandServer(private / "command", lab))
        address = _page(stack, lab, workspace, listening)
        # Before the page's end, so that its readers are told.
        stack.callback(lab.stop)
        if not over.is_set():
            _welcome(address, workspace)
            if address and choice.browser:
                page_server.opened(address, private)
            over.wait()
        say("ends")


def _page(stack: ExitStack, lab: PlayedLab, workspace: Workspace, listening: socket.socket) -> str:
    """Serve the page; return its address, empty if its libraries cannot be installed."""
    try:
        packages = page_packages.installed(say)
    except LabError as fault:
        say(f"no page: {fault}")
        return ""
    return stack.enter_context(PageServer(lab, workspace, packages, listening)).address


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
