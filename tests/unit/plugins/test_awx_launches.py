# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of `awx_configure`, rendered as Ansible renders them, and launches that the lab's controller takes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar

from lab.controller.awx_resources import resources
from lab.controller.bodies import BadRequestError
from lab.controller.launching import launch
from lab.controller.store import Store
from lab.controller.survey import spec_error

if TYPE_CHECKING:
    from lab.controller.store import Row

ROOT = Path(__file__).resolve().parents[3]
CONTENT = ROOT / "playbooks/vars/awx_content.yml"
RULEBOOK = ROOT / "extensions/eda/rulebooks/grants_controller.yml"
OPERATOR = {
    "awx_environment_image": "registry.example.com/latchkey:1",
    "awx_project_url": "https://git.example.com/latchkey.git",
    "awx_connection": {"username": "helpdesk", "password": "x"},
    "awx_slices": 4,
    "awx_night_variables": {
        "maintenance_steps": [{"name": "Windows updates", "tasks": "updates.yml", "restart": "always"}],
        "maintenance_terms": {"restarts": 1},
        "maintenance_quorum": "60%",
        "maintenance_restart_mode": "begin",
    },
}
"""The variables of an operator. Quorum, mode and slices must not reach a job for one PC."""
EVENTS = {
    "night": {"event": "granted", "host": "PC1", "session": "Night"},
    "end": {"event": "revoked", "host": "PC1", "session": "Night"},
    "alarm": {"event": "position_lost", "host": "PC1", "session": ""},
}
"""An event for each template of the rulebook. A lost place has no session."""


@pytest.fixture(scope="module")
def templates() -> dict[str, dict[str, Any]]:
    """The templates by their names."""
    loader = DataLoader()
    try:
        known = loader.load_from_file(str(CONTENT), trusted_as_template=True)
    except TypeError:  # before ansible-core 2.19
        known = loader.load_from_file(str(CONTENT))
    found = Templar(loader=loader, variables={**known, **OPERATOR}).template(known["controller_templates"])
    # Plain values: those of Ansible carry tags.
    return {one["name"]: one for one in json.loads(json.dumps(found))}


def rules() -> dict[str, dict[str, Any]]:
    """Return the launch of each rule, and the name of its template, by the words of the rulebook's variables."""
    text = RULEBOOK.read_text(encoding="utf-8")
    names = dict(re.findall(r'# latchkey_(\w+)_template .*\("(.+)"\)', text))
    [rulebook] = yaml.safe_load(text)
    found = {}
    for rule in rulebook["rules"]:
        launched = rule["action"]["run_job_template"]
        [kind] = re.findall(r"latchkey_(\w+)_template", launched["name"])
        found[kind] = {"template": names[kind], "job_args": launched["job_args"]}
    return found


def sent(kind: str) -> dict[str, Any]:
    """Return the body that ansible-rulebook sends after an event; it adds the event itself as `ansible_eda`."""
    event = EVENTS[kind]
    text = json.dumps(rules()[kind]["job_args"])
    text = re.sub(r"{{ event\.latchkey\.(\w+) }}", lambda found: event[found[1]], text)
    body: dict[str, Any] = json.loads(text)
    body["extra_vars"]["ansible_eda"] = {"event": event}
    return body


def row_of(store: Store, template: dict[str, Any]) -> Row:
    """Add a template to a controller's objects."""
    fields = {one.name: one.default for one in resources()["job_templates"].fields.values()}
    given = {name: value for name, value in template.items() if name in fields}
    inventory = store.add("inventories", {"name": "PCs"})
    for number in range(8):
        store.add("hosts", {"name": f"PC{number}", "inventory": inventory["id"], "enabled": True})
    given |= {"inventory": inventory["id"], "extra_vars": json.dumps(template["extra_vars"])}
    return store.add("job_templates", {**fields, **given, "survey": template["survey_spec"]})


def test_each_survey_is_one_that_awx_takes(templates: dict[str, dict[str, Any]]) -> None:
    """Its questions are whole, and each default is a possible answer."""
    for name, template in templates.items():
        assert spec_error(template["survey_spec"]) == "", name


@pytest.mark.parametrize("kind", list(EVENTS))
def test_the_controller_takes_what_the_rulebook_sends(
    templates: dict[str, dict[str, Any]], tmp_path: Path, kind: str
) -> None:
    """One job for the PC of the event, with the session; the event itself is not stored with the job."""
    store = Store(tmp_path / "objects.json")
    row = row_of(store, templates[rules()[kind]["template"]])
    job = launch(store, row, sent(kind), user={"id": 1}, how="manual")
    variables = job["extra_vars"]
    assert (job["resource"], job["limit"], job["allow_simultaneous"]) == ("jobs", "PC1", True)
    assert variables["maintenance_session"] == EVENTS[kind]["session"]
    assert not {"ansible_eda", "latchkey_event"} & set(variables)
    if kind == "night":
        assert (variables["maintenance_reason"], variables["maintenance_ticket"]) == ("", "")
        assert (variables["maintenance_quorum"], variables["maintenance_restart_mode"]) == ("", "wait")
    if kind == "alarm":
        assert variables["latchkey_event_name"] == "position_lost"


@pytest.mark.parametrize("name", ["Maintain", "Revoke and close"])
def test_a_template_for_people_refuses_it(
    templates: dict[str, dict[str, Any]], tmp_path: Path, name: str
) -> None:
    """A required question needs an answer, whatever its default is."""
    store = Store(tmp_path / "objects.json")
    with pytest.raises(BadRequestError, match="'target' value missing"):
        launch(store, row_of(store, templates[name]), sent("end"), user={"id": 1}, how="manual")
