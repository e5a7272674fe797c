# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# FOR INTERNAL COLLECTION USE ONLY
# This file is private to the collection and may change in any release.
"""Ends a task when its job has ended.

ansible-playbook runs each task of a PC in a worker process. Since ansible-core 2.21 a worker is a session of its own
(`WorkerProcess._detach`), so the SIGKILL with which AWX cancels a job does not reach it, and a SIGHUP neither. Without
its job the worker would go on, and could still ask the PC for a restart.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TICK = 0.25
"""Seconds between two looks at the parent process."""


def _end_worker() -> None:
    """End this process, and the programs that it has started, such as ssh."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


class JobWatch:
    """Ends this process if the ansible-playbook that has forked it is gone.

    Args:
        end: ends this process and does not return; tests replace it.
    """

    def __init__(self, end: Callable[[], object] = _end_worker) -> None:
        parent = multiprocessing.parent_process()
        # Noted at the fork, so that a job that ended before this line counts, too.
        self._parent = None if parent is None else parent.pid
        self._end = end

    def check(self) -> None:
        """End this process if its job has ended. A process that no other one has forked is a job of its own."""
        if self._parent is not None and os.getppid() != self._parent:
            self._end()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Check meanwhile, also while a call to the PC or a wait takes long."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over,), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(_TICK):
            self.check()
