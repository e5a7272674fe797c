# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rule 1: the customer's password appears nowhere, even with all logging on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.canary import make
from lab.simulated.customer_script import Grant, Mistype
from tests.canary import Find, search, search_processes, variants
from tests.lab.job import apply, end, play, request, start, task, wait_for
from tests.lab.loud import loud
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.lab.conftest import LabPC


@contextmanager
def watched_processes(secret: bytearray) -> Iterator[list[Find]]:
    """Search every process of this machine repeatedly; yield the finds so far."""
    found: list[Find] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            found.extend(search_processes(secret))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield found
    finally:
        over.set()
        watcher.join()


def test_the_search_finds_what_is_planted(tmp_path: Path) -> None:
    """The search finds a planted canary in a file, in each encoding, in an argument and in the environment."""
    planted = make()
    for name, form in variants(planted).items():
        file = tmp_path / "deep" / "er" / "file"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 100_000 + form + b"y")
        assert search([tmp_path], planted), name
        file.unlink()
    assert search([tmp_path], planted) == []
    text = planted.decode("utf-16-le")
    for arguments, environment in (([text], {}), ([], {"HIDDEN": text})):
        with watched_processes(planted) as found:
            sleeper = [sys.executable, "-c", "input()", *arguments]
            with subprocess.Popen(
                sleeper, stdin=subprocess.PIPE, env={**os.environ, **environment}
            ) as process:
                eventually(lambda: found, "the finding")
                process.communicate(b"\n")
        assert found


def test_the_password_is_nowhere(lab_pc: LabPC, canary: bytearray, tmp_path: Path) -> None:
    """No output, log, file or process has the password during a grant, after a restart or after the end."""
    operator, computer = lab_pc(script=[Mistype(), Grant()])
    loud(operator)
    go_on = tmp_path / "go_on"
    pause = wait_for(go_on, "pause")
    tasks = [start(), request(), pause, apply(), task("credential_info", "info", receipts=True), end()]
    with watched_processes(canary) as found:
        job = operator.begin([play(*tasks)])
        computer.events.wait_for("notice_granted")
        while_it_is_lent = search([tmp_path], canary)
        go_on.touch()
        computer.events.wait_for("locked")
        after_a_logon = search([tmp_path], canary)
        job.succeed()
    computer.power_cut()

    assert job.result("end")["erasure"]["confirmed"]
    assert "WINRM EXEC" in job.output
    assert (operator.folder / "ansible.log").stat().st_size > 10_000
    assert (while_it_is_lent, after_a_logon, search([tmp_path], canary), found) == ([], [], [], [])
    assert [file for file in tmp_path.rglob("*") if re.fullmatch(r"core(\.\d+)?", file.name)] == []
