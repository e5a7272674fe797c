# SPDX-FileCopyrightText: 2026 Latchkey contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of AWX as data (`playbooks/vars/awx_content.yml`) say what docs/awx.md says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[3]
CONTENT = ROOT / "playbooks/vars/awx_content.yml"
PRESENT = ROOT / "playbooks/tasks/awx_present.yml"
FIELDS = Path(__file__).parent / "aap_configuration_fields.yml"
LINKS = {"success_nodes": "success", "failure_nodes": "failure", "always_nodes": "always"}
DECISIONS = {"success": "approved", "failure": "denied"}
"""The words of the page's picture for the links after the approval."""


def content() -> dict[str, Any]:
    """Return the data."""
    found: dict[str, Any] = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))
    return found


def name_of(template: dict[str, Any]) -> str:
    """Return the name of a template without the operator's prefix."""
    return str(template["name"].rpartition("}}")[2])


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each list, and those of the workflow's nodes; none where the operator gives the rows."""
    found = {
        name: value if isinstance(value, list) else []
        for name, value in content().items()
        if name.startswith(("controller_", "aap_"))
    }
    found["controller_credentials"] = content()["latchkey_credentials"]
    nodes = [node for flow in found["controller_workflows"] for node in flow["simplified_workflow_nodes"]]
    return {**found, "simplified_workflow_nodes": nodes}


def fields_of_awx() -> dict[str, set[str]]:
    """Return the fields that the tasks of `awx_configure` give to AWX, by the list that they read."""
    found: dict[str, set[str]] = {}
    for task in yaml.safe_load(PRESENT.read_text(encoding="utf-8")):
        name = re.findall(r"\w+", task["loop"])
        of_nodes = "simplified_workflow_nodes" in name
        [options] = [value for key, value in task.items() if key.startswith("awx.awx.")]
        read = re.findall(r"item\.1\.(\w+)" if of_nodes else r"item\.(\w+)", str(options))
        found.setdefault("simplified_workflow_nodes" if of_nodes else name[0], set()).update(read)
    return found


def test_each_field_reaches_awx() -> None:
    """A field of the data that no task gives to AWX would count with `infra.aap_configuration` alone."""
    read = fields_of_awx()
    data = rows()
    assert set(read) == set(data)
    for name, known in read.items():
        for row in data[name]:
            assert set(row) - known - {"simplified_workflow_nodes"} == set(), (name, row.get("name"))


def test_infra_aap_configuration_reads_each_field() -> None:
    """A field that its roles do not know would count with `awx_configure` alone."""
    known = {name: set(keys) for name, keys in yaml.safe_load(FIELDS.read_text(encoding="utf-8")).items()}
    data = rows()
    assert set(known) == set(data)
    for name, fields in known.items():
        for row in data[name]:
            assert set(row) - fields == set(), (name, row.get("name"))
        # The rows of the operator have these fields, too.
        assert fields_of_awx()[name] - fields == set(), name


SECRET_VARIABLES = (
    "awx_connection",
    "awx_signing",
    "awx_sealing",
    "controller_credentials",
    "latchkey_credentials",
    "controller_notifications",
    "awx_notifications",
)
"""The variables that hold a password, or an address with a key in it."""


def test_a_task_that_has_a_secret_shows_no_result() -> None:
    """Neither by its options nor by its loop: AWX and the terminal would show both."""
    files = (*PRESENT.parent.glob("awx_*.yml"), PRESENT.parents[1] / "awx_configure.yml")
    tasks = [task for file in files for task in tasks_of(yaml.safe_load(file.read_text(encoding="utf-8")))]
    holding = [
        task for task in tasks if any(re.search(rf"\b{name}\b", str(task)) for name in SECRET_VARIABLES)
    ]
    assert len(holding) == 5
    assert [task["name"] for task in holding if task.get("no_log") is not True] == []


def tasks_of(plays: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tasks of plays, blocks or lists of tasks."""
    found = []
    for one in plays:
        inside = [task for name in ("tasks", "block", "rescue") for task in one.get(name, [])]
        found += tasks_of(inside) if inside else [one]
    return found


def test_what_a_rulebook_launches_needs_no_answer_of_a_person() -> None:
    """A template of the rulebook has one job for each PC at a time, and asks for nothing but the rulebook's answers."""
    rulebook = (ROOT / "extensions/eda/rulebooks/grants_controller.yml").read_text(encoding="utf-8")
    head = rulebook.partition("\n- name:")[0]
    names = dict(re.findall(r'# latchkey_(\w+)_template .*\("(.+)"\)', head))
    data = content()
    templates = {name_of(one): one for one in data["controller_templates"]}
    assert set(names) == {"night", "end", "alarm"}
    [rules] = yaml.safe_load(rulebook)
    for rule in rules["rules"]:
        launch = rule["action"]["run_job_template"]
        kind = re.findall(r"latchkey_(\w+)_template", launch["name"])[0]
        template = templates[names[kind]]
        assert (template["allow_simultaneous"], template["ask_limit_on_launch"]) == (True, True)
        assert "job_slice_count" not in template
        asked = [
            data["latchkey_questions"][question.split(".")[1].rstrip(" }")]
            for question in template["survey_spec"]["spec"]
        ]
        required = {question["variable"] for question in asked if question["required"]}
        assert required <= set(launch["job_args"]["extra_vars"]), names[kind]


def delivered() -> dict[str, str]:
    """Return each file of the collection that a job may run or read, but the data themselves."""
    folders = ("playbooks", "roles", "plugins", "extensions")
    files = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in files
        if path != CONTENT and path.suffix in {".yml", ".py", ".j2"}
    }


def test_the_picture_shows_the_links_of_the_night() -> None:
    """Each arrow of the page is a link of the workflow, and each link has its arrow."""
    [night] = content()["controller_workflows"]
    nodes = {node["identifier"]: node for node in night["simplified_workflow_nodes"]}
    links = {
        (name, DECISIONS[word] if name == "approval" else word, follower)
        for name, node in nodes.items()
        for key, word in LINKS.items()
        for follower in node.get(key, [])
    }
    page = (ROOT / "docs/awx.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^ +(\w+) -- (\w+) --> (\w+)$", page)) == links


def test_the_night_waits_for_its_restarts() -> None:
    """AWX puts a question's default before the template's variables, and the workflow does not answer the question."""
    data = content()
    questions = data["latchkey_questions"]
    asking = {name_of(template): template["survey_spec"]["spec"] for template in data["controller_templates"]}
    [night] = data["controller_workflows"]
    mode = "{{ latchkey_questions.restart_mode }}"
    assert [name for name, spec in asking.items() if mode in spec] == ["Maintain"]
    assert mode not in night["survey_spec"]["spec"]
    assert (questions["restart_mode"]["default"], questions["restart_mode"]["choices"]) == (
        "wait",
        ["wait", "begin"],
    )
    assert questions["restart_mode"]["variable"] == "maintenance_restart_mode"


def test_each_template_that_asks_signs() -> None:
    """The key and its certificate come as paths, in the role's variables; they sign where the role asks customers."""
    data = content()
    [kind] = [one for one in data["controller_credential_types"] if "signing" in one["name"]]
    told = kind["injectors"]["extra_vars"]
    assert set(told) == {"maintenance_signing_key", "maintenance_signing_certificate"}
    assert all("tower.filename" in path for path in told.values())
    assert [one["id"] for one in kind["inputs"]["fields"] if one.get("secret")] == ["key"]
    asking = {
        name_of(one) for one in data["controller_templates"] if one["credentials"] == "{{ latchkey_asking }}"
    }
    books = {one["playbook"] for one in data["controller_templates"] if name_of(one) in asking}
    assert books == {"request.yml", "maintain.yml"}
    assert {name_of(one) for one in data["controller_templates"] if one["playbook"] in books} == asking


def test_each_template_that_asks_has_the_sealing_key() -> None:
    """It comes as a path, in the role's variable, with the credentials of the templates that ask customers."""
    data = content()
    [kind] = [one for one in data["controller_credential_types"] if "sealing" in one["name"]]
    told = kind["injectors"]["extra_vars"]
    assert set(told) == {"maintenance_sealing_key"}
    assert "tower.filename" in told["maintenance_sealing_key"]
    assert [one["id"] for one in kind["inputs"]["fields"] if one.get("secret")] == ["key"]
    assert "awx_sealing" in data["latchkey_asking"]


def test_no_job_reads_the_artifacts_of_another() -> None:
    """The names of the artifacts stand where the counts are kept, and nowhere else; `set_stats` stands there alone."""
    naming = {
        name for name, text in delivered().items() if re.search(r"latchkey_(?:answers|results)\b", text)
    }
    assert naming == {"roles/maintenance/tasks/overview.yml", "roles/maintenance/tasks/totals.yml"}
    keeping = [name for name, text in delivered().items() if "set_stats" in text]
    assert keeping == ["roles/maintenance/tasks/counts.yml"]
    for name in naming:
        lines = [line for line in delivered()[name].splitlines() if "latchkey_" in line]
        assert all(
            re.search(r"maintenance_artifact: latchkey_\w+$|name: latchkey\.", line) for line in lines
        ), lines
