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
LINKS = {"success_nodes": "success", "failure_nodes": "failure", "always_nodes": "always"}
DECISIONS = {"success": "approved", "failure": "denied"}
"""The words of the page's picture for the links after the approval."""


def content() -> dict[str, Any]:
    """Return the data."""
    found: dict[str, Any] = yaml.safe_load(CONTENT.read_text(encoding="utf-8"))
    return found


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
    asking = {
        template["name"].rpartition("}}")[2]: template["survey_spec"]["spec"]
        for template in data["controller_templates"]
    }
    [night] = data["controller_workflows"]
    mode = "{{ latchkey_questions.restart_mode }}"
    assert [name for name, spec in asking.items() if mode in spec] == ["Maintain"]
    assert mode not in night["survey_spec"]["spec"]
    assert (questions["restart_mode"]["default"], questions["restart_mode"]["choices"]) == (
        "wait",
        ["wait", "begin"],
    )
    assert questions["restart_mode"]["variable"] == "maintenance_restart_mode"


def test_no_job_reads_a_signing_key_or_a_sealing_key() -> None:
    """The credential types for them are there for an operator's own steps."""
    files = re.findall(r"LATCHKEY_(?:SIGNING|CERTIFICATE|SEALING)_FILE", CONTENT.read_text(encoding="utf-8"))
    assert len(files) == 3
    assert [name for name, text in delivered().items() if any(file in text for file in files)] == []


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
