# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job, and meanwhile searches every process for a customer's password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab import canary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lab.demo.operator import Job

LOOK_SECONDS = 0.25


class Watch:
    """Searches the arguments and the environment of every process for one password."""

    def __init__(self, password: bytearray) -> None:
        self.password = password
        self.finds: list[canary.Find] = []
        self.looks = 0

    def look(self) -> None:
        """Search once."""
        self.finds += canary.search_processes(self.password)
        self.looks += 1


def watched(job: Job, watches: Iterable[Watch], is_over: Callable[[], bool] = lambda: False) -> int:
    """Search while the job runs, and kill it once `is_over`; return its exit code, negative if it was killed."""
    watches = list(watches)
    try:
        while (code := job.wait(LOOK_SECONDS)) is None and not is_over():
            for watch in watches:
                watch.look()
    finally:
        killed = job.stop()
    return killed if code is None else code
