# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operator with the lab's controller: configures it by the collection's playbook, launches, waits."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
import yaml

from lab.controller.awx_server import Controller
from lab.simulated.pc_settings import OPERATOR
from tests.lab.job import ROOT
from tests.lab.maintenance import STEPS, program
from tests.waiting import eventually
from tests.wheel_collections import WheelCollection

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from lab.simulated.simulated_pc import SimulatedComputer

AWX_AWX = WheelCollection("awx.awx", "awx")
LONGEST = 300.0
"""Seconds of one job or of one run of a playbook on a busy machine."""
DONE = ("successful", "failed", "error", "canceled")


def playbook(
    folder: Path, name: str, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run one of the collection's playbooks for AWX."""
    collections = f"{ROOT / 'build/collections'}:{AWX_AWX.require()}"
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "ANSIBLE_NOCOLOR": "1"}
    own |= {
        "ANSIBLE_COLLECTIONS_PATH": collections,
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_HOME": str(folder / "home"),
    }
    command = [sys.executable, "-m", "ansible", "playbook", f"latchkey.consent.{name}", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env=own | environment,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def git(folder: Path, *words: str) -> None:
    """Run git in a folder."""
    identity = ("-c", "user.name=lab", "-c", "user.email=lab@example.com")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, timeout=60)


@dataclass
class Awx:
    """The controller, and the operator's own folder with the variables and the project."""

    controller: Controller
    folder: Path

    def configure(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run awx_configure with the variables of the folder."""
        return playbook(
            self.folder,
            "awx_configure",
            "-e",
            f"@{self.folder / 'awx.yml'}",
            *arguments,
            CONTROLLER_HOST=self.controller.url,
            CONTROLLER_OAUTH_TOKEN=self.controller.token(),
        )

    def ask(self, method: str, path: str, body: Any = None, *, user: str = "admin") -> requests.Response:
        """Ask the API as a user."""
        headers = {"Authorization": f"Bearer {self.controller.token(user)}"}
        return requests.request(
            method, f"{self.controller.url}/api/v2/{path}", headers=headers, json=body, timeout=60
        )

    def row(self, resource: str, name: str, *, by: str = "name") -> dict[str, Any]:
        """Return an object by its name, or by another field that has this value once."""
        found: list[dict[str, Any]] = self.ask("GET", f"{resource}/?{by}={name}").json()["results"]
        assert len(found) == 1, (resource, name, found)
        return found[0]

    def edit(self, name: str, **fields: object) -> None:
        """Edit a job template."""
        answer = self.ask("PATCH", f"job_templates/{self.row('job_templates', name)['id']}/", fields)
        assert answer.status_code == 200, answer.text

    def set_variables(self, name: str, **variables: object) -> None:
        """Edit some of the variables that stand in a job template."""
        own = yaml.safe_load(self.row("job_templates", name)["extra_vars"])
        self.edit(name, extra_vars=json.dumps({**own, **variables}))

    def launch(self, resource: str, name: str, **answers: object) -> dict[str, Any]:
        """Launch a template with answers of its survey; return the job."""
        answer = self.ask(
            "POST", f"{resource}/{self.row(resource, name)['id']}/launch/", {"extra_vars": answers}
        )
        assert answer.status_code == 201, answer.text
        launched: dict[str, Any] = answer.json()
        return launched

    def job(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return the present state of a job."""
        found: dict[str, Any] = self.ask("GET", row["url"].removeprefix("/api/v2/")).json()
        return found

    def wait(self, row: dict[str, Any], *states: str) -> dict[str, Any]:
        """Wait until a job has one of these states, by default until it has ended; return it."""
        wanted = states or DONE
        eventually(lambda: self.job(row)["status"] in wanted, f"{row['name']} is {wanted}", LONGEST)
        return self.job(row)

    def output(self, row: dict[str, Any]) -> str:
        """Return a job's output."""
        return self.ask("GET", f"jobs/{row['id']}/stdout/?format=txt").text

    def nodes(self, workflow: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """Return the jobs of a workflow by the identifiers of its nodes."""
        found = {}
        for node in self.ask("GET", f"workflow_jobs/{workflow['id']}/workflow_nodes/").json()["results"]:
            for kind in ("jobs", "workflow_jobs", "workflow_approvals"):
                answer = self.ask("GET", f"{kind}/{node['job']}/") if node["job"] else None
                if answer is not None and answer.status_code == 200:
                    found[node["identifier"]] = answer.json()
        return found

    def told(self, row: dict[str, Any]) -> str:
        """Return the output of a job, or of all jobs of a workflow, without line breaks."""
        if row["type"] == "workflow_job":
            return " ".join(map(self.told, self.nodes(row).values()))
        return " ".join(self.output(row).split()) if row["type"] == "job" else ""

    def add_pcs(self, computers: Iterable[SimulatedComputer]) -> None:
        """Add PCs to the inventory, without user and password: those come from the credential."""
        inventory = self.row("inventories", "Latchkey PCs")["id"]
        for computer in computers:
            reach = computer.reach.inventory()
            variables = {
                name: value
                for name, value in reach.items()
                if name not in {"ansible_user", "ansible_password"}
            }
            body = {"name": computer.name, "inventory": inventory, "variables": json.dumps(variables)}
            assert self.ask("POST", "hosts/", body).status_code == 201


def prepare(folder: Path, **night: object) -> str:
    """Write the project and the variables; return the password of the account that reaches the PCs."""
    folder.mkdir(parents=True, exist_ok=True)
    project = folder / "project"
    made = playbook(folder, "awx_project", "-e", f"awx_project_folder={project}")
    assert made.returncode == 0, made.stdout + made.stderr
    for name, task in (
        ("updates", program("updates", "install")),
        ("inventory", program("hostname", "")),
        ("accounting", program("accounting", "upgrade")),
    ):
        (project / f"{name}.yml").write_text(yaml.safe_dump([task]), encoding="utf-8")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Add the wrappers")):
        git(project, *words)
    password = secrets.token_urlsafe(12)
    variables = {
        "awx_environment_image": "registry.example.com/latchkey:1",
        "awx_project_url": f"file://{project}",
        "awx_connection": {"username": OPERATOR, "password": password},
        "awx_groups": [{"name": "office", "variables": {"site": "Kiel"}}],
        "awx_notifications": [
            {
                "name": "Latchkey events",
                "notification_type": "webhook",
                "notification_configuration": {
                    "url": "https://hooks.example.com/latchkey",
                    "http_method": "POST",
                    "headers": {},
                },
            }
        ],
        "awx_report": str(folder / "report"),
        "awx_slices": 2,
        "awx_night_variables": {
            "maintenance_steps": STEPS,
            "maintenance_terms": {"restarts": 3, "grace": 0.5},
            "maintenance_requester": {"name": "Ada Meyer", "organization": "Contoso IT"},
            "maintenance_request_timeout": 5,
            "maintenance_restart_timeout": 120,
            "maintenance_timeout": 20,
            "maintenance_on_no": "skip",
            "maintenance_quorum": "60%",
            **night,
        },
    }
    file = folder / "awx.yml"
    file.touch(0o600)
    file.write_text(yaml.safe_dump(variables), encoding="utf-8")
    return password


def saved_controller(factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a controller that awx_configure has set up, and the password of its credential.

    All workers of a test run share it, since each run of the playbook takes a minute of a processor. The folder has
    the controller in `controller`, and the operator's variables and project in `operator`.
    """
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "saved-awx"
    with Path(f"{folder}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "whole").exists():
            shutil.rmtree(folder, ignore_errors=True)
            prepare(folder / "operator")
            with Controller(folder / "controller") as controller:
                result = Awx(controller, folder / "operator").configure()
                assert result.returncode == 0, result.stdout + result.stderr
            (folder / "whole").touch()
    variables = yaml.safe_load((folder / "operator/awx.yml").read_text(encoding="utf-8"))
    return folder, variables["awx_connection"]["password"]


def configured(folder: Path, saved: Path) -> Controller:
    """Return a controller that begins with the objects of a saved one."""
    folder.mkdir(parents=True)
    shutil.copy(saved / "objects.json", folder / "objects.json")
    return Controller(folder)
