# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that ansible-runner runs, as AWX does, and the ways in which they end before their time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ansible_runner

from lab.process_tree import parent_of
from tests.lab.job import ROOT, written
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PATIENCE = 60.0
"""Seconds within which a job that was told to end has ended."""


@dataclass
class RunnerJob:
    """A job of ansible-runner that runs in a thread of its own."""

    folder: Path
    runner: Any
    thread: threading.Thread
    cancelled: list[bool]

    @property
    def output(self) -> str:
        """The job's output so far."""
        files = sorted(self.folder.glob("artifacts/*/stdout"))
        return files[0].read_text(encoding="utf-8") if files else ""

    def processes(self) -> list[int]:
        """Return the job's processes: their environment has the job's folder, whatever their parent is."""
        names = (entry.name for entry in Path("/proc").iterdir())
        return [pid for pid in map(int, filter(str.isdigit, names)) if self._owns(pid)]

    def _owns(self, pid: int) -> bool:
        try:
            return f"LATCHKEY_JOB={self.folder}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    @property
    def playbook(self) -> int:
        """The process of ansible-playbook: the workers are its children."""
        mine = self.processes()
        (found,) = (pid for pid in mine if parent_of(pid) == os.getpid())
        return found

    def wait(self) -> None:
        """Wait for ansible-runner to have seen the job's end."""
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive(), self.output

    def stop(self) -> None:
        """Kill each process of the job."""
        for pid in self.processes():
            _send(pid, signal.SIGKILL)
        self.wait()


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def begin(
    folder: Path, hosts: dict[str, dict[str, Any]], plays: Sequence[dict[str, Any]], **variables: Any
) -> RunnerJob:
    """Start a job against these hosts, with their variables; `variables` are the job's extra variables."""
    playbook, own = _prepared(folder, plays)
    cancelled: list[bool] = []
    thread, runner = ansible_runner.run_async(
        private_data_dir=str(folder),
        playbook=str(playbook),
        inventory={"all": {"hosts": hosts}},
        extravars=variables,
        envvars=own,
        settings={"pexpect_timeout": 1, "suppress_env_files": True},
        cancel_callback=lambda: bool(cancelled),
        quiet=True,
    )
    return _begun(RunnerJob(folder, runner, thread, cancelled))


def begin_in_a_terminal(
    folder: Path, hosts: dict[str, dict[str, Any]], plays: Sequence[dict[str, Any]], **variables: Any
) -> RunnerJob:
    """Start a job as `begin` does, by ansible-playbook alone: under ansible-runner it ignores SIGHUP."""
    playbook, own = _prepared(folder, plays)
    inventory = written(folder / "inventory.json", {"all": {"hosts": hosts}})
    extra = written(folder / "variables.json", variables)
    output = folder / "artifacts" / "1" / "stdout"
    output.parent.mkdir(parents=True)
    command = [sys.executable, "-m", "ansible", "playbook", "-i", inventory, "-e", f"@{extra}"]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*command, str(playbook)],
            cwd=folder,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    thread = threading.Thread(target=process.wait)
    thread.start()
    return _begun(RunnerJob(folder, None, thread, []))


def _prepared(folder: Path, plays: Sequence[dict[str, Any]]) -> tuple[Path, dict[str, str]]:
    """Write the plays; return their file and the environment of the job."""
    folder.mkdir(parents=True)
    playbook = Path(written(folder / "play.yml", list(plays)))
    return playbook, {**environment(folder), "ANSIBLE_FORKS": "30", "LATCHKEY_JOB": str(folder)}


def environment(home: Path) -> dict[str, str]:
    """Return the environment of ansible-runner with the collection; `home` is the home folder."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_HOME": str(home / "ansible"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
        "ANSIBLE_NOCOLOR": "1",
    }


def _begun(job: RunnerJob) -> RunnerJob:
    eventually(job.processes, "the job has begun", PATIENCE)
    return job


def cancel(job: RunnerJob) -> None:
    """Cancel the job, as a click in AWX does."""
    job.cancelled.append(True)
    job.wait()


def time_out(job: RunnerJob) -> None:
    """Let the job's time be over."""
    job.runner.config.job_timeout = 0.001
    job.wait()


def signalled(number: signal.Signals) -> Callable[[RunnerJob], None]:
    """Return the end by a signal to ansible-playbook alone."""

    def end(job: RunnerJob) -> None:
        _send(job.playbook, number)
        job.wait()

    return end


ENDS = {
    "cancelled": (begin, cancel),
    "timed out": (begin, time_out),
    "SIGKILL": (begin, signalled(signal.SIGKILL)),
    "SIGTERM": (begin, signalled(signal.SIGTERM)),
    "SIGHUP": (begin_in_a_terminal, signalled(signal.SIGHUP)),
}
"""The ways in which a job begins and ends before its time."""
