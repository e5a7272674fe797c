# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker notices that its ansible-playbook is gone. tests/lab/test_ended_jobs.py ends real jobs."""

from __future__ import annotations

import multiprocessing
import os
import time
from types import SimpleNamespace

import pytest
from ansible_collections.latchkey.consent.plugins.plugin_utils._connection import Link
from ansible_collections.latchkey.consent.plugins.plugin_utils._job_watch import JobWatch
from ansible_collections.latchkey.consent.plugins.plugin_utils._wait_clock import Clock

from tests.waiting import eventually

PARENT = 4711
"""The process that has forked the worker."""
REAPER = 1
"""The process that becomes the parent of orphans."""


class Ended(Exception):
    """The process would have ended."""


def end() -> None:
    """Stand for the end of this process."""
    raise Ended


@pytest.fixture
def parents(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list whose last element is the parent process of this one."""
    now = [PARENT]
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: SimpleNamespace(pid=PARENT))
    monkeypatch.setattr(os, "getppid", lambda: now[-1])
    return now


def test_a_worker_whose_job_runs_goes_on(parents: list[int]) -> None:
    """The parent is still the process that has forked the worker."""
    watch = JobWatch(end)
    watch.check()
    with watch.running():
        watch.check()


def test_a_worker_whose_job_is_gone_ends(parents: list[int]) -> None:
    """An orphan has another parent."""
    watch = JobWatch(end)
    parents.append(REAPER)
    with pytest.raises(Ended):
        watch.check()


def test_a_job_that_was_gone_before_its_task_began_counts(parents: list[int]) -> None:
    """The parent is the one at the fork, not the one at the task's beginning."""
    parents.append(REAPER)
    with pytest.raises(Ended):
        JobWatch(end).check()


def test_a_process_without_a_forking_parent_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that a shell has started does not depend on that shell."""
    monkeypatch.setattr(multiprocessing, "parent_process", lambda: None)
    watch = JobWatch(end)
    monkeypatch.setattr(os, "getppid", lambda: REAPER)
    watch.check()


def test_a_task_that_is_in_a_long_call_is_ended_meanwhile(parents: list[int]) -> None:
    """The watch looks by itself while the task waits for an answer."""
    ends: list[float] = []
    with JobWatch(lambda: ends.append(time.monotonic())).running():
        parents.append(REAPER)
        eventually(lambda: ends, "the end")


def test_nothing_is_asked_for_a_job_that_is_gone(parents: list[int]) -> None:
    """The link ends the process before it runs a command, and before it copies a file."""
    link = Link(SimpleNamespace(transport="winrm"), Clock(), JobWatch(end))  # type: ignore[arg-type]  # asks nothing
    parents.append(REAPER)
    asked: list[str] = []
    with pytest.raises(Ended):
        link.guarded(lambda: asked.append("asked"))
    with pytest.raises(Ended):
        link.run("asked")
    assert asked == []
