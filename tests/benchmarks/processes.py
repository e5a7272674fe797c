# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of processes: memory of a whole tree, processor time of an ended process."""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import subprocess
    from types import TracebackType

PERIOD = 4.0
"""Seconds between two samples: each reads a file for every process, which costs processor time itself."""


def tree(root: int) -> list[int]:
    """Return a process and its descendants."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # The name, in brackets, may contain any character; the parent is the second word after it (proc(5)).
            parent = place.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
            children[int(parent)].append(int(place.parent.name))
    found = [root]
    for pid in found:
        found += children[pid]
    return found


def memory(pids: list[int]) -> int:
    """Return the bytes of processes; each shared page counts once (proc(5): Pss)."""
    return sum(map(_pss, pids))


def _pss(pid: int) -> int:
    with suppress(OSError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


class Memory:
    """Samples a job and the rest of this process's tree; keeps the maximum of each."""

    def __init__(self, job: int) -> None:
        self._job = job
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="memory", daemon=True)
        self.job = 0
        self.lab = 0

    def _watch(self) -> None:
        while not self._ended.wait(PERIOD):
            self.look()

    def look(self) -> None:
        """Take one sample."""
        job = set(tree(self._job))
        others = [pid for pid in tree(os.getpid()) if pid not in job]
        self.job = max(self.job, memory(sorted(job)))
        self.lab = max(self.lab, memory(others))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()


_TICKS = os.sysconf("SC_CLK_TCK")
_OWN_AND_CHILDREN, _NOT_IDLE, _NICE = slice(11, 15), (1, 3, 6, 7), 2
"""Where proc(5) has them: utime to cstime after a process's name; user, system, irq, softirq of all, and nice."""


def used_by(root: int) -> float:
    """Return the processor seconds of a process and its descendants, including ended ones."""
    seconds = 0.0
    for pid in tree(root):
        with suppress(OSError):
            words = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
            seconds += sum(map(int, words.split()[_OWN_AND_CHILDREN])) / _TICKS
    return seconds


def used_by_all() -> float:
    """Return the processor seconds of all programs since this computer's start."""
    words = _times()
    return sum(int(words[at]) for at in (*_NOT_IDLE, _NICE)) / _TICKS


def used_by_urgent() -> float:
    """Return the processor seconds, since this computer's start, of the programs that yield to no other (nice(1))."""
    words = _times()
    return sum(int(words[at]) for at in _NOT_IDLE) / _TICKS


def _times() -> list[str]:
    return Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()


def processor_seconds(process: subprocess.Popen[bytes]) -> float:
    """Wait for a process; return the processor seconds of it and its awaited children (wait4(2))."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return used.ru_utime + used.ru_stime
