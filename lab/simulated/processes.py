# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of simulated PCs, forked from one that has imported every module.

The fork server (multiprocessing) imports the modules of `preload` once and
freezes them, so that hundreds of PCs share their memory. Every process leads a
group of its own: a power cut kills the programs that it started with it.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.context
import multiprocessing.forkserver
import os
import signal
import sys
import threading
import types
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal to get when the parent dies; here the fork server, which dies with the lab."""

PRELOAD = "lab.simulated.preload"
_lock = threading.Lock()


class PcProcess:
    """One running process of a PC."""

    def __init__(self, process: multiprocessing.context.ForkServerProcess) -> None:
        self._process = process
        self.pid = process.pid or 0

    def kill(self) -> None:
        """Kill the process and every program that it started, now."""
        self.signal(signal.SIGKILL)
        self.join(5.0)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and every program that it started."""
        with suppress(ProcessLookupError):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                # It was killed just before it made its group.
                os.kill(self.pid, number)

    def join(self, timeout: float) -> bool:
        """Wait for its end; return whether it has ended."""
        self._process.join(timeout)
        with _lock:
            return not self._process.is_alive()


def start(name: str, target: Callable[[Any], None], config: object) -> PcProcess:
    """Fork a process that runs `target(config)` and finds the programs that this process finds now."""
    context = multiprocessing.get_context("forkserver")
    # The fork server keeps the search path of the moment when it was started.
    path = os.environ.get("PATH", os.defpath)
    process = context.Process(target=_lead, args=(target, config, path), name=name, daemon=True)
    with _lock, _nameless_main():
        context.set_forkserver_preload([PRELOAD])
        process.start()
    return PcProcess(process)


def prepare() -> None:
    """Start the fork server now, deaf to Ctrl-C: a program calls this in its main thread if it handles Ctrl-C itself.

    Otherwise Ctrl-C ends the PCs at once, while the program still starts or ends them.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with _lock, _nameless_main():
            multiprocessing.get_context("forkserver").set_forkserver_preload([PRELOAD])
            multiprocessing.forkserver.ensure_running()
    finally:
        signal.signal(signal.SIGINT, before)


def _lead(target: Callable[[Any], None], config: object, path: str) -> None:
    os.environ["PATH"] = path
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)
    _let_go_of_lab()
    target(config)


def _let_go_of_lab() -> None:
    """Close the inherited end of the pipe by which the fork server notices the end of the lab.

    multiprocessing hands it on to each child, so that children can use the same fork server. A killed lab would then
    leave all of them behind: the fork server waits for its children, and they die only with the fork server.
    """
    os.close(multiprocessing.forkserver._forkserver._forkserver_alive_fd)  # type: ignore[attr-defined]  # noqa: SLF001


@contextmanager
def _nameless_main() -> Iterator[None]:
    # multiprocessing makes every child import the program's main module; the
    # processes of a PC do not need pytest's or the demo's.
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
