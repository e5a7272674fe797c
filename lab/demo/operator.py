# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator of the demo: runs the real ansible-playbook, and condenses its output."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lab.computer import LabError
from lab.process_tree import kill_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lab.computer import Computer

ROOT = Path(__file__).resolve().parents[2]
COLLECTIONS = ROOT / "build" / "collections"
PLAYBOOKS = ROOT / "playbooks"
SESSION = "CHG-4711"
RESTARTS = 2
VARIABLES: dict[str, Any] = {
    "maintenance_session": SESSION,
    "maintenance_reason": "Monthly updates",
    "maintenance_ticket": SESSION,
    "maintenance_requester": {
        "name": "Kim Brandt",
        "role": "helpdesk",
        "organization": "Contoso IT",
    },
    "maintenance_terms": {"restarts": RESTARTS, "grace": 1},
    "maintenance_restart_timeout": 60,
    "maintenance_request_timeout": 60,
    "maintenance_steps_dir": str(Path(__file__).with_name("steps")),
    "maintenance_steps": [
        {"name": "Windows updates", "tasks": "updates.yml", "restart": "when_pending"},
        {"name": "Accounting software", "tasks": "accounting.yml", "restart": "always"},
        {"name": "The PC's name", "tasks": "name.yml"},
    ],
}
# Tasks of the role that tell a reader nothing.
HIDDEN_TASKS = ("Validating arguments", "Check the steps", "Build the summary", "Show the summary")


class Condenser:
    """Turns the output of Ansible's default callback into one line for each event."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._task = ""
        self._host = ""
        self._summary: list[str] = []

    def feed(self, line: str) -> None:
        """Take one line of Ansible's output."""
        if self._summary:
            self._collect(line)
        elif line.startswith("TASK ["):
            self._task = line[len("TASK [") :].rpartition("]")[0].rpartition(" : ")[2]
        elif line.startswith("fatal: ["):
            self._fatal(line)
        elif line.startswith(("changed: [", "ok: [")):
            self._well(line)
        elif line.startswith("[") and "] " in line and not line.startswith(("[ERROR]", "[WARNING]")):
            self._wait(line)

    def _well(self, line: str) -> None:
        if line.endswith("=> {"):
            self._host = _host(line)
            self._summary = ["{"]
        elif not self._task.startswith(HIDDEN_TASKS):
            self._result(_host(line), line.partition(":")[0])

    def _collect(self, line: str) -> None:
        self._summary.append(line)
        if line == "}":
            message = json.loads("\n".join(self._summary)).get("msg", "")
            self._summary = []
            self._message(self._host, message if isinstance(message, list) else [str(message)])

    def _fatal(self, line: str) -> None:
        result: dict[str, Any] = {}
        with suppress(ValueError):
            result = json.loads(line.partition("=> ")[2])
        code = f" [{result['error_code']}]" if "error_code" in result else ""
        self._result(_host(line), f"FAILED{code}")
        self._reason(result)

    # --- what one line says, for one PC

    def _wait(self, line: str) -> None:
        self._say("  ... " + line.partition("] ")[2])

    def _result(self, host: str, result: str) -> None:
        self._say(f"{self._task}: {result}")

    def _reason(self, result: dict[str, Any]) -> None:
        self._say("  ... " + " ".join(str(result.get(key, "")) for key in ("msg", "hint")).strip())

    def _message(self, host: str, lines: list[str]) -> None:
        self._say("\n".join(lines))


class CrowdCondenser(Condenser):
    """The same for several PCs: it names the PC, and leaves out waits, plain successes, advice and details."""

    _HIDDEN = ("Set the checkpoint", "Write the report")
    _DETAILS = ("asked: nothing", "failed: ", "restart for", "restarts: ", "receipts: ", "erasure, ")

    def _wait(self, line: str) -> None:
        pass

    def _result(self, host: str, result: str) -> None:
        if result != "ok" and not self._task.startswith(self._HIDDEN):
            self._say(f"{host}: {self._task}: {result}")

    def _reason(self, result: dict[str, Any]) -> None:
        # Without a code it is the connection's own long message about a PC that is down.
        if "error_code" in result:
            self._say(f"  ... {result.get('msg', '')}")

    def _message(self, host: str, lines: list[str]) -> None:
        if self._task != "Show the report's files":
            first, *more = [line for line in lines if not line.startswith(self._DETAILS)]
            named = first if first.startswith(host) else f"{host}: {first}"
            self._say("\n".join([named, *(f"  {line}" for line in more)]))


def _host(line: str) -> str:
    """Return the PC of a line such as `ok: [PC-ANNA]`."""
    return line.partition("[")[2].partition("]")[0]


class Job:
    """One run of ansible-playbook with a playbook of the collection."""

    def __init__(
        self,
        computers: Iterable[Computer],
        folder: Path,
        condenser: Condenser,
        *,
        playbook: str = "maintain",
        variables: Mapping[str, Any] = VARIABLES,
    ) -> None:
        if not COLLECTIONS.is_dir():
            msg = f"{COLLECTIONS} is missing; to set up the checkout, run: make demo"
            raise LabError(msg)
        folder.mkdir(parents=True, exist_ok=True)
        self.output = folder / "ansible.txt"
        inventory = folder / "inventory.json"
        hosts = {computer.name: computer.reach.inventory() for computer in computers}
        inventory.write_text(json.dumps({"all": {"hosts": hosts, "vars": dict(variables)}}))
        path = PLAYBOOKS / f"{playbook}.yml"
        command = [sys.executable, "-m", "ansible", "playbook", "-i", str(inventory), str(path)]
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
