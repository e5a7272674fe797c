# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Counts the programs that a job starts on a PC: each remote call is a PowerShell on a real one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING

from lab.wsman.requestlog import read_log
from tests.lab.job import plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.job import Job

OWN_WORK = ("updates", "hostname", "accounting")
"""The tasks of the steps' own files: one call each, whatever the role does."""


def by_task(job: Job, log: Path, before: int) -> Counter[str]:
    """Return how many programs each task of a job has started on its PC, without those of the steps' own work.

    The job is the only one; `before` is the length of the listener's log at its start.
    """
    begun = [(entry["at"], plain(entry["task"])) for entry in job.records() if entry["status"] == "started"]
    moments = [at for at, _task in begun]
    calls = [entry.at for entry in read_log(log)[before:] if (entry.operation, entry.fault) == ("Command", 0)]
    tasks = Counter(begun[bisect_right(moments, at) - 1][1] for at in calls)
    return Counter({task: count for task, count in tasks.items() if task not in OWN_WORK})
