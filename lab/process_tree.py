# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kills a program and all its descendants.

Killing the process group is not enough for ansible-playbook: each of its workers
leads its own session and group, and would wait for minutes.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

PATIENCE = 10.0
"""Seconds until a killed process is gone."""


def kill_tree(program: subprocess.Popen[bytes]) -> None:
    """Kill a child process and its descendants at once; do nothing if it has ended."""
    if program.poll() is not None:
        return
    for pid in reversed(list(_stopped(program.pid))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    program.wait(PATIENCE)


def children_of(pid: int) -> Iterator[int]:
    """Yield the children of a process. Raises FileNotFoundError: the process has ended."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        # proc(5): the children that this thread has started.
        yield from map(int, (thread / "children").read_text(encoding="ascii").split())


def parent_of(pid: int) -> int:
    """Return the parent of a process. Raises OSError: the process has ended."""
    # proc(5): the parent is the second field after the name, which stands in parentheses.
    return int(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])


def _stopped(pid: int) -> Iterator[int]:
    """Stop a process and its descendants, and yield them; a stopped process starts no others."""
    with suppress(ProcessLookupError, FileNotFoundError):
        os.kill(pid, signal.SIGSTOP)
        yield pid
        for child in children_of(pid):
            yield from _stopped(child)
