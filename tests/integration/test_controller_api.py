# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's controller refuses what AWX refuses, and runs, blocks and cancels jobs as AWX does. No PC is needed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import requests

from lab.controller.awx_resources import resources
from lab.controller.awx_server import Controller
from lab.controller.running_job import variables_as_awx_writes_them
from tests.lab.awx import git
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOW = """\
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.lineinfile:
        {path: "{{ note }}", line: "{{ inventory_hostname }} begins", create: true, mode: "0600"}
      throttle: 1  # Two hosts that write the file at once lose a line.
    - ansible.builtin.wait_for: {timeout: 60}
      when: slow is defined
"""
SPEC = {
    "name": "",
    "description": "",
    "spec": [
        {
            "type": "text",
            "question_name": "Note",
            "variable": "note",
            "required": True,
            "default": "",
            "max": 200,
        },
        {
            "type": "integer",
            "question_name": "N",
            "variable": "number",
            "required": False,
            "min": 1,
            "max": 5,
        },
        {
            "type": "multiplechoice",
            "question_name": "C",
            "variable": "choice",
            "required": False,
            "choices": "red\nblue",
        },
    ],
}


class Client:
    """Asks a controller, and has made a template `slow` with two hosts."""

    def __init__(self, controller: Controller, project: Path) -> None:
        self.controller = controller
        self.token = controller.token()
        self.project = project

    def ask(self, method: str, path: str, body: Any = None, status: int = 0) -> Any:
        """Ask; require a status if one is given; return the answer's JSON."""
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.request(
            method, f"{self.controller.url}/api/v2/{path}/", headers=headers, json=body, timeout=30
        )
        assert not status or answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def make(self, resource: str, **body: Any) -> int:
        """Make an object; return its id."""
        made: int = self.ask("POST", resource, body, 201)["id"]
        return made

    def template(self) -> int:
        """Make project, inventory and the template."""
        project = self.make(
            "projects", name="p", organization=1, scm_type="git", scm_url=f"file://{self.project}"
        )
        inventory = self.make("inventories", name="i", organization=1)
        for name in ("a", "b"):
            self.make("hosts", name=name, inventory=inventory)
        body = {"name": "slow", "project": project, "inventory": inventory, "playbook": "slow.yml"}
        number = self.make("job_templates", **body, survey_enabled=True, ask_variables_on_launch=True)
        self.ask("POST", f"job_templates/{number}/survey_spec", SPEC, 200)
        return number

    def launch(self, number: int, **answers: Any) -> int:
        """Launch; return the job's id."""
        job: int = self.ask("POST", f"job_templates/{number}/launch", {"extra_vars": answers}, 201)["id"]
        return job

    def status(self, job: int) -> str:
        """Return a job's status."""
        status: str = self.ask("GET", f"jobs/{job}", status=200)["status"]
        return status

    def until(self, job: int, *states: str) -> None:
        """Wait until a job has one of these states."""
        eventually(lambda: self.status(job) in states, f"job {job} is {states}", 60)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A controller with a project in a Git repository."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "slow.yml").write_text(SLOW, encoding="utf-8")
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "Add")):
        git(project, *words)
    with Controller(tmp_path / "controller") as controller:
        yield Client(controller, project)


def test_options_describe_each_resource(client: Client) -> None:
    """OPTIONS names the type, the choices and the need of each field."""
    for name in resources():
        answer = client.ask("OPTIONS", name, status=200)
        assert answer["actions"]["GET"], name
    fields = client.ask("OPTIONS", "job_templates")["actions"]["POST"]
    assert fields["name"] == {"type": "string", "required": True, "max_length": 512}
    assert fields["job_type"]["choices"] == [["run", "run"], ["check", "check"]]
    assert fields["inventory"]["type"] == "id"


@pytest.mark.parametrize(
    ("resource", "body", "field"),
    [
        ("teams", {"name": "t"}, "organization"),
        ("teams", {"name": "t", "organization": 99}, "organization"),
        ("teams", {"name": "t", "organization": "Default"}, "organization"),
        ("teams", {"name": "x" * 513, "organization": 1}, "name"),
        ("teams", {"name": "t", "organization": 1, "colour": "red"}, "colour"),
        ("inventories", {"name": "i", "organization": 1, "kind": "round"}, "kind"),
        ("inventories", {"name": "i", "organization": 1, "variables": "{"}, "variables"),
        ("projects", {"name": "p", "organization": 1, "scm_type": "git"}, "scm_url"),
        ("credential_types", {"name": "c", "kind": "ssh"}, "kind"),
        (
            "credential_types",
            {"name": "c", "kind": "cloud", "injectors": {"env": {"A": "{{ b }}"}}},
            "injectors",
        ),
        ("job_templates", {"name": "j", "project": None}, "project"),
        ("execution_environments", {"name": "e", "image": "i", "pull": "sometimes"}, "pull"),
        ("organizations", {"name": "o", "max_hosts": -1}, "max_hosts"),
    ],
)
def test_wrong_objects_are_refused(client: Client, resource: str, body: dict[str, Any], field: str) -> None:
    """A missing, unknown or wrong field is a 400 that names the field, and makes nothing."""
    before = client.ask("GET", resource)["count"]
    assert field in client.ask("POST", resource, body, 400)
    assert client.ask("GET", resource)["count"] == before


def test_duplicates_and_missing_playbooks_are_refused(client: Client) -> None:
    """A second object of the same name, and a playbook that the project lacks, are refused."""
    number = client.template()
    template = client.ask("GET", f"job_templates/{number}")
    body = {name: template[name] for name in ("name", "project", "inventory")}
    assert "__all__" in client.ask("POST", "job_templates", {**body, "playbook": "slow.yml"}, 400)
    refused = client.ask("POST", "job_templates", {**body, "name": "n", "playbook": "none.yml"}, 400)
    assert refused == {"playbook": ["Playbook not found for project."]}


def test_surveys_are_checked_as_awx_checks_them(client: Client) -> None:
    """A launch without a required answer, or with one of a wrong type, is a 400 `variables_needed_to_start`."""
    number = client.template()
    place = f"job_templates/{number}/launch"
    for answers in (
        {},
        {"note": 7},
        {"note": "x", "number": "3"},
        {"note": "x", "number": 9},
        {"note": "x", "choice": "grey"},
    ):
        refused = client.ask("POST", place, {"extra_vars": answers}, 400)
        assert list(refused) == ["variables_needed_to_start"], answers
    assert client.ask("GET", "jobs")["count"] == 0
    wrong = {**SPEC, "spec": [{**SPEC["spec"][0], "type": "date"}]}  # type: ignore[dict-item]
    assert "error" in client.ask("POST", f"job_templates/{number}/survey_spec", wrong, 400)


def test_two_launches_at_once_wait_for_each_other(client: Client, tmp_path: Path) -> None:
    """The second launch stays pending; a cancelled job ends at once, and its playbook runs no further task."""
    number, note = client.template(), tmp_path / "note"
    first = client.launch(number, note=str(note), slow=True)
    second = client.launch(number, note=str(note))
    eventually(note.exists, "the first job runs", 60)
    assert (client.status(first), client.status(second)) == ("running", "pending")
    # Edited in the middle: the pending job keeps what it was launched with.
    client.ask("PATCH", f"job_templates/{number}", {"limit": "nobody"}, 200)
    client.ask("POST", f"jobs/{first}/cancel", {}, 202)
    client.until(first, "canceled")
    client.until(second, "successful")
    assert sorted(note.read_text().splitlines()) == ["a begins", "b begins"]


def test_a_workflow_keeps_its_nodes_and_takes_templates_as_they_are(client: Client, tmp_path: Path) -> None:
    """Edited in the middle: a removed node runs all the same, with the variables that its template has by then."""
    number, note = client.template(), tmp_path / "note"
    workflow = client.make("workflow_job_templates", name="w", organization=1)
    first, second = (
        client.make(
            "workflow_job_template_nodes",
            identifier=name,
            workflow_job_template=workflow,
            unified_job_template=number,
            extra_data={"note": str(note), "slow": True} if name == "first" else {},
        )
        for name in ("first", "second")
    )
    client.ask("POST", f"workflow_job_template_nodes/{first}/always_nodes", {"id": second}, 204)
    client.ask("POST", f"workflow_job_templates/{workflow}/launch", {}, 201)
    eventually(lambda: note.exists() and note.read_text().count("begins") == 2, "the first node runs", 60)
    later = json.dumps({"note": str(tmp_path / "later")})
    client.ask("PATCH", f"job_templates/{number}", {"extra_vars": later, "survey_enabled": False}, 200)
    client.ask("DELETE", f"workflow_job_template_nodes/{second}", status=204)
    (running,) = client.ask("GET", "jobs")["results"]
    client.ask("POST", f"jobs/{running['id']}/cancel", {}, 202)
    eventually(lambda: client.ask("GET", "jobs")["count"] == 2, "the second node runs", 60)
    client.until(client.ask("GET", "jobs")["results"][1]["id"], "successful")
    assert sorted((tmp_path / "later").read_text().splitlines()) == ["a begins", "b begins"]
    assert sorted(note.read_text().splitlines()) == ["a begins", "b begins"]


def test_a_job_ends_after_its_time(client: Client, tmp_path: Path) -> None:
    """A job that lasts longer than its time-out fails with AWX's explanation."""
    number = client.template()
    client.ask("PATCH", f"job_templates/{number}", {"timeout": 3}, 200)
    job = client.launch(number, note=str(tmp_path / "note"), slow=True)
    client.until(job, "failed")
    assert client.ask("GET", f"jobs/{job}")["job_explanation"] == "Job terminated due to timeout"


def test_an_expired_token_is_refused(client: Client) -> None:
    """A token that is over, and one that was never issued, are a 401 with a sentence."""
    client.token = client.controller.token(lifetime=timedelta(seconds=-1))
    assert "credentials were not provided" in client.ask("GET", "jobs", status=401)["detail"]
    client.token = "invented"
    client.ask("POST", "teams", {"name": "t", "organization": 1}, 401)
    client.token = client.controller.token()
    assert client.ask("GET", "teams")["count"] == 0


def test_a_controller_that_goes_away_fails_its_jobs(client: Client, tmp_path: Path) -> None:
    """The next controller knows all objects, and tells that the running job is lost; nothing of it runs on."""
    number, note = client.template(), tmp_path / "note"
    job = client.launch(number, note=str(note), slow=True)
    eventually(note.exists, "the job runs", 60)
    client.controller.__exit__(None, None, None)
    with Controller(client.controller.folder) as again:
        client.controller, client.token = again, again.token()
        lost = client.ask("GET", f"jobs/{job}", status=200)
        assert lost["status"] == "failed"
        assert "marked as failed" in lost["job_explanation"]
        client.until(client.launch(number, note=str(note)), "successful")


def test_a_schedule_launches_at_its_time(client: Client, tmp_path: Path) -> None:
    """A schedule without a required answer is refused; at its time it launches one job."""
    number, note = client.template(), tmp_path / "note"
    start = datetime(2026, 1, 5, 21, 50, tzinfo=UTC)
    client.controller.store.now = lambda: start - timedelta(seconds=5)
    rule = "DTSTART;TZID=Europe/Berlin:20260105T225000 RRULE:FREQ=DAILY;INTERVAL=1"
    body = {"name": "s", "unified_job_template": number, "rrule": rule, "extra_data": {}}
    assert "variables_needed_to_start" in client.ask("POST", "schedules", body, 400)
    assert "rrule" in client.ask("POST", "schedules", {**body, "rrule": "RRULE:FREQ=DAILY"}, 400)
    client.make("schedules", **{**body, "extra_data": {"note": str(note)}})
    assert client.ask("GET", "jobs")["count"] == 0
    client.controller.store.now = lambda: start + timedelta(seconds=5)
    client.token = client.controller.token()
    eventually(lambda: client.ask("GET", "jobs")["count"], "the schedule launches", 10)
    job = client.ask("GET", "jobs")["results"][0]
    assert job["launch_type"] == "scheduled"
    client.until(job["id"], "successful")
    assert client.ask("GET", "jobs")["count"] == 1


def test_texts_of_a_launch_are_written_as_unsafe() -> None:
    """AWX marks each text of a launch as unsafe; a value of the template itself stays plain."""
    written = variables_as_awx_writes_them({"at": "22:00", "own": "yes it is"}, {"own": "yes it is"})
    assert written == "!unsafe 'at': !unsafe '22:00'\nown: yes it is\n"
