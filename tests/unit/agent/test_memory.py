# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 1, where it is hardest: what is left of a password in the memory of the process that had it."""

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
def holding_still(password: bytearray, stage: int) -> Iterator[int]:
    """Run the job with this password; yield its process id when it is done and waits."""
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
    """Return everything that a process could write to."""
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
    """Typed, judged twice, sealed, opened for a check and for a logon: no copy of it is left anywhere."""
    with holding_still(canary, stage) as process:
        content = memory(process)
    # What the job is about is there, so the search would find it.
    assert b"Monthly updates" in content
    assert [form for form, needle in variants(canary).items() if needle in content] == []


def test_the_search_finds_what_is_there(canary: bytearray) -> None:
    """Our own memory holds the canary, and shows it."""
    content = memory(int(Path("/proc/self").resolve().name))
    assert bytes(canary) in content
