# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 1 in the hardest place: the memory of the process that had the password."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.canary import variants

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/mem").exists(), reason="this system shows no process's memory"
)


@contextmanager
def waiting_job(password: bytearray, stage: int) -> Iterator[int]:
    """Run the job with this password; yield its process id while it waits."""
    command = [sys.executable, "-m", "tests.unit.agent.memory_job", str(stage)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as job:
        assert job.stdin is not None
        assert job.stdout is not None
        try:
            job.stdin.write(password)
            assert job.stdout.readline() == b"done\n"
            yield job.pid
        finally:
            job.stdin.close()
        assert job.wait(20) == 0


def memory(process: int) -> bytes:
    """Return all writable memory of a process."""
    found = bytearray()
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as content:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            if rights.startswith("rw") and "[v" not in line:
                begin, end = (int(address, 16) for address in place.split("-"))
                content.seek(begin)
                found += content.read(end - begin)
    return bytes(found)


@pytest.mark.parametrize("stage", range(4), ids=["lent", "checked", "restarted", "handed over"])
def test_rule_01_no_memory_of_the_agent_holds_the_password_after_its_use(
    canary: bytearray, stage: int
) -> None:
    """The agent's memory holds no copy of a password that it checked, sealed, opened or handed over."""
    with waiting_job(canary, stage) as process:
        content = memory(process)
    # The session's reason is in memory, so the search works.
    assert b"Monthly updates" in content
    assert [form for form, needle in variants(canary).items() if needle in content] == []


def test_the_search_finds_a_canary_in_memory(canary: bytearray) -> None:
    """The search finds the canary in the memory of the test itself."""
    content = memory(int(Path("/proc/self").resolve().name))
    assert bytes(canary) in content
