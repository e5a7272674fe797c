# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator of the demo: runs the real ansible-playbook."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lab.computer import LabError
from lab.process_tree import kill_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lab.computer import Computer
    from lab.demo.condenser import Condenser
    from lab.demo.job_file import JobFile
    from lab.demo.viewer import Viewer

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
STEPS = Path(__file__).with_name("steps")
LIMITS: dict[str, Any] = {"maintenance_restart_timeout": 60, "maintenance_request_timeout": 60}
"""Seconds; a lab's PC restarts faster than a real one, and its customer answers at once."""


class Job:
    """One run of ansible-playbook with a playbook of the collection and a file of variables."""

    def __init__(
        self,
        computers: Iterable[Computer],
        folder: Path,
        condenser: Condenser,
        job: JobFile,
        *,
        playbook: str = "maintain",
        report: Path | None = None,
        keys: Mapping[str, Any] | None = None,
    ) -> None:
        """Start it.

        Args:
            computers: the PCs of the inventory.
            folder: the folder for the inventory, the output and Ansible's own files.
            condenser: takes each line of the output.
            job: the file of variables.
            playbook: the name of the collection's playbook.
            report: the report to write, without a suffix; None writes none.
            keys: the role's variables that name the operator's keys.

        Raises:
            LabError: the checkout is not set up.
        """
        if not COLLECTIONS.is_dir():
            msg = f"{COLLECTIONS} is missing; to set up the checkout, run: make demo"
            raise LabError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        self.output = folder / "ansible.txt"
        inventory = folder / "inventory.json"
        hosts = {computer.name: computer.reach.inventory() for computer in computers}
        variables = LIMITS | {"maintenance_steps_dir": str(STEPS), **(keys or {})}
        if report is not None:
            variables["maintenance_report"] = str(report)
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": variables}}))
        words = [
            str(inventory) if word == inventory.name else word
            for word in shown_command(job, playbook).split()
        ]
        command = [sys.executable, "-m", "ansible", "playbook", *words[1:]]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._condenser = condenser
        stream = self._process.stdout
        self._reader = threading.Thread(target=self._read, args=(stream,), name="operator")
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        with self.output.open("wb") as file, stream:
            for line in stream:
                file.write(line)
                self._condenser.feed(line.decode("utf-8", "replace").rstrip("\r\n"))

    def wait(self, seconds: float) -> int | None:
        """Wait for the end; return the exit code, None if it still runs after `seconds`."""
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._reader.join()
        return code

    def stop(self) -> int:
        """Kill the job if it still runs; return its exit code, which is negative if it was killed."""
        kill_tree(self._process)
        self._reader.join()
        return self._process.wait()


def shown_command(job: JobFile, playbook: str = "maintain") -> str:
    """Return the command as an operator would type it."""
    return f"ansible-playbook latchkey.consent.{playbook} -i inventory.json -e @{job.path.relative_to(ROOT)}"


def show_job(viewer: Viewer, job: JobFile) -> None:
    """Show the command and the variables that the operator's job runs with."""
    viewer.write([f"The job: {shown_command(job)}", *(f"  {line}" for line in job.excerpt())])


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_DISPLAY_SKIPPED_HOSTS": "no",
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
        "ANSIBLE_NOCOLOR": "1",
    }
