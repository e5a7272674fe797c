# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator in the lab: writes plays, runs the real ansible-playbook, reads the results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lab.process_tree import kill_tree
from tests.lab.kinds import patience
from tests.lab.provoked import see

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType

    from lab.computer import Computer

ROOT = Path(__file__).resolve().parents[2]
SESSION = "CHG-4711"
LONGEST_JOB = 200.0
"""Seconds of a job on simulated PCs."""
MODULES = "latchkey.consent."
CTL = "& 'C:\\Program Files\\Latchkey\\latchkeyctl.exe'"

Play = dict[str, Any]
Task = dict[str, Any]


def task(module: str, name: str | None = None, **options: object) -> Task:
    """Return a task of the collection in the session of all tests."""
    given = {"session": SESSION, **options}
    return {"name": name or module, MODULES + module: {k: v for k, v in given.items() if v is not None}}


def play(*tasks: Task, **keywords: object) -> Play:
    """Return a play over all PCs."""
    return {"hosts": "all", "gather_facts": False, "tasks": list(tasks), **keywords}


def start(**options: object) -> Task:
    """Return the task that starts the session."""
    return task("support_session", "start", **{"reason": "Monthly updates", **options})


def request(**options: object) -> Task:
    """Return the task that requests two restarts."""
    return task("credential_request", "request", **{"restarts": 2, "grace": 0.5, "timeout": 60, **options})


def apply(**options: object) -> Task:
    """Return the task that restarts the PC."""
    return task("credential_apply", "apply", **{"action": "restart", "timeout": 60, **options})


def ctl(*words: str) -> Task:
    """Return the task with which an administrator uses latchkeyctl remotely."""
    return {"name": "ctl", "ansible.builtin.raw": f"{CTL} --json {' '.join(words)}"}


def wait_for(file: Path, name: str = "wait") -> Task:
    """Return the task that waits on the operator's own computer until this file exists."""
    return {
        "name": name,
        "ansible.builtin.wait_for": {"path": str(file)},
        "delegate_to": "localhost",
        "vars": {"ansible_connection": "local"},
    }


def end() -> Task:
    """Return the task that ends the session."""
    return task("support_session", "end", state="ended")


@dataclass
class Job:
    """One run of ansible-playbook, running or ended."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def output(self) -> str:
        """The operator's output."""
        return (self.folder / "output.txt").read_text(encoding="utf-8")

    def records(self) -> list[dict[str, Any]]:
        """Return the tasks' results so far, in order, without a partly written line."""
        file = self.folder / "results.jsonl"
        lines = file.read_text(encoding="utf-8").split("\n")[:-1] if file.exists() else []
        return [json.loads(line) for line in lines]

    def results(self, name: str, host: str = "pc1") -> list[dict[str, Any]]:
        """Return the results, with their `status`, of a host's tasks whose names start with `name`."""
        found = [
            {"status": entry["status"], **entry["result"]}
            for entry in self.records()
            if entry["host"] == host and "result" in entry and plain(entry["task"]).startswith(name)
        ]
        for result in found:
            see(result)
        return found

    def first_failure(self, host: str = "pc1") -> dict[str, Any]:
        """Return a host's first failed result."""
        bad = [r for r in self.results("", host) if r["status"] in {"failed", "ignored", "unreachable"}]
        assert bad, f"nothing failed on {host}\n{self.output}"
        return bad[0]

    def result(self, name: str, host: str = "pc1") -> dict[str, Any]:
        """Return the only result of a host's task; fail with the job's output if there is not exactly one."""
        found = self.results(name, host)
        assert len(found) == 1, f"{len(found)} results of {name!r}\n{self.output}"
        return found[0]

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the job's end; return its exit code. `timeout`: seconds, by default enough for the kind of PC."""
        return self.process.wait(patience(LONGEST_JOB) if timeout is None else timeout)

    def succeed(self) -> Self:
        """Wait for the job's end; fail unless it succeeded."""
        assert self.wait() == 0, self.output
        return self

    def fail(self) -> Self:
        """Wait for the job's end; fail unless a task failed (exit code 2)."""
        assert self.wait() == 2, self.output
        return self

    def kill(self) -> None:
        """Kill the job and its workers at once."""
        kill_tree(self.process)

    def __enter__(self) -> Self:
        """Return the job, which already runs."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Kill the job if it still runs."""
        self.kill()


def plain(name: str) -> str:
    """Return a task's name without the role's name before it."""
    return name.rpartition(" : ")[2]


@dataclass
class Operator:
    """An operator who runs jobs against PCs from their own folder."""

    folder: Path
    computers: Mapping[str, Computer]
    variables: dict[str, Any] = field(default_factory=dict)
    host_variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    python: str = sys.executable

    def begin(self, plays: Sequence[Play] | str, *arguments: str) -> Job:
        """Start a job of these plays, or of a playbook of the collection by its name."""
        folder = self.folder / f"job{len(self.jobs) + 1}"
        folder.mkdir(parents=True)
        playbook = plays if isinstance(plays, str) else written(folder / "play.yml", plays)
        inventory = written(folder / "inventory.json", self._inventory())
        command = [self.python, "-m", "ansible", "playbook", "-i", inventory, playbook, *arguments]
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.jobs.append(Job(process, folder))
        return self.jobs[-1]

    def run(self, *tasks: Task, arguments: Iterable[str] = ()) -> Job:
        """Run one play of these tasks to its end."""
        job = self.begin([play(*tasks)], *arguments)
        job.wait()
        return job

    def stop(self) -> None:
        """Kill every job that still runs."""
        for job in self.jobs:
            job.kill()

    def write(self, name: str, tasks: Sequence[Task] | Mapping[str, Any]) -> None:
        """Write a file of tasks for a step of the role, or of a role's variables."""
        written(self.folder / name, tasks)

    def _inventory(self) -> dict[str, Any]:
        hosts = {
            name: {**computer.reach.inventory(), **self.host_variables.get(name, {})}
            for name, computer in self.computers.items()
        }
        groups: dict[str, Any] = {
            name: {"hosts": {member: {} for member in members}} for name, members in self.groups.items()
        }
        return {"all": {"hosts": hosts, "vars": self.variables, "children": groups}}

    def _environment(self, folder: Path) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PWD": str(self.folder),
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_HOME": str(folder / "ansible"),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests/lab/callbacks"),
            "ANSIBLE_CALLBACKS_ENABLED": "record",
            "ANSIBLE_FORKS": "20",
            "ANSIBLE_NOCOLOR": "1",
            "LATCHKEY_RECORD": str(folder / "results.jsonl"),
            **self.environment,
        }


def written(path: Path, content: object) -> str:
    """Write plain data as JSON, which is also YAML; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2), encoding="utf-8")
    return str(path)
