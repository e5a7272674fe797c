# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The molecule scenario: PCs of the lab that create.yml starts and destroy.yml ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab.process_tree import kill_tree
from lab.testbed import resident, scenario
from tests.lab import kinds  # noqa: F401 - the condition below names it
from tests.lab.job import ROOT
from tests.lab.tryout import marked_processes
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.timeout(240),
    pytest.mark.skipif("kinds.chosen() == kinds.WINE", reason="the scenario's PCs are simulated ones"),
]


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a short path for all temporary files; by it the processes of a test are known."""
    folder = Path(tempfile.mkdtemp(prefix="lk-"))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_the_scenario_passes_and_leaves_no_pc(tmp_path: Path, temporary: Path) -> None:
    """Two PCs are created, maintained, found unchanged by a second run, verified and destroyed."""
    log = tmp_path / "output.txt"
    with log.open("wb") as stream:
        process = scenario.start(
            "test", tmp_path / "molecule", stdout=stream, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        code = process.wait(200)
    finally:
        kill_tree(process)
        resident.stop(tmp_path / "molecule" / "lab")
    said = log.read_text(encoding="utf-8")
    assert code == 0, said
    assert said.count("is signed in again") == 2, said
    eventually(lambda: marked_processes(temporary) == [], "the end of all processes")
    assert [path for path in temporary.iterdir() if path.name.startswith("latchkey-")] == []


def resident_command(word: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as create.yml and destroy.yml do."""
    return subprocess.run(
        [sys.executable, "-m", "lab.testbed.resident", word, str(folder)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_pcs_stay_up_until_they_are_stopped(tmp_path: Path, temporary: Path) -> None:
    """A started lab outlives its command, a second one in the same folder is refused, and stop ends the first."""
    folder = tmp_path / "lab"
    try:
        started = resident_command("start", folder)
        assert started.returncode == 0, started.stderr
        assert (folder / resident.INVENTORY).stat().st_mode & 0o777 == 0o600
        second = resident_command("start", folder)
        assert (second.returncode, "PCs run already" in second.stderr) == (1, True), second.stderr
        assert (folder / resident.INVENTORY).exists()
        assert marked_processes(temporary)
    finally:
        stopped = resident_command("stop", folder)
    assert stopped.returncode == 0, stopped.stderr
    assert not (folder / resident.INVENTORY).exists()
    eventually(lambda: marked_processes(temporary) == [], "the end of all processes")
    assert resident_command("stop", folder).returncode == 0


def test_a_process_that_is_none_of_the_lab_is_not_ended(tmp_path: Path) -> None:
    """A number that a killed lab has left may be that of another process by now."""
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / resident.NUMBER).write_text(str(os.getpid()), encoding="ascii")
    resident.stop(folder)
