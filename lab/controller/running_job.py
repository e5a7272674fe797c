# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One running job: ansible-runner with the project, the inventory, the credentials and the variables as AWX gives them.

AWX cancels a job, and ends one after its time, by SIGKILL to the process group of ansible-playbook. ansible-runner does
that here, too: SIGTERM to ansible-runner is its order to cancel.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lab.controller.bodies import parsed
from lab.process_tree import children_of, kill_tree

if TYPE_CHECKING:
    from lab.controller.bodies import Json
    from lab.controller.store import Row, Store

ROOT = Path(__file__).resolve().parents[2]
IDENT = "job"
TIMED_OUT = "Job terminated due to timeout"
_STATUS = {"successful": "successful", "failed": "failed", "canceled": "canceled", "timeout": "failed"}


class _Untrusted(yaml.SafeDumper):
    """Writes each text as AWX does: `!unsafe`, with the quotes that YAML chooses (awx/main/utils/safe_yaml.py)."""

    def represent_data(self, data: Json) -> yaml.Node:
        if isinstance(data, str):
            return self.represent_scalar("!unsafe", data)
        return super().represent_data(data)


def variables_as_awx_writes_them(variables: dict[str, Any], trusted: dict[str, Any]) -> str:
    """Return the file of extra variables; only values that stand in the template itself are trusted."""
    return "".join(
        yaml.dump_all(
            [{name: value}],
            None,
            Dumper=yaml.SafeDumper if name in trusted and trusted[name] == value else _Untrusted,
            default_flow_style=False,
        )
        for name, value in variables.items()
    )


class RunningJob:
    """One run of ansible-runner.

    Args:
        store: the objects of the controller; hold its lock.
        job: the job.
        folder: the private folder of the run.
    """

    def __init__(self, store: Store, job: Row, folder: Path) -> None:
        self._folder = folder
        shutil.copytree(store.get("projects", job["project"])["folder"], folder / "project")
        for name in ("env", "inventory"):
            (folder / name).mkdir(mode=0o700)
        # AWX writes a script that prints the inventory: Ansible trusts templates in it, as in a file.
        script = folder / "inventory" / "hosts"
        script.write_text(
            f"#!{sys.executable}\nprint({json.dumps(_inventory(store, job))!r})\n", encoding="utf-8"
        )
        script.chmod(0o700)
        environment, arguments = self._inject(store, job)
        self._write("envvars", json.dumps(environment))
        self._write("settings", json.dumps({"job_timeout": job["timeout"], "idle_timeout": 0}))
        own = {**job["extra_vars"], **_own_variables(store, job)}
        self._write("extravars", variables_as_awx_writes_them(own, job["trusted_vars"]))
        command = [sys.executable, "-m", "ansible_runner", "run", str(folder), "-p", job["playbook"], "-q"]
        command += ["--ident", IDENT, "--cmdline", " ".join([*arguments, *_switches(job)])]
        if job["limit"]:
            command += ["--limit", job["limit"]]
        with (folder / "runner.txt").open("wb") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=folder / "project",
                env={
                    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                    "LC_ALL": "C.UTF-8",
                    "HOME": str(folder),
                    "PWD": str(folder / "project"),
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    def _inject(self, store: Store, job: Row) -> tuple[dict[str, str], list[str]]:
        environment = {
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "build/collections"),
            "ANSIBLE_HOME": str(self._folder / "ansible"),
            "ANSIBLE_NOCOLOR": "1",
        }
        arguments: list[str] = []
        for number in job["credentials"]:
            credential = store.get("credentials", number)
            injectors = store.get("credential_types", credential["credential_type"])["injectors"]
            own, variables = self._injected(injectors, credential["inputs"])
            environment |= own
            if variables:
                arguments += ["-e", f"@{self._secret_file(variables_as_awx_writes_them(variables, {}))}"]
        return environment, arguments

    def _injected(self, injectors: Row, inputs: Row) -> tuple[dict[str, str], dict[str, Any]]:
        """Return the environment and the extra variables of one credential (CredentialType.inject_credential)."""
        templates = ImmutableSandboxedEnvironment()
        files: dict[str, str] = {}
        names = {**inputs, "tower": SimpleNamespace(filename=SimpleNamespace())}
        for label, text in injectors.get("file", {}).items():
            files[label.partition(".")[2]] = self._secret_file(templates.from_string(text).render(**names))
        names["tower"] = SimpleNamespace(filename=files.get("") or SimpleNamespace(**files))

        def rendered(node: Json) -> Json:
            if isinstance(node, dict):
                return {rendered(key): rendered(value) for key, value in node.items()}
            return templates.from_string(node).render(**names)

        return rendered(injectors.get("env", {})), rendered(injectors.get("extra_vars", {}))

    def _secret_file(self, text: str) -> str:
        number, path = tempfile.mkstemp(dir=self._folder / "env")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def _write(self, name: str, text: str) -> None:
        (self._folder / "env" / name).write_text(text, encoding="utf-8")

    @property
    def artifacts(self) -> Path:
        """The folder of the results."""
        return self._folder / "artifacts" / IDENT

    @property
    def output(self) -> str:
        """The output so far."""
        file = self.artifacts / "stdout"
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def events(self) -> list[dict[str, Any]]:
        """Return the events so far, the oldest first."""
        found = (json.loads(file.read_text("utf-8")) for file in self.artifacts.glob("job_events/*-*.json"))
        return sorted(found, key=lambda event: event["counter"])

    def cancel(self) -> None:
        """Cancel it as AWX does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kill everything at once, as when the node dies."""
        kill_tree(self.process)

    def lose(self) -> None:
        """Kill ansible-runner and the process group of ansible-playbook: its workers have to notice it.

        ansible-runner lets ansible-playbook ignore SIGHUP, so the death of ansible-runner alone ends nothing.
        """
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP)
            for playbook in list(children_of(self.process.pid)):
                with suppress(ProcessLookupError):
                    os.killpg(playbook, signal.SIGKILL)
            self.process.kill()
        self.process.wait()

    def result(self) -> Row | None:
        """Return the values of the ended job; None while it runs."""
        if self.process.poll() is None:
            return None
        file = self.artifacts / "status"
        found = file.read_text(encoding="utf-8") if file.exists() else ""
        status = _STATUS.get(found, "error")
        why = TIMED_OUT if found == "timeout" else ""
        if status == "error":
            why = (self._folder / "runner.txt").read_text(encoding="utf-8", errors="replace")[-2000:]
        stats = [event for event in self.events() if event["event"] == "playbook_on_stats"]
        artifacts = stats[-1]["event_data"].get("artifact_data", {}) if stats else {}
        return {
            "status": status,
            "failed": status != "successful",
            "job_explanation": why,
            "artifacts": artifacts,
        }

    def forget_secrets(self) -> None:
        """Delete the folder's secrets once the job has ended, as AWX deletes its private folder."""
        shutil.rmtree(self._folder / "env", ignore_errors=True)
        shutil.rmtree(self._folder / "inventory", ignore_errors=True)


def _switches(job: Row) -> list[str]:
    switches = ["--check"] if job["job_type"] == "check" else []
    if job["forks"]:
        switches.append(f"--forks {job['forks']}")
    if job["verbosity"]:
        switches.append("-" + "v" * job["verbosity"])
    return switches


def _inventory(store: Store, job: Row) -> Row:
    """Return the inventory; of a slice every n-th host in the order of names (Inventory.get_script_data)."""
    number = job["inventory"]
    hosts = sorted(
        (host for host in store.where("hosts", inventory=number) if host["enabled"]), key=lambda h: h["name"]
    )
    if job["slice"]:
        hosts = hosts[job["slice"] - 1 :: job["job_slice_count"]]
    names = {host["id"]: host["name"] for host in hosts}
    found: Row = {"all": {"vars": parsed(store.get("inventories", number)["variables"])}}
    found["all"]["hosts"] = list(names.values())
    for group in store.where("groups", inventory=number):
        members = [names[one] for one in group["links"].get("hosts", []) if one in names]
        children = [store.get("groups", one)["name"] for one in group["links"].get("children", [])]
        found[group["name"]] = {"hosts": members, "vars": parsed(group["variables"]), "children": children}
    return found | {"_meta": {"hostvars": {host["name"]: parsed(host["variables"]) for host in hosts}}}


def _own_variables(store: Store, job: Row) -> Row:
    """Return AWX's own variables of a job (UnifiedJob.awx_meta_vars), under its newer names."""
    found: Row = {
        "awx_job_id": job["id"],
        "awx_job_launch_type": job["launch_type"],
        "awx_job_template_id": job["job_template"],
        "awx_job_template_name": job["name"],
    }
    if user := store.find("users", job["user"]):
        names = {
            "id": "id",
            "name": "username",
            "email": "email",
            "first_name": "first_name",
            "last_name": "last_name",
        }
        found |= {f"awx_user_{name}": user[column] for name, column in names.items()}
    if workflow := store.find("workflow_jobs", job["workflow_job"]):
        # A job of a slice belongs to a workflow of slices; that may belong to a workflow.
        found |= {"awx_workflow_job_id": workflow["id"], "awx_workflow_job_name": workflow["name"]}
    return found
