# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's one thread: an event loop on which every simulated PC of this process lives.

Only this thread touches the models, so they need no locks, and hundreds of PCs
need no threads of their own.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")
_logger = logging.getLogger("lab.simulated")


class LabLoop:
    """An event loop in a thread, shared by all PCs; it runs while at least one PC uses it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def acquire(self) -> None:
        """Start using the loop; the first user starts it."""
        with self._lock:
            self._users += 1
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="lab", daemon=True)
                self._thread.start()

    def release(self) -> None:
        """End using the loop; the last user stops it."""
        with self._lock:
            self._users -= 1
            if self._users or self._loop is None or self._thread is None:
                return
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    def run(self, work: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Run a coroutine on the loop and return its result; not from the loop itself."""
        if self._loop is None:
            work.close()
            msg = "no computer of the lab is in use"
            raise RuntimeError(msg)
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout)

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Call a function on the loop and return its result; not from the loop itself."""

        async def work() -> T:
            return function(*args)

        return self.run(work())


lab_loop = LabLoop()
"""The loop of this process."""


class Tasks:
    """Background tasks of one PC: they are cancelled together, and every failure is reported."""

    def __init__(self, failed: Callable[[str], None]) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[Any]] = set()
        self.failures: list[BaseException] = []

    def start(self, work: Coroutine[Any, Any, Any], name: str) -> None:
        """Run `work` in the background."""
        _ = self.follow(work, name)

    def follow(self, work: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run `work` in the background, and return the task to cancel or wait for."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            self.failures.append(fault)
            _logger.error("%s failed", task.get_name(), exc_info=fault)
            self._failed(f"{task.get_name()}: {fault!r}")

    async def cancel(self) -> None:
        """Cancel every task except the caller's, and wait until they have ended."""
        mine = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not mine]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
